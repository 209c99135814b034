"""mbox and trees of mbox files into a real Dovecot: bytes, dates, flags."""

import pytest

from . import containers, filecase
from .containers import Mail

HEAD = b"From: bob@b.example\r\nTo: ana@a.example\r\nSubject: "
DATE = containers.seconds("2015-05-05 05:05:05")


def mail(subject, body=b"corpo\r\n", flags=("\\Seen",), date=DATE):
    return containers.with_status(Mail(HEAD + subject.encode() + b"\r\n\r\n" + body, date, flags))


def awkward(dialect):
    """Bodies that separators and quotes stand in; what a dialect cannot carry is left out."""
    mails = [
        mail("vazio", b""),
        mail("um", b"corpo\r\n"),
        mail("de", b"linha\r\n\r\nFrom the beginning\r\nFrom: not a header\r\n", ()),
        mail("pontos", b".\r\n..\r\n\r\n\r\n", ("\\Seen", "\\Answered")),
        mail("longa", b"x" * 300_000 + b"\r\nFrom here\r\n" + b"y" * 70_000 + b"\r\n", ("\\Flagged",)),
        mail("data", b"\r\nFrom\r\nFromage\r\n>Fro\r\n", ("\\Draft",)),
        mail("latim", b"Subject: x\r\n\xe1\xe9\xff\r\n", ("\\Seen", "\\Deleted"), containers.seconds("1999-12-31 23:59:59")),
        mail("último", b"fim\r\n"),
    ]
    if dialect != "mboxo":  # which has one mark for two things
        mails.insert(2, mail("citado", b">From quoted\r\n>>From twice\r\n> From not\r\n"))
    if dialect == "mboxcl2":
        mails.insert(3, mail("mbox dentro", b"texto\r\n\r\nFrom a@b.example Mon Jan  1 00:00:00 2001\r\nSubject: y\r\n\r\nz\r\n"))
    return mails


@pytest.mark.parametrize("dialect,crlf", [("mboxrd", False), ("mboxcl2", True)] + [
    pytest.param(*row, marks=pytest.mark.long) for row in [("mboxo", False), ("mboxo", True), ("mboxrd", True),
                                                           ("mboxcl2", False)]])
def test_dialects(case, tmp_path, dialect, crlf):
    mails = awkward(dialect)
    file = tmp_path / "caixa de correio.mbox"
    file.write_bytes(containers.mbox(mails, dialect, crlf))
    engine = filecase.engine(case, "mbox", file)
    run = filecase.moved(engine.run(), len(mails))
    if dialect == "mboxcl2":
        for m in mails:
            head, gap, body = m.data.partition(b"\r\n\r\n")
            size = len(body) if crlf else len(containers.lf(body))
            m.data = head + b"\r\nContent-Length: %d" % size + gap + body
    filecase.check(case, {"INBOX": mails}, run)
    filecase.again(engine, len(mails))
    verify = engine.run("--deep", command="verify")
    assert verify.status == 0, verify


@pytest.mark.long
def test_without_state(case, tmp_path):
    """The state is lost: nothing is copied twice."""
    mails = awkward("mboxrd") * 3
    file = tmp_path / "mbox"
    file.write_bytes(containers.mbox(mails))
    filecase.moved(filecase.engine(case, "mbox", file).run(), len(mails))
    run = filecase.engine(case, "mbox", file, "other").run()
    assert run.status == 0 and run.done["messages_copied"] == 0, run
    filecase.check(case, {"INBOX": mails}, run)


def test_file_grows(case, tmp_path):
    """New mail at its end travels; then a message is taken out of its middle and nothing is lost or doubled."""
    mails = [mail(f"n{n}") for n in range(20)]
    file = tmp_path / "mbox"
    file.write_bytes(containers.mbox(mails[:15]))
    engine = filecase.engine(case, "mbox", file)
    filecase.moved(engine.run(), 15)
    file.write_bytes(containers.mbox(mails[:15] + mails[15:18]))
    filecase.moved(engine.run(), 3)
    file.write_bytes(containers.mbox(mails[:7] + mails[8:]))
    filecase.moved(engine.run(), 2)
    filecase.check(case, {"INBOX": mails})


def test_tree_of_readpst(case, tmp_path):
    tree = {"Dados/Inbox": [mail("a")], "Dados/Inbox/Projetos": [mail("b"), mail("c")], "Dados/Itens enviados": [mail("d")],
            "Dados/Éléments": [mail("e")]}
    for path, mails in tree.items():
        folder = tmp_path / "out" / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mbox").write_bytes(containers.mbox(mails))
    (tmp_path / "out/Dados/contacts").write_text("BEGIN:VCARD")
    run = filecase.moved(filecase.engine(case, "mbox", tmp_path / "out").run(), 5)
    filecase.check(case, {"INBOX": tree["Dados/Inbox"], "INBOX/Projetos": tree["Dados/Inbox/Projetos"],
                          "Itens enviados": tree["Dados/Itens enviados"], "Éléments": tree["Dados/Éléments"]}, run)


@pytest.mark.long
def test_tree_of_thunderbird(case, tmp_path):
    """Name beside Name.sbd/; messages deleted but not yet compacted are left out and counted."""
    def thunderbird(subject, status):
        return Mail(b"X-Mozilla-Status: %04x\r\n" % status + HEAD + subject.encode() + b"\r\n\r\nx\r\n", DATE)
    inbox = [thunderbird("lida", 0x1), thunderbird("marcada", 0x1005), thunderbird("apagada", 0x9)]
    root = tmp_path / "Local Folders"
    (root / "Inbox.sbd").mkdir(parents=True)
    (root / "Inbox").write_bytes(containers.mbox(inbox))
    (root / "Inbox.msf").write_text("// <!-- <mdb:mork -->")
    (root / "Inbox.sbd/2014").write_bytes(containers.mbox([thunderbird("velha", 0)]))
    (root / "Drafts").write_bytes(b"")
    (root / "link").symlink_to("/etc/passwd")
    run = filecase.moved(filecase.engine(case, "mbox", root).run(), 3)
    inbox[0].flags, inbox[1].flags = ("\\Seen",), ("\\Seen", "\\Flagged", "$Forwarded")
    filecase.check(case, {"INBOX": inbox[:2], "INBOX/2014": [thunderbird("velha", 0)], "Drafts": []}, run)
    texts = " ".join(e["message"] for e in run.of("warning"))
    assert "1 messages were deleted in Thunderbird" in texts and "link" in texts, run


def test_takeout(case, tmp_path):
    """Google Takeout: labels are folders, one a message; stars and unread are flags."""
    def labelled(subject, labels):
        return Mail(b"X-Gmail-Labels: " + labels + b"\r\n" + HEAD + subject.encode() + b"\r\n\r\nx\r\n", DATE)
    mails = [labelled("1", b"Inbox,Important,Opened,Category Personal"), labelled("2", b"Sent,Unread,Starred"),
             labelled("3", b"=?UTF-8?Q?Caixa_de_entrada,N=C3=A3o_lidos?="), labelled("4", b'"Clientes/Acme, Lda",Inbox'),
             labelled("5", b"Archived,Projetos"), labelled("6", b"Trash,Inbox"), labelled("7", b"Archived")]
    file = tmp_path / "All mail Including Spam and Trash.mbox"
    file.write_bytes(containers.mbox(mails))
    run = filecase.moved(filecase.engine(case, "mbox", file).run(), 7)
    seen, flags = ("\\Seen",), [("\\Seen",), ("\\Flagged",), (), ("\\Seen", "Clientes/Acme,_Lda"), ("\\Seen", "Projetos")]
    for number, m in enumerate(mails):
        m.flags = flags[number] if number < len(flags) else seen
    filecase.check(case, {"INBOX": [mails[0], mails[2], mails[3]], "Sent": [mails[1]], "Projetos": [mails[4]],
                          "Trash": [mails[5]], "Archive": [mails[6]]}, run)


def test_dates(case, tmp_path):
    """INTERNALDATE from the From_ line, else Received, else Date."""
    received = b"Received: from x by y; Tue, 5 May 2015 02:05:05 -0300 (BRT)\r\n"
    file = tmp_path / "mbox"
    file.write_bytes(containers.lf(
        b"From - Fri Jan  2 00:00:00 2026\r\n" + received + b"Date: Mon, 4 May 2015 00:00:00 +0000\r\n\r\n1\r\n\r\n"
        b"From bob\r\nDate: Mon, 4 May 15 00:00:00 EST\r\nSubject: 2\r\n\r\n2\r\n\r\n"
        b"From \"Bob B\" Tue May  5 05:05:05 2015\r\nSubject: 3\r\n\r\n3\r\n\r\n"
        b"From 1@xxx Tue May 05 07:05:05 +0200 2015\r\nSubject: 4\r\n\r\n4\r\n"))
    filecase.moved(filecase.engine(case, "mbox", file).run(), 4)
    dates = sorted(date for _, date, _ in case.read(case.destination).folders["INBOX"])
    assert dates == ["2015-05-04T05:00:00+00:00"] + ["2015-05-05T05:05:05+00:00"] * 3


def test_what_is_no_mbox(case, tmp_path):
    """A clear error, and not a file is touched outside."""
    file = tmp_path / "x.mbox"
    file.write_bytes(b"\x89PNG\r\n" * 1000)
    run = filecase.engine(case, "mbox", file).run()
    assert run.status == 65 and run.done["code"] == "source.damaged" and "no mbox" in run.stderr, run
    run = filecase.engine(case, "mbox", tmp_path / "not-there", "b").run()
    assert run.status == 66 and "not-there" in run.stderr, run
    file.write_bytes(b"lost beginning\n\n" + containers.mbox([mail("a")]))
    run = filecase.moved(filecase.engine(case, "mbox", file, "c").run(), 1, status=1)
    assert run.done["status"] == "partial", run
