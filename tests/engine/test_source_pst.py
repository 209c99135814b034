"""PST into a real Dovecot: the same folders, counts and attachments as readpst, damage named, nothing lost in silence."""

import collections
import email
import hashlib
import mailbox
import shutil
import subprocess

import pytest

from stack import imapcheck
from . import filecase
from .case import PASSWORD
from .pstfile import Writer
from .test_source_archive import samples

# what libpst cannot open at all: a clear error and no run
UNREADABLE = ["noroot", "badmagic", "empty.pst", "random-64k", "truncated-half", "unknown-version"]
PARTIAL = ["silent", "bitflips", "evil"]


def outcome(name):
    if any(mark in name for mark in UNREADABLE) and "New_empty" not in name:
        return 65
    return 1 if any(mark in name for mark in PARTIAL) else 0


def leaves(message, depth=0):
    """SHA-256 of each attachment's decoded bytes; embedded messages by their subject and their own attachments."""
    found = []
    for part in message.walk() if depth == 0 else [message]:
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            found.append(("embedded", subject(inner[0]) if isinstance(inner, list) else ""))
        elif part.get_filename() and part.get_filename() != "rtf-body.rtf":
            found.append((part.get_filename(), hashlib.sha256(part.get_payload(decode=True) or b"").hexdigest()))
    return tuple(sorted(found))


def subject(message):
    text = str(email.header.make_header(email.header.decode_header(message.get("Subject", "") or "")))
    return " ".join(text.split())


def of_readpst(file, directory):
    """{folder's last name: Counter of (subject, attachments)} as readpst has it."""
    if not shutil.which("readpst"):
        pytest.skip("readpst is not installed (package pst-utils)")
    out = directory / file.stem / "a/b/c/d/e/f"  # it follows folders named ".."
    out.mkdir(parents=True)
    subprocess.run(["readpst", "-q", "-D", "-r", "-j", "0", "-o", out, file], check=False, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60)
    folders = {}
    for box in sorted(out.rglob("mbox")):
        mails = collections.Counter()
        for message in mailbox.mbox(box):
            mails[subject(message), leaves(message)] += 1
        folders[box.parent.name.lower()] = mails
    return folders


def messages(case, path):
    """The messages of one folder at the destination, as email has them."""
    account = imapcheck.Account("127.0.0.1", case.destination.tls_port, case.user_on(case.destination), PASSWORD,
                                case.authority.certificate)
    connection = imapcheck._sign_in(account)
    connection.select(path, readonly=True)
    found = [email.message_from_bytes(part[1]) for part in connection.fetch("1:*", "(BODY.PEEK[])")[1]
             if isinstance(part, tuple)]
    connection.logout()
    return found


def of_server(case):
    """The same of the destination."""
    account = imapcheck.Account("127.0.0.1", case.destination.tls_port, case.user_on(case.destination), PASSWORD,
                                case.authority.certificate)
    connection = imapcheck._sign_in(account)
    folders = {}
    for path, quoted, _ in imapcheck._list(connection, "LIST"):
        connection.select(quoted, readonly=True)
        _, parts = connection.fetch("1:*", "(BODY.PEEK[])") if connection.select(quoted, readonly=True)[1][0] != b"0" else (0, [])
        mails = collections.Counter()
        for part in parts:
            if isinstance(part, tuple):
                message = email.message_from_bytes(part[1])
                mails[subject(message), leaves(message)] += 1
        if mails:
            folders[path.split("/")[-1].lower()] = mails
    connection.logout()
    return folders


QUICK = ["aspose_Outlook_1.pst", "damaged_silent", "damaged_empty", "evil"]


def test_samples(case, tmp_path, long):
    """Each sample (four of them in the quick form)."""
    for file in samples("pst"):
        if not long and not any(file.name.startswith(name) for name in QUICK):
            continue
        mine = case.sibling(file.stem)
        engine = filecase.engine(mine, "pst", file)
        run = engine.run()
        assert run.status == outcome(file.name), f"{file.name}\n{run}"
        if run.status == 65:
            assert run.done["code"] == "source.damaged" and run.done["message"], run
            continue
        wanted, got = of_readpst(file, tmp_path), of_server(mine)
        if "evil" in file.name:
            assert sum(sum(m.values()) for m in got.values()) == 4, got
        elif "bitflips" not in file.name:  # there readpst ends in the middle
            total = lambda folders: sum(folders.values(), collections.Counter())  # noqa: E731
            assert total(got) == total(wanted), (file.name, total(wanted) - total(got), total(got) - total(wanted))
            assert {k: sum(m.values()) for k, m in got.items() if k != "inbox"} == {
                k: sum(m.values()) for k, m in wanted.items() if k not in ("inbox", "hong-thai.nguyen")}, file.name
        again = engine.run()
        assert again.done["messages_copied"] == 0 and again.status == run.status, f"{file.name}\n{again}"
        verify = engine.run(command="verify")
        assert verify.status == run.status, f"{file.name}\n{verify}"


def test_silent_damage_is_named(case):
    """readpst ends with 0 and 3 of 4 mails: here the run is partial, and says which item of which folder."""
    file = next(f for f in samples("pst") if "silent-1-of-4" in f.name)
    run = filecase.engine(case, "pst", file).run()
    texts = [(e.get("folder", ""), e["message"]) for e in run.of("warning")]
    assert run.status == 1 and run.done["messages_copied"] == 3 and run.done["refused"] == 1, run
    assert any("tmp" in (folder or "") and "item 200024 cannot be read" in text for folder, text in texts), texts
    assert any("wrong check sum" in text for _, text in texts), texts


@pytest.mark.long
def test_helper_is_killed(case):
    """A crash inside libpst costs one item at most: here the bit-flipped sample, on which readpst dies."""
    file = next(f for f in samples("pst") if "bitflips" in f.name)
    run = filecase.engine(case, "pst", file).run()
    assert run.status == 1 and run.done["messages_copied"] + run.done["refused"] >= 14, run




LINE = b"a line of text that is there to fill the file with\r\n"


def generate(file, count, size, folders=("Inbox", "Itens enviados", "Projetos")):
    """A PST of so many messages; what an IMAP server must hold: {path: [(Message-ID, body)]}."""
    held = {"INBOX" if f == "Inbox" else f: [] for f in folders}
    with Writer(file) as pst:
        numbers = [(pst.folder(f), "INBOX" if f == "Inbox" else f) for f in folders]
        for n in range(count):
            number, path = numbers[n % len(numbers)]
            body = b"%d\r\n" % n + (LINE * (size // len(LINE)))[:size] + b"fim\r\n"
            pst.message(number, f"From: a@a.example\r\nTo: b@b.example\r\nSubject: n{n}\r\nMessage-ID: <{n}@a.example>\r\n",
                        body, 1_400_000_000 + n, read=n % 2 == 0)
            held[path].append((f"<{n}@a.example>", body, n % 2 == 0))
    return held


def holds(case, held):
    got = case.read(case.destination)
    for path, mails in held.items():
        assert sum(got.folders[path].values()) == len(mails), (path, sum(got.folders[path].values()), len(mails))
        assert len(got.folders[path]) == len(mails), f"{path}: twins"
        seen = sum(n for (_, _, flags), n in got.folders[path].items() if "\\seen" in flags)
        assert seen == sum(read for _, _, read in mails)


def test_generated(case, tmp_path):
    """Bodies inside and outside their heap, headers kept to the byte, and a second run that copies nothing."""
    file = tmp_path / "x.pst"
    held = generate(file, 12, 40_000)
    engine = filecase.engine(case, "pst", file)
    filecase.moved(engine.run(), 12)
    holds(case, held)
    bodies = {m["Message-ID"]: m.get_payload(decode=True) for m in messages(case, "INBOX")}
    assert bodies == {identity: body for identity, body, _ in held["INBOX"]}
    filecase.again(engine, 12)
