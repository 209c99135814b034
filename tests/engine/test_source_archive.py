"""Maildir, zip, folders of .eml and Zimbra's TGZ into a real Dovecot: bytes, dates, flags, damage, hostile files."""

import base64
import gzip
import hashlib
import io
import json
import os
import pathlib
import tarfile
import zipfile

import pytest

from . import containers, filecase, oddities
from .containers import Mail

HEAD = b"From: bob@b.example\r\nTo: ana@a.example\r\nDate: Tue, 5 May 2015 05:05:05 +0000\r\nSubject: "
DATE = containers.seconds("2015-05-05 05:05:05")
SHARED = pathlib.Path(os.environ.get("DESK_SHARED_DATA") or pathlib.Path(__file__).resolve().parents[3] / "shared/data")


def mail(subject, flags=(), body=b"corpo\r\n", date=DATE):
    return Mail(HEAD + subject.encode() + b"\r\n\r\n" + body, date, flags)


def samples(directory):
    files = sorted((SHARED / directory).glob("*")) if (SHARED / directory).is_dir() else []
    if not files:
        pytest.skip(f"no samples in {SHARED / directory}: set DESK_SHARED_DATA")
    return files


def maildir(root, mails, crlf=False):
    letters = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Draft": "D", "\\Deleted": "T", "$Forwarded": "P"}
    for sub in ("cur", "new", "tmp"):
        (root / sub).mkdir(parents=True, exist_ok=True)
    for number, m in enumerate(mails):
        file = root / ("cur" if m.flags else "new") / f"{m.date}.{number:05}.host"
        if m.flags:
            file = file.with_name(file.name + ":2," + "".join(sorted(letters[f] for f in m.flags)))
        file.write_bytes(m.data if crlf else containers.lf(m.data))
        os.utime(file, (m.date, m.date))


def test_maildir(case, tmp_path):
    """Maildir++ with names in modified UTF-7; files of the server itself are no mail; state and no state."""
    tree = {"INBOX": [mail("nova"), mail("lida", ("\\Seen",)), mail("tudo", ("\\Seen", "\\Answered", "\\Flagged"))],
            "Enviados": [mail("env", ("\\Seen", "$Forwarded"))], "Clientes/São Paulo": [mail("sp", ("\\Draft",))],
            "Vazia": []}
    root = tmp_path / "Maildir"
    maildir(root, tree["INBOX"])
    maildir(root / ".Enviados", tree["Enviados"], crlf=True)
    maildir(root / ".Clientes.S&AOM-o Paulo", tree["Clientes/São Paulo"])
    (root / "dovecot-uidlist").write_text("3 V1 N1\n")
    (root / "tmp/half").write_text("x")
    engine = filecase.engine(case, "maildir", root)
    run = filecase.moved(engine.run(), 5)
    del tree["Vazia"]
    filecase.check(case, tree, run)
    filecase.again(engine, 5)
    other = filecase.engine(case, "maildir", root, "other").run()
    assert other.status == 0 and other.done["messages_copied"] == 0, other
    verify = engine.run(command="verify")
    assert verify.status == 0, verify


@pytest.mark.parametrize("packed", [True, False])
def test_eml(case, tmp_path, packed):
    """A zip of .eml files or a folder of them, hostile names among them."""
    tree = {"INBOX": [mail("a"), mail("b", body=b"x" * 2_000_000 + b"\r\n")], "Projetos/Ação": [mail("c")],
            "__/__": [mail("fora")]}
    names = {"INBOX": "", "Projetos/Ação": "Projetos/Ação/", "__/__": "../../"}
    entries = [(f"{names[folder]}{n}.eml", m.data) for folder, mails in tree.items() for n, m in enumerate(mails)]
    if packed:
        source = tmp_path / "mail.zip"
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as out:
            for name, data in entries:
                out.writestr(name, data)
            out.writestr("leia-me.txt", "x")
    else:
        source, tree = tmp_path / "a/b/mail", {k: v for k, v in tree.items() if k != "__/__"}
        for name, data in entries[:3]:
            file = source / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        (source / "leia-me.txt").write_text("x")
    engine = filecase.engine(case, "zip", source)
    count = sum(map(len, tree.values()))
    run = filecase.moved(engine.run(), count)
    filecase.check(case, tree, run)
    filecase.again(engine, count)
    assert not [p for p in tmp_path.parent.glob("*.eml")]


# --- Zimbra ---

LETTERS = {"\\Answered": "r", "\\Flagged": "f", "\\Draft": "d", "\\Deleted": "x", "$Forwarded": "w"}


def meta(m, path, number, tags=()):
    letters = "".join(LETTERS[f] for f in m.flags if f in LETTERS) + ("" if "\\Seen" in m.flags else "u")
    digest = base64.b64encode(hashlib.sha256(m.data).digest()).decode().replace("/", ",")
    return json.dumps({"type": 5, "id": number, "Path": path, "date": m.date, "size": len(m.data), "FlagStr": letters,
                       "unread": 1, "flags": 0, "TagNames": ":".join(tags), "blob_digest": digest}).encode()


def tgz(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), DATE
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue())


def export(tree):
    """As Carbonio writes it: many entries may have one name."""
    entries = [("Contacts/Ana.meta", json.dumps({"type": 6, "id": 9, "Path": "/Contacts/"}).encode()),
               ("Vazia.meta", json.dumps({"type": 1, "id": 8, "Path": "/Vazia", "metadata": "d2:vti5ee"}).encode())]
    for number, (path, m) in enumerate(tree):
        name = f"{path.strip('/').replace(':', '_')}/assunto.eml"
        entries += [(name + ".meta", meta(m, path, 300 + number)), (name, m.data)]
    return entries


def test_tgz(case, tmp_path):
    tree = [("/Inbox/", mail("1")), ("/Sent/", mail("2", ("\\Seen", "\\Answered"))), ("/Inbox/", mail("3", ("\\Flagged",))),
            ("/Inbox/Ação: já/", mail("4", ("\\Seen", "\\Draft", "$Forwarded"))), ("/Inbox/", mail("1"))]
    file = tmp_path / "export.tgz"
    file.write_bytes(tgz(export(tree)))
    engine = filecase.engine(case, "tgz", file)
    run = filecase.moved(engine.run(), 5)
    filecase.check(case, {"INBOX": [tree[0][1], tree[2][1], tree[4][1]], "Sent": [tree[1][1]],
                          "INBOX/Ação: já": [tree[3][1]], "Vazia": []}, run)
    assert "1 contacts: no mail" in [e["message"] for e in run.of("warning")], run
    filecase.again(engine, 5)
    verify = engine.run("--deep", command="verify")
    assert verify.status == 0, verify


def test_tgz_damaged(case, tmp_path):
    """A wrong digest and a cut end are named and the run is partial; what can be read is moved."""
    tree = [("/Inbox/", mail(f"{n}", body=os.urandom(3000).hex().encode() + b"\r\n")) for n in range(20)]
    entries = export(tree)
    entries[4] = (entries[4][0], entries[4][1].replace(b'"blob_digest": "', b'"blob_digest": "AAAA')[:-6] + b'"}')
    data = tgz(entries)
    file = tmp_path / "export.tgz"
    file.write_bytes(data[:len(data) * 2 // 3])
    run = filecase.engine(case, "tgz", file).run()
    texts = " ".join(e["message"] for e in run.of("warning"))
    assert run.status == 1 and "cut off" in texts, run
    assert 10 <= run.done["messages_copied"] < 20, run
    got = case.read(case.destination).folders["INBOX"]
    assert set(got) <= {filecase.key(m) for _, m in tree}


@pytest.mark.long
@pytest.mark.parametrize("packed", [True, False])
def test_no_eml(case, tmp_path, packed):
    """A zip or a folder with other files alone is the wrong one: that is said, and it is no success."""
    if packed:
        file = tmp_path / "x.zip"
        with zipfile.ZipFile(file, "w") as out:
            out.writestr("photos/a.jpg", b"x")
    else:
        file = tmp_path / "tree"
        file.mkdir()
        (file / "a.jpg").write_bytes(b"x")
    run = filecase.engine(case, "zip", file).run()
    assert run.status != 0 and "not one .eml" in run.stderr, run


@pytest.mark.long
def test_tgz_with_an_odd_header(case, tmp_path):
    """What tar takes in the middle of an archive is read again from there, although no archive could begin like that."""
    tree = [("/Inbox/", mail(f"{n}", body=b"linha %d\r\n" % n * 60_000)) for n in range(6)]
    data = bytearray(gzip.decompress(tgz(export(tree))))
    at = data.rindex(b"Inbox/assunto.eml\0")
    data[at + 108:at + 116] = b"99zz999\0"  # the owner's number
    data[at + 148:at + 156] = b" " * 8
    data[at + 148:at + 156] = b"%06o\0 " % sum(data[at:at + 512])
    file = tmp_path / "export.tgz"
    file.write_bytes(gzip.compress(bytes(data), 1))
    run = filecase.moved(filecase.engine(case, "tgz", file).run(), 6)
    filecase.check(case, {"INBOX": [m for _, m in tree], "Vazia": []}, run)
    verify = filecase.engine(case, "tgz", file, "again").run("--deep", command="verify")
    assert verify.status == 0, verify


@pytest.mark.long
def test_bomb(case, tmp_path):
    """Archives that unpack to a thousand times their size: an error, bounded memory."""
    zeros = gzip.compress(b"\0" * (64 << 20))
    for kind, name in (("tgz", "b.tgz"), ("zip", "b.zip")):
        file = tmp_path / name
        if kind == "zip":
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
                for n in range(20):
                    out.writestr(f"{n}.eml", b"\0" * (64 << 20), compresslevel=9)
        else:
            head = tarfile.TarInfo("Inbox/a.eml")
            head.size = 64 << 20
            block = gzip.compress(head.tobuf(tarfile.GNU_FORMAT))
            file.write_bytes((block + zeros) * 20)
        run = filecase.engine(case, kind, file, kind).run("--max-size", "1M", timeout=300)
        assert run.status == 1 and "bomb" in " ".join(e["message"] for e in run.of("warning")), run


@pytest.mark.long
def test_samples_tgz(case):
    """Each real and damaged sample: what Zimbra's own .meta files say, exit 1 where damage is."""
    for file in samples("tgz"):
        wanted, digests = {}, 0
        if "damaged" not in file.name and "Truncated" not in file.name and "nometa" not in file.name:
            with tarfile.open(file) as tar:
                last = None
                for entry in tar:
                    data = tar.extractfile(entry).read()
                    if entry.name.endswith(".meta"):
                        last = json.loads(data)
                    elif last and last["type"] == 5:
                        digests += 1
                        key = last["Path"].strip("/") or "INBOX"
                        wanted[key] = wanted.get(key, 0) + 1
        mine = case.sibling(file.stem)
        run = filecase.engine(mine, "tgz", file).run()
        damaged = "damaged" in file.name or "Truncated" in file.name
        assert run.status == (1 if damaged else 0), f"{file}\n{run}"
        if wanted:
            got = {p: sum(m.values()) for p, m in mine.read(mine.destination).folders.items() if m}
            assert sum(got.values()) == digests and got.get("INBOX", 0) == wanted.get("Inbox", 0), (file, got, wanted)


@pytest.mark.long
def test_round_trip(case, tmp_path):
    """Real odd mail through each container: byte for byte (lines end in CRLF, as IMAP has it)."""
    real = [d for d in oddities.shared_messages() if d and b"\0" not in d and not d.endswith(b"\r")]
    crlf = [Mail(d.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), DATE + n, ("\\Seen",)) for n, d in enumerate(real)]
    with_end = [Mail(m.data if m.data.endswith(b"\r\n") else m.data + b"\r\n", m.date)
                for m in crlf if b"content-length:" not in m.data.lower()]  # theirs no longer fit
    maildir(tmp_path / "Maildir", crlf)
    (tmp_path / "x.tgz").write_bytes(tgz(export([("/Inbox/", m) for m in crlf])))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        for n, m in enumerate(crlf):
            out.writestr(f"{n:05}.eml", m.data)
    (tmp_path / "x.mbox").write_bytes(containers.mbox(with_end))
    for kind, name, mails in (("maildir", "Maildir", crlf), ("tgz", "x.tgz", crlf), ("zip", "x.zip", crlf),
                              ("mbox", "x.mbox", with_end)):
        mine = case.sibling(kind)
        run = filecase.engine(mine, kind, tmp_path / name).run()
        got = mine.read(mine.destination).folders["INBOX"]
        have = {digest for digest, _, _ in got}
        lost = [m for m in mails if filecase.key(m)[0] not in have]
        assert run.done["messages_copied"] + run.done["refused"] == len(mails), run
        assert len(lost) <= run.done["refused"], (kind, [m.data[:200] for m in lost[:3]], run)
