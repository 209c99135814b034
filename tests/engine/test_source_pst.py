"""PST into a real Dovecot: the same folders, counts and attachments as readpst, damage named, nothing lost in silence."""

import collections
import email.header
import email.utils
import hashlib
import mailbox
import re
import shutil
import struct
import subprocess

import pytest

from stack import imapcheck
from . import filecase, oddities
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


def leaves(message):
    """SHA-256 of each attachment's decoded bytes; embedded messages by their subject and their own attachments."""
    found, left = [], [message]
    while left:
        part = left.pop()
        if part.get_content_type() == "message/rfc822":
            inner = embedded(part)
            found.append(("embedded", subject(inner), leaves(inner)))
        elif part.is_multipart():
            left += part.get_payload()
        elif part.get_filename() and part.get_filename() != "rtf-body.rtf":
            found.append((part.get_filename(), hashlib.sha256(part.get_payload(decode=True) or b"").hexdigest()))
    return tuple(sorted(found))


def embedded(part):
    """The message in it; readpst puts its From_ line before it."""
    inner = part.get_payload()[0]
    if not inner.keys():
        return email.message_from_bytes(re.sub(rb"\A\s*>?From .*\n", b"", inner.get_payload(decode=True)))
    return inner


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


# PidTagLastVerbExecuted, PidTagIconIndex and PidTagFlagStatus as Outlook sets them, and what an IMAP client knows of it
MARKS = [((), ()), (((0x1081, 102),), ("\\Answered",)), (((0x1081, 103), (0x1080, 0x105)), ("\\Answered",)),
         (((0x1081, 104),), ("$Forwarded",)), (((0x1080, 0x106),), ("$Forwarded",)), (((0x1080, 0x105),), ("\\Answered",)),
         (((0x1081, 104), (0x1080, 0x105)), ("\\Answered", "$Forwarded")), (((0x1090, 2),), ("\\Flagged",)), (((0x1090, 1),), ()),
         (((0x1081, 105), (0x1080, 0x100)), ()), (((0x1080, 0x105), (0x1081, 102), (0x1090, 2)), ("\\Answered", "\\Flagged"))]


@pytest.mark.long
def test_marks(case, tmp_path):
    """Answered, forwarded and flagged, alone and together; in a heap of one block and of several."""
    file, filler = tmp_path / "x.pst", [(0x6700 + n, 0x1E, b"p" * 100) for n in range(60)]
    with Writer(file) as pst:
        inbox = pst.folder("Inbox")
        for n, (properties, _) in enumerate(MARKS):
            more = [(tag, 0x03, value) for tag, value in properties] + (filler if n % 2 else [])
            pst.message(inbox, f"From: a@a.example\r\nSubject: n{n}\r\nMessage-ID: <{n}@a.example>\r\n", b"corpo\r\n", read=n % 3 == 0,
                        more=more)
    engine = filecase.engine(case, "pst", file)
    filecase.moved(engine.run(), len(MARKS))
    wanted = {f"n{n}": {*(f.lower() if f[0] == "\\" else f for f in flags), *(["\\seen"] if n % 3 == 0 else [])}
              for n, (_, flags) in enumerate(MARKS)}
    assert flags_of(case, "INBOX") == wanted
    filecase.again(engine, len(MARKS))


def flags_of(case, path):
    """{subject: flags} of one folder at the destination."""
    got = case.read(case.destination)
    return {got.subjects[sha]: set(flags) for sha, _, flags in got.folders[path]}


@pytest.mark.long
def test_marks_of_a_sample(case):
    """Of four messages the first was forwarded (the others are what became of it), and Outlook says so."""
    file = next(f for f in samples("pst") if f.name == "tika-variousBodyTypes.pst")
    run = filecase.engine(case, "pst", file).run()
    folder = next(e["dest"] for e in run.of("folder") if e["messages"] == 4)
    flags = flags_of(case, folder)
    assert run.status == 0 and len(flags) >= 2, (run, flags)
    assert [subject_ for subject_, f in flags.items() if "$Forwarded" in f] == ["original email"], flags


def literal(data):
    """Compressed RTF (MS-OXRTFCP) that refers to nothing before it."""
    packed = b"".join(b"\0" + data[i:i + 8] for i in range(0, len(data), 8))
    return struct.pack("<II4sI", len(packed) + 12, len(data), b"LZFu", 0) + packed


@pytest.mark.long
def test_rtf_bodies(case, tmp_path):
    """RTF alone, packed and as it is, comes to the byte; a stump of it does no harm."""
    rtf = rb"{\rtf1\ansi\fromhtml1 Ol\'e1, isto {\b \'e9} texto.\par}" * 20
    stored = struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf
    bodies = {"packed": literal(rtf), "stored": stored, "stump": b"LZFu" * 3, "empty": literal(b"")}
    file = tmp_path / "x.pst"
    with Writer(file) as pst:
        inbox = pst.folder("Inbox")
        for name, data in bodies.items():
            pst.message(inbox, f"From: a@a.example\r\nSubject: {name}\r\n", None, more=[(0x1009, 0x0102, data)])
            pst.message(inbox, f"From: a@a.example\r\nSubject: {name} with text\r\n", b"texto\r\n", more=[(0x1009, 0x0102, data)])
    filecase.moved(filecase.engine(case, "pst", file).run(), 8)
    got = {m["Subject"]: {p.get_content_type(): p.get_payload(decode=True) for p in m.walk() if not p.is_multipart()}
           for m in messages(case, "INBOX")}
    for name in bodies:
        held = {"application/rtf": rtf} if name in ("packed", "stored") else {}
        assert got[name] == (held or {"text/plain": b""}), name
        assert {k: v.rstrip() for k, v in got[f"{name} with text"].items()} == held | {"text/plain": b"texto"}, name


def inside(message):
    """Each embedded message: subject, date, bodies and attachments (readpst invents senders)."""
    found = []
    for part in message.walk():
        if part.get_content_type() == "message/rfc822":
            inner = embedded(part)
            texts = tuple((p.get_content_type(), b"".join(p.get_payload(decode=True).split())) for p in inner.walk()
                          if p.get_content_type() in ("text/plain", "text/html") and not p.get_filename())
            found.append((subject(inner), email.utils.parsedate_to_datetime(inner["Date"]).timestamp(), texts, leaves(inner)))
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", ["aspose_Outlook.pst", "aspose_Outlook_1.pst", "tika-testPST.pst"])
def test_embedded(case, tmp_path, name):
    """What is attached as a message (method 5) holds what readpst finds in it, level by level."""
    file = next(f for f in samples("pst") if f.name == name)
    of_readpst(file, tmp_path)
    wanted = sorted(i for box in tmp_path.rglob("mbox") for m in mailbox.mbox(box) for i in inside(m))
    run = filecase.engine(case, "pst", file).run()
    got = sorted(i for e in run.of("folder") if e["messages"] for m in messages(case, '"' + e["dest"] + '"') for i in inside(m))
    assert run.status == 0 and [g[0] for g in got] == [w[0] for w in wanted] and wanted, (got, wanted)
    assert got == wanted


@pytest.mark.long
def test_hostile_attachments(case, tmp_path):
    """Ends of lines in names and types end no header: the attachments come to the byte, and nothing beside them."""
    attached = [("linha\r\n\r\nX-Evil: y.txt", "text/plain\r\nX-Evil: z", b"texto\r\n"), ("../../x", "multipart/mixed", bytes(range(256)) * 40),
                (None, "message/rfc822", b"Subject: dentro\r\n\r\n" + b"corpo\r\n" * 900), ('"; x=\\', "image/png; x", b"\0")]
    file = tmp_path / "x.pst"
    with Writer(file) as pst:
        pst.message(pst.folder("Inbox"), "From: a@a.example\r\nBad\tname: x\r\nSubject: x\r\n", b"corpo\r\n", attachments=attached)
    filecase.moved(filecase.engine(case, "pst", file).run(), 1)
    message = messages(case, "INBOX")[0]
    parts = [p for p in message.walk() if p.get_filename()]
    assert sorted(p.get_payload(decode=True) for p in parts) == sorted(data for _, _, data in attached)
    assert "X-Evil" not in [name for p in message.walk() for name in p.keys()] and "Bad\tname" not in message.keys()
    assert not any(ord(c) < 32 for p in parts for c in p.get_filename()) and message.get_payload()[0].get_payload() == "corpo\r\n"


@pytest.mark.long
@pytest.mark.parametrize("size", [1000, 3_000_000])  # beyond what is held, a message is read twice
def test_embedded_contact(case, tmp_path, size):
    """A contact among the attachments is no mail: the message comes, whole, and what stays behind is said."""
    file, data = tmp_path / "x.pst", bytes(range(250)) * (size // 250)
    with Writer(file) as pst:
        pst.message(pst.folder("Inbox"), "From: a@a.example\r\nSubject: x\r\n", b"corpo\r\n", attachments=[
            ("Ana", "IPM.Contact", [(0x0037, 0x1E, b"Ana"), (0x3001, 0x1E, b"Ana"), (0x3A06, 0x1E, b"Ana")]),
            ("x.bin", "application/octet-stream", data)])
    run = filecase.engine(case, "pst", file).run()
    filecase.moved(run, 1)
    assert {e["code"] for e in run.of("warning")} == {"source.omitted"} and "no mail" in run.of("warning")[0]["message"], run
    assert data in [p.get_payload(decode=True) for p in messages(case, "INBOX")[0].walk()]


@pytest.mark.long
def test_a_body_with_our_boundaries(case, tmp_path):
    """A message that was moved by us once and is quoted in another: its boundaries part nothing there."""
    lines = "".join(f"--=_item-200024-{depth}-{n}\r\n--=_item-200024-{depth}-{n}--\r\n" for depth in range(3) for n in range(4))
    file, data, html = tmp_path / "x.pst", bytes(range(256)), f"<p>{lines}</p>\r\n"
    with Writer(file) as pst:
        pst.message(pst.folder("Inbox"), "From: a@a.example\r\nSubject: x\r\n", f"antes\r\n{lines}depois\r\n".encode(),
                    more=[(0x1013, 0x0102, html.encode())], attachments=[("a.bin", "application/x-a", data)])
    filecase.moved(filecase.engine(case, "pst", file).run(), 1)
    text, got, attached = taken_apart(messages(case, "INBOX")[0])
    assert text == plain(f"antes\r\n{lines}depois\r\n") and got == html.encode() and attached == [("a.bin", "application/x-a", data)]


def plain(text):
    return text.replace("\r\n", "\n").rstrip("\n")


def fields(message):
    """Those of its header that say nothing of its parts."""
    return [(name.lower(), "".join(value.split())) for name, value in message.raw_items()
            if not re.match("(?i)content-|mime-version|x-from_", name)]


def taken_apart(message):
    """Text, HTML and attachments; ValueError: not of a kind that a PST holds (it has defects, or NULs)."""
    text, html, attached = None, None, []
    for part in message.walk():
        kind, name = part.get_content_type(), part.get_filename()
        if part.defects or part.get("Content-Type", "").count("\0"):
            raise ValueError
        if part.is_multipart() and kind != "message/rfc822":
            continue
        data = part.get_payload()[0].as_bytes() if part.is_multipart() else part.get_payload(decode=True)
        if kind in ("text/plain", "text/html") and not name and part.get_content_disposition() != "attachment":
            if kind == "text/plain" and text is None:
                text = plain(data.decode(part.get_content_charset("ascii")))
                if "\0" in text or "\r" in text:
                    raise ValueError
                continue
            if kind == "text/html" and html is None:
                html = data
                if b"\0" in data or b"\r" in data.replace(b"\r\n", b""):
                    raise ValueError
                continue
        if data and message.get_content_type() != "message/rfc822":
            attached.append((name, kind, data))
    return text, html, attached


@pytest.mark.long
def test_round_trip(case, tmp_path):
    """Real mail into a PST and out again: header fields, text, HTML and attachments are equal."""
    held, file = [], tmp_path / "x.pst"
    with Writer(file) as pst:
        inbox = pst.folder("Inbox")
        for data in oddities.shared_messages():
            head = data.replace(b"\r\n", b"\n").split(b"\n\n")[0] + b"\n"
            message = email.message_from_bytes(data)
            if not head.isascii() or b"\0" in head or len(head) > 100_000 or not (message["From"] or message["Subject"]):
                continue
            try:
                text, html, attached = taken_apart(message)
                attached = [(name and re.sub(r"[\x00-\x1f\x7f]", "_", name), kind, data) for name, kind, data in attached]
                "".join(name or "" for name, _, _ in attached).encode("utf-16-le")
            except (ValueError, LookupError, AttributeError, TypeError, IndexError):
                continue
            more = [(0x1013, 0x0102, html)] if html else []
            more += [(0x1000, 0x1F, text.replace("\n", "\r\n").encode("utf-16-le"))] if text else []
            pst.message(inbox, head.decode(), None, attachments=attached, more=more)
            held.append((fields(message), text or "", plain((html or b"").decode("latin-1")),
                         sorted(hashlib.sha256(d).hexdigest() for _, _, d in attached), {name for name, _, _ in attached if name}))
    if len(held) < 100:
        pytest.skip("too few messages: set DESK_SHARED_DATA")
    filecase.moved(filecase.engine(case, "pst", file).run(), len(held))
    for n, (message, wanted) in enumerate(zip(messages(case, "INBOX"), held, strict=True)):
        files = [p for p in message.walk() if p.get_content_disposition() == "attachment"]
        bodies = {p.get_content_type(): p for p in message.walk() if not p.is_multipart() and p not in files}
        text = bodies["text/plain"].get_payload(decode=True).decode() if "text/plain" in bodies else ""
        html = bodies["text/html"].get_payload(decode=True).decode("latin-1") if "text/html" in bodies else ""
        got = (fields(message), plain(text), plain(html),
               sorted(hashlib.sha256(p.get_payload(decode=True)).hexdigest() for p in files), wanted[4] & {p.get_filename() for p in files})
        assert got == wanted, f"message {n}"
    print(f"{len(held)} messages, {sum(len(w[3]) for w in held)} attachments")
