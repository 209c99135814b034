"""Folder names, messages, flags and dates that have broken migrations."""

import os
import pathlib

import pytest

# parts are separated by "/"; the loader writes the server's own separator
NAMES = [
    'Notas "rápidas"', "volta\\barra", "100% certo", "estrela * dupla", "{5}", "fim com espaço ", " começo", "emoji 🎉✈",
    "A & B", "&", "&amp;", "INBOX/INBOX", "Maiúsculas", "maiúsculas", "CASO", "caso", "日本/テスト/中文", "til~aqui",
    "a/b/c/d/e/f/g/h", "só um 'apóstrofo'", "ponto-e-vírgula;", "parênteses (x)", "colchetes [y]", "+mais-", "NIL", "-", "#não",
    "Ünï/çødé/ñ", "é composto", "e\u0301 decomposto", "n" * 200, "Enviados", "Itens excluídos", "RE: assunto?", "$HOME", "<b>x</b>",]
# what some servers cannot hold, or only under another name
NAMES_FOR_SOME = ['X"Y', "X%Y", "X_Y", "n" * 240, "é" * 100, "/".join(["nível " + "x" * 60] * 6)]
DATES = ["02-Jan-1970 00:00:00 +0000", "31-Dec-1999 23:59:59 +0000", "17-Jan-2038 03:14:08 +0000",
         " 1-Feb-2000 00:00:00 +1400", "29-Feb-2020 23:59:59 -1200", "17-Jul-1996 02:44:25 +0545", "25-Dec-2021 10:00:00 -0330"]
KEYWORDS = ["$MDNSent", "$Forwarded", "$Junk", "NonJunk", "$Label1", "Cliente-VIP", "a.b", "x:y", "under_score", "UPPER", "upper2"]


def message(subject, body=b"corpo\r\n", message_id=None):
    head = b"From: <bob@b.example>\r\nSubject: " + subject.encode() + b"\r\n"
    if message_id:
        head += b"Message-ID: <" + message_id.encode() + b">\r\n"
    return head + b"\r\n" + body


def strange_messages():
    """Messages that real mailboxes hold and no standard allows, and those that are only unusual."""
    head = b"From: <bob@b.example>\r\nSubject: odd\r\n"
    return [
        head + b"\r\nNUL here: \0 and there \0\r\n",
        head + b"\r\nbare\rCR\r\n",
        head + b"\r\nbare\nLF\n\n",
        head + b"\r\nCR CR LF\r\r\nend\r\n",
        head + b"\r\nmixed\r\nline\nends\r\n",
        head,
        head + b"\r\n",
        b"\r\nno header at all\r\n",
        b"no header, no blank line",
        b"\r\n",
        b"x",
        b"",
        b"From bob@b.example Mon Jan  1 00:00:00 2001\r\n" + head + b"\r\nleading From\r\n",
        head + b"\r\nFrom the start\r\n>From quoted\r\n.\r\n..\r\n",
        b"Subject: Relat\xf3rio\r\nFrom: Jos\xe9 <j@b.example>\r\n\r\nlatin-1 \xe1\r\n",
        "Subject: Relatório\r\nFrom: José <j@b.example>\r\n\r\nutf-8 á\r\n".encode(),
        head + b"X-Long: " + b"y" * 100_000 + b"\r\n\r\n" + b"z" * 100_000 + b"\r\n",
        head + b"Message-ID:\r\n <folded@b.example>\r\n\r\nfolded\r\n",
        head + b"Message-ID: <one@b.example>\r\nMessage-ID: <two@b.example>\r\n\r\ntwo ids\r\n",
        head + b"Message-ID: no brackets at all\r\n\r\nx\r\n",
        b"Subject : space before colon\r\nBroken header line\r\n\r\nx\r\n",
        head + b"\r\nno end of line",
        head + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nnever closed\r\n",
        b"\xff\xfe\x00\x01binary\r\n\r\n\x80\x81\r\n",
        head + b"\r\n" + b"\r\n" * 5000,
        head + b"\r\n" + bytes(range(1, 256)) * 20 + b"\r\n",
    ]


def shared_messages():
    """Real odd messages from DESK_SHARED_DATA (default: ../shared/data beside the checkout)."""
    root = pathlib.Path(__file__).resolve().parents[2]
    place = pathlib.Path(os.environ.get("DESK_SHARED_DATA") or root.parent / "shared/data") / "eml"
    files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else []
    if not files:
        pytest.skip(f"no messages in {place}: set DESK_SHARED_DATA")
    return [file.read_bytes() for file in files]
