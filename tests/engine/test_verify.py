"""mailmover verify: every planted defect is found and named, nothing else is; and what it does when a side
cannot be read. The two servers are real; python's imaplib does the damage."""

import collections
import datetime
import hashlib
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import pytest

from stack import certs, mailgen, process, wait
from stack.dovecot import Dovecot
from stack.proxy import Proxy
from stack.verifying import Pair, Vandal

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def pair(program):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="desk-verify-"))
    directory.chmod(0o755)
    authority = certs.Authority(directory / "ca")
    source = Dovecot("source", directory / "source", authority.issue("source"), storage="sdbox")
    destination = Dovecot("destination", directory / "destination", authority.issue("destination"),
                          storage="maildir", separator=".")
    both = Pair(program, directory, authority, source, destination)
    try:
        source.start()
        destination.start()
        yield both
    finally:
        source.stop()
        destination.stop()
        shutil.rmtree(directory)


@pytest.fixture(params=["--deep", None], ids=["deep", "quick"])
def mode(request):
    return [request.param] if request.param else []


def dest_name(path):
    return path.replace("/", ".")


def find(folders, path, wanted):
    """Positions in a folder of the messages that `wanted` accepts."""
    return [i for f in folders if f.path == path for i, m in enumerate(f.messages) if wanted(m)]


def message_id(message):
    found = re.search(rb"^Message-ID: (.*)\r", message.data, re.M)
    return found[1] if found else None


def plain(message):
    """One with a Message-Id and a real body (see pick for the twins)."""
    return message_id(message) is not None and b"MIME-Version" in message.data


# --- equal sides ------------------------------------------------------------------------------------

def test_equal_accounts(pair, mode):
    user, folders = pair.account(300)
    count = sum(len(f.messages) for f in folders)
    got = pair.run("verify", user, *mode)
    assert got.status == 0, got.output
    assert got.findings() == []
    done = got.done
    assert (done["status"], done["complete"], done["mode"]) == ("succeeded", True, "deep" if mode else "quick")
    assert (done["expected"], done["found"], done["found_weak"], done["missing"]) == (count, count, 0, 0)
    assert (done["differing"], done["extra"], done["late"]) == (0, 0, 0)
    assert done["exact" if mode else "summary"] == count
    assert {e["folder"]: e["expected"] for e in got.of("verify_folder")} == {
        f.path: len(f.messages) for f in folders}
    assert all(e["dest"] == dest_name(e["folder"]) and e["complete"] for e in got.of("verify_folder"))


def test_the_source_is_not_touched(pair):
    user, _ = pair.account(60)
    client = pair.imap(pair.source, user)

    def state():
        client.select("INBOX", readonly=True)
        return client.uid("FETCH", "1:*", "(FLAGS MODSEQ)")[1]
    before = state()
    assert pair.run("verify", user, "--deep").status == 0
    assert state() == before


# --- planted defects --------------------------------------------------------------------------------

def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


class Defects:
    """Twenty-three of them, each on mail of its own; expected = what --deep must name, quick = what quick does."""

    def __init__(self, vandal, folders):
        self.vandal = vandal
        self.folders = folders
        self.expected, self.quick, self.extra = [], [], 0
        self._used = set()
        self._ids = collections.Counter(message_id(m) for f in folders for m in f.messages)

    def pick(self, path, wanted=plain):
        """A message that no other defect uses, from the end of the folder."""
        for i in reversed(find(self.folders, path, wanted)):
            one = message_id(self.vandal.message(path, i))
            if (path, i) not in self._used and (one is None or self._ids[one] == 1):
                self._used.add((path, i))
                return i
        raise AssertionError(f"{path} is too small for all defects")

    def finds(self, kind, path, index, what, quick=True):
        self.expected.append((kind, path, index + 1, what))
        if quick:
            self.quick.append(self.expected[-1] if quick is True else (quick[0], path, index + 1, quick[1]))

    def plant(self):
        for name in sorted(n for n in dir(self) if n.startswith("defect_")):
            getattr(self, name)(self.vandal)

    def defect_message_removed(self, v):
        i = self.pick("INBOX")
        v.remove("INBOX", i)
        self.finds("missing", "INBOX", i, "unexplained")

    def defect_byte_changed(self, v):
        i = self.pick("INBOX")
        data = v.message("INBOX", i).data
        v.replace("INBOX", i, flip(data, data.index(b"\r\n\r\n") + 6))
        self.finds("changed", "INBOX", i, "header", quick=False)

    def defect_byte_changed_in_attachment(self, v):
        big = max(range(len(v.messages("Sent"))), key=lambda k: len(v.message("Sent", k).data))
        data = v.message("Sent", big).data
        v.replace("Sent", big, flip(data, len(data) - 5000))
        self.finds("changed", "Sent", big, "header", quick=False)

    def defect_header_byte_changed(self, v):
        i = self.pick("INBOX")
        data = v.message("INBOX", i).data
        v.replace("INBOX", i, flip(data, data.index(b"Received: from mx") + 17))
        self.finds("changed", "INBOX", i, "header")

    def defect_twin_lost(self, v):
        copies = collections.Counter(m.data for m in v.messages("INBOX") if message_id(m))
        data = next(d for d, n in copies.items() if n == 4)
        twins = find(self.folders, "INBOX", lambda m: m.data == data and "\\Seen" in m.flags)
        v.remove("INBOX", twins[0])  # two of them are equal in all: either may be called missing
        self.expected.append(("missing", "INBOX", tuple(i + 1 for i in twins), "unexplained"))
        self.quick.append(self.expected[-1])

    def defect_no_message_id_lost(self, v):
        i = find(self.folders, "INBOX", lambda m: message_id(m) is None and b"MIME-Version" in m.data)[1]
        v.remove("INBOX", i)
        self.finds("missing", "INBOX", i, "unexplained")

    def defect_flag_lost(self, v):
        i = self.pick("Sent", lambda m: "\\Seen" in m.flags and plain(m))
        v.store("Sent", i, "-FLAGS", "\\Seen")
        self.finds("differing", "Sent", i, "flags")

    def defect_flag_added(self, v):
        i = self.pick("Archive", lambda m: "\\Answered" not in m.flags and plain(m))
        v.store("Archive", i, "+FLAGS", "\\Answered")
        self.finds("differing", "Archive", i, "flags")

    def defect_keyword_lost(self, v):
        paths = [f.path for f in self.folders if any(any(k[0] != "\\" for k in m.flags) for m in f.messages)]
        path = next(p for p in paths if p not in ("INBOX", "Sent", "Archive", "Trash"))
        i = self.pick(path, lambda m: any(k[0] != "\\" for k in m.flags))
        v.store(path, i, "-FLAGS", " ".join(k for k in v.message(path, i).flags if k[0] != "\\"))
        self.finds("differing", path, i, "keywords")

    def defect_keyword_and_flag_added(self, v):
        i = self.pick("Trash", lambda m: "\\Flagged" not in m.flags and plain(m))
        v.store("Trash", i, "+FLAGS", "\\Flagged Novo")
        self.finds("differing", "Trash", i, "flags+keywords")

    def defect_wrong_folder(self, v):
        i = self.pick("INBOX")
        v.move("INBOX", i, "Archive")
        self.extra += 1
        self.finds("missing", "INBOX", i, "misplaced")

    def defect_folder_lost(self, v):
        path = "Pessoal/Família (Natal)/Fotos de 2009"
        v.delete_folder(path)
        for i in range(len(v.messages(path))):
            self.finds("missing", path, i, "folder_missing")

    def defect_date_shifted(self, v):
        i = self.pick("INBOX")
        v.replace("INBOX", i, date=v.message("INBOX", i).date + HOUR)
        self.finds("differing", "INBOX", i, "date")

    def defect_date_lost(self, v):
        i = self.pick("Sent")
        v.replace("Sent", i, date=datetime.datetime.now(mailgen.UTC))
        self.finds("differing", "Sent", i, "date")

    def defect_truncated(self, v):
        i = self.pick("Sent")
        data = v.message("Sent", i).data
        v.replace("Sent", i, data[:data.index(b"\r\n\r\n") + 40])
        self.finds("changed", "Sent", i, "header")

    def defect_body_lost(self, v):
        i = self.pick("Archive")
        data = v.message("Archive", i).data
        v.replace("Archive", i, data[:data.index(b"\r\n\r\n") + 4])
        self.finds("changed", "Archive", i, "header")

    def defect_twice(self, v):
        v.add("Sent", v.message("Sent", self.pick("Sent")))
        self.extra += 1

    def defect_other_message_of_the_same_size(self, v):
        i = self.pick("Trash")
        data = v.message("Trash", i).data
        v.replace("Trash", i, b"Subject: x\r\n\r\n" + b"y" * (len(data) - 16) + b"\r\n")
        self.extra += 1
        self.finds("missing", "Trash", i, "unexplained")

    def defect_same_id_other_body(self, v):
        second = find(self.folders, "INBOX", lambda m: b"segunda vers" in m.data)[0]
        first = v.message("INBOX", second - 1)
        v.replace("INBOX", second, first.data, first.date)
        self.expected.append(("changed", "INBOX", second + 1, "header"))
        self.quick.append(self.expected[-1])

    def defect_raw_8bit_lost(self, v):
        i = find(self.folders, "INBOX", lambda m: "Relat\u00f3rio de".encode("latin-1") in m.data)[0]
        data = v.message("INBOX", i).data
        v.replace("INBOX", i, bytes(b if b < 128 else ord("?") for b in data))
        self.extra += 1
        self.finds("missing", "INBOX", i, "unexplained")

    def defect_recipient_lost(self, v):
        i = self.pick("Archive")
        v.replace("Archive", i, re.sub(rb"^To: .*\r\n", b"", v.message("Archive", i).data, flags=re.M))
        self.finds("changed", "Archive", i, "header")

    def defect_field_added(self, v):
        i = self.pick("Sent")
        v.replace("Sent", i, b"X-Scanned-By: gateway\r\n" + v.message("Sent", i).data)
        self.finds("changed", "Sent", i, "decoded")

    def defect_deleted_mark(self, v):
        i = self.pick("Sent", lambda m: "\\Deleted" not in m.flags and plain(m))
        v.store("Sent", i, "+FLAGS", "\\Deleted")
        self.finds("differing", "Sent", i, "flags")


def settle(expected, found):
    """Where either of two twins may be named, the one that was."""
    settled = []
    for kind, path, uid, what in expected:
        if isinstance(uid, tuple):
            uid = next((u for k, p, u, w in found if (k, p, w) == (kind, path, what) and u in uid), uid[0])
        settled.append((kind, path, uid, what))
    return sorted(settled)


def test_planted_defects(pair, mode, long):
    user, folders = pair.account(2000 if long else 600, seed=7)
    vandal = Vandal(pair, pair.destination, user, folders)
    defects = Defects(vandal, folders)
    defects.plant()
    vandal.close()
    got = pair.run("verify", user, *mode)
    assert got.status == 1, got.output
    expected = settle(defects.expected if mode else defects.quick, got.findings())
    assert got.findings() == expected
    done = got.done
    kinds = collections.Counter(kind for kind, _, _, _ in expected)
    weak = sum(1 for kind, _, _, what in expected if (kind, what) == ("changed", "header"))
    assert (done["missing"], done["differing"], done["found_weak"]) == (kinds["missing"], kinds["differing"], weak)
    assert done["extra"] == defects.extra
    assert done["found"] == done["expected"] - done["missing"] - weak
    assert (done["complete"], done["status"]) == (True, "partial")


def test_named_with_what_a_person_needs(pair):
    user, folders = pair.account(60)
    vandal = Vandal(pair, pair.destination, user, folders)
    gone = find(folders, "INBOX", plain)[0]
    vandal.remove("INBOX", gone)
    moved = find(folders, "INBOX", plain)[1]
    vandal.move("INBOX", moved, "Clientes/São Paulo")
    vandal.close()
    got = pair.run("verify", user, "--deep")
    missing = {e["uid"]: e for e in got.of("missing")}
    message = folders[0].messages[gone]
    one = missing[gone + 1]
    assert one["size"] == len(message.data)
    assert one["date"] == message.date.astimezone(mailgen.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert one["message_id"] == re.search(rb"Message-ID: (.*)\r", message.data)[1].decode()
    assert "(" in one["subject"] and "=?" not in one["subject"] and "@" in one["from"]
    assert missing[moved + 1]["elsewhere"] == "Clientes.São Paulo"


def test_empty_folder_lost(pair, mode):
    user, folders = pair.account(40)
    vandal = Vandal(pair, pair.destination, user, folders)
    vandal.delete_folder("Sem mensagens")
    vandal.close()
    got = pair.run("verify", user, *mode)
    assert got.status == 1
    assert got.folder("Sem mensagens")["folder_missing"] and got.done["missing"] == 0


# --- destinations that change what they are given -----------------------------------------------------

CHANGES = {
    "adds a store's fields": (lambda m: b"X-UID: 5\r\nStatus: RO\r\n" + m.data, "canonical"),
    "adds fields nobody knows": (lambda m: b"X-Gateway: 1\r\n b\r\n" + m.data, "decoded"),
    "drops the last line end": (lambda m: m.data.removesuffix(b"\r\n"), "decoded"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_destination_that_changes_messages(pair, change, mode):
    alter, rung = CHANGES[change]
    # one without any header would become one with a header: not the same message any more
    user, folders = pair.account(120, both=False)
    folders = [mailgen.Folder(f.path, f.subscribed, [
        mailgen.Message(alter(m) if not m.data.startswith(b"\r\n") and b"\r\n\r\n" in m.data[:-4] else m.data, m.date,
                        m.flags) for m in f.messages]) for f in folders]
    mailgen.deliver(pair.loader(pair.destination, user), folders)
    got = pair.run("verify", user, *mode)
    done = got.done
    assert got.status == 0, got.output
    assert (done["missing"], done["found_weak"], done["differing"]) == (0, 0, 0)
    assert done["found"] == done["expected"]
    assert done[rung] > 100 and done["exact"] + done["canonical"] + done["decoded"] + done["summary"] == done["found"]


def test_destination_that_drops_keywords(pair, mode):
    user, folders = pair.account(200, change=lambda m: mailgen.Message(
        m.data, m.date, tuple(f for f in m.flags if f[0] == "\\")))
    with_keywords = sum(any(f[0] != "\\" for f in m.flags) for folder in folders for m in folder.messages)
    got = pair.run("verify", user, *mode)
    assert got.status == 0
    assert got.done["differing"] == with_keywords > 0
    assert {tuple(e["what"]) for e in got.of("differing")} == {("keywords",)}


# --- the ledger ---------------------------------------------------------------------------------------

def test_ledger_tells_of_every_message(pair, mode):
    user, folders = pair.account(150)
    vandal = Vandal(pair, pair.destination, user, folders)
    gone = find(folders, "INBOX", plain)[2]
    vandal.remove("INBOX", gone)
    vandal.close()
    file = pair.directory / f"ledger-{user}"
    got = pair.run("verify", user, "--ledger", file, *mode)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert file.stat().st_mode & 0o777 == 0o600
    assert lines[0]["ledger"] == 1 and lines[0]["mode"] == got.done["mode"]
    count = sum(len(f.messages) for f in folders)
    assert lines[-1] == {"end": True, "messages": count}
    content = {f.path: f.messages for f in folders}
    seen, folder = 0, None
    for line in lines[1:-1]:
        if "folder" in line:
            folder = line["folder"]
            continue
        seen += 1
        message = content[folder][line["uid"] - 1]
        if mode:
            assert line["key"] == hashlib.sha256(message.data).hexdigest()[:32]
        if (folder, line["uid"]) == ("INBOX", gone + 1):
            assert line["rung"] == "none" and "dest_uid" not in line
        else:
            assert line["rung"] == ("exact" if mode else "summary")
            assert mode == [] or content[folder][line["dest_uid"] - 1].data == message.data
    assert seen == count


def test_ledger_that_cannot_be_written(pair):
    user, _ = pair.account(60)
    got = pair.run("verify", user, "--ledger", "/dev/full")
    assert got.status == 74 and got.done["code"] == "disk.low"
    got = pair.run("verify", user, "--ledger", pair.directory / "no such directory" / "x")
    assert got.status == 66 and got.done["status"] == "failed"


# --- baseline, rules, folders -------------------------------------------------------------------------

def baseline_of(pair, user):
    """What the last pass would have recorded, read by imaplib."""
    client = pair.imap(pair.source, user)
    folders = []
    for path in ("INBOX", "Sent"):
        answer = client.status(path, "(UIDVALIDITY UIDNEXT)")[1][0].decode()
        folders.append({"folder": path, "uidvalidity": int(re.search(r"UIDVALIDITY (\d+)", answer)[1]),
                        "uidnext": int(re.search(r"UIDNEXT (\d+)", answer)[1])})
    return folders


def test_late_messages_are_no_misses(pair, mode):
    user, folders = pair.account(60)
    file = pair.directory / f"baseline-{user}"
    rows = baseline_of(pair, user)
    file.write_text(json.dumps({"folders": rows}))
    new = mailgen.Generator(user, 99).new_mail(5)
    loader = pair.loader(pair.source, user)
    loader.append("INBOX", [(m.data, m.internal_date, m.flags) for m in new])
    pair.loader(pair.destination, user).append("INBOX", [(new[0].data, new[0].internal_date, new[0].flags)])
    got = pair.run("verify", user, "--baseline", file, *mode)
    assert got.status == 0, got.output
    inbox = got.folder("INBOX")
    assert (inbox["late"], inbox["missing"], inbox["extra"]) == (5, 0, 0)
    assert inbox["expected"] == rows[0]["uidnext"] - 1
    others = sum(len(f.messages) for f in folders if f.path not in ("INBOX", "Sent"))
    assert got.done["late"] == others + 5


def test_baseline_of_another_uidvalidity_or_folder(pair):
    user, _ = pair.account(40)
    rows = baseline_of(pair, user)
    rows[1]["uidvalidity"] += 1
    rows.append({"folder": "Gone", "uidvalidity": 1, "uidnext": 9})
    file = pair.directory / f"baseline-{user}"
    file.write_text(json.dumps({"folders": rows}))
    got = pair.run("verify", user, "--baseline", file)
    assert got.status == 1 and got.done["complete"] is False
    assert [e["folder"] for e in got.of("verify_folder") if not e["complete"]] in (
        ["Sent", "Gone"], ["Gone", "Sent"])
    assert {e["code"] for e in got.of("warning")} == {"source.changed"}


@pytest.mark.parametrize("text, word", [
    ("{", "line"), ("[]", "/folders"), ('{"folders":[{"folder":"INBOX"}]}', "/folders/0/uidvalidity"),
    ('{"folders":[{"folder":"A","uidvalidity":-1,"uidnext":2}]}', "/folders/0/uidvalidity"),
    ('{"folders":[{"folder":"A","uidvalidity":1,"uidnext":4294967296}]}', "/folders/0/uidnext")])
def test_bad_baseline_says_where(pair, text, word):
    user, _ = pair.account(40)
    file = pair.directory / f"baseline-{user}"
    file.write_text(text)
    got = pair.run("verify", user, "--baseline", file)
    assert got.status == 65 and word in got.output


def test_excluded_folders_and_dates_are_counted(pair, mode):
    user, folders = pair.account(150)
    vandal = Vandal(pair, pair.destination, user, folders)
    vandal.delete_folder("Junk")
    vandal.close()
    limit = datetime.date(2015, 1, 1)
    old = sum(m.date.date() < limit for f in folders if f.path != "Junk" for m in f.messages)
    junk = next(len(f.messages) for f in folders if f.path == "Junk")
    got = pair.run("verify", user, "--exclude", "Junk", "--since", limit.isoformat(), *mode)
    assert got.status == 0, got.output
    assert got.done["excluded"] == old + junk
    assert (got.done["missing"], got.done["extra"]) == (0, 0)


def test_mapped_folder(pair, mode):
    user, folders = pair.account(60)
    vandal = Vandal(pair, pair.destination, user, folders)
    vandal._do("rename", vandal.name("Archive"), vandal.name("Arquivo/Velho"))
    vandal.close()
    assert pair.run("verify", user, *mode).status == 1
    got = pair.run("verify", user, "--map", "Archive=Arquivo/Velho", *mode)
    assert got.status == 0, got.output
    assert got.folder("Archive")["dest"] == "Arquivo.Velho"


def test_folders_only_the_destination_has_are_extra(pair):
    user, folders = pair.account(40)
    loader = pair.loader(pair.destination, user)
    loader.create("Só lá")
    loader.append("Só lá", [(m.data, m.internal_date, m.flags) for m in folders[0].messages[:3]])
    got = pair.run("verify", user)
    assert got.status == 0
    assert got.done["extra"] == 3
    assert [(e["dest"], e["messages"]) for e in got.of("extra_folder")] == [("Só lá", 3)]


# --- sides that cannot be read ------------------------------------------------------------------------

def test_a_message_the_source_cannot_deliver(pair, mode):
    user, folders = pair.account(60)
    index = find(folders, "INBOX", plain)[2]
    box = pair.source.directory / "home" / user / "mail/mailboxes/INBOX/dbox-Mails"
    (box / f"u.{index + 1}").write_bytes(b"")
    vandal = Vandal(pair, pair.destination, user, folders)
    vandal.remove("INBOX", index)
    vandal.close()
    got = pair.run("verify", user, *mode)
    assert got.status == 1, got.output
    missing = [(e["folder"], e["uid"]) for e in got.of("missing")]
    assert missing in ([("INBOX", index + 1)], [])  # Dovecot may expunge what it finds damaged
    others = sum(len(f.messages) for f in folders) - 1
    assert got.done["found"] == others


def test_wrong_password_and_closed_port(pair):
    user, _ = pair.account(0)
    wrong = pair.directory / "wrong"
    wrong.write_text("not it")
    got = pair.run("verify", user, "--to-secret", wrong)
    assert got.status == 77 and got.done["code"] == "auth.rejected" and got.done["complete"] is False
    got = pair.run("verify", user, source_port=1)
    assert got.status == 69 and got.done["code"] == "host.refused"


def test_terminate_is_clean(pair):
    user, _ = pair.account(200)
    events, command = pair.command("verify", user, "--deep")
    with subprocess.Popen([str(part) for part in command], env=process.ENVIRON, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as running:
        while not events.exists() or b'"plan"' not in events.read_bytes():
            assert running.poll() is None
        running.terminate()
        _, errors = running.communicate(timeout=60)
    done = json.loads(events.read_text().splitlines()[-1])
    assert done["t"] == "done"
    assert (running.returncode, done["status"]) in ((75, "cancelled"), (0, "succeeded")), errors


# --- bad lines and poor servers -----------------------------------------------------------------------

def spoiled(pair, seed):
    user, folders = pair.account(200, seed=seed)
    vandal = Vandal(pair, pair.destination, user, folders)
    gone, moved = find(folders, "INBOX", plain)[3:5]
    vandal.remove("INBOX", gone)
    vandal.move("INBOX", moved, "Archive")
    vandal.store("Sent", 2, "+FLAGS", "Novo")
    vandal.close()
    return user, sorted([("missing", "INBOX", gone + 1, "unexplained"), ("missing", "INBOX", moved + 1, "misplaced"),
                         ("differing", "Sent", 3, "keywords")])


POOR = {
    "no LIST-STATUS": ["LIST-STATUS"],
    "no LIST-EXTENDED": ["LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE"],
    "almost nothing": ["LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE", "NAMESPACE", "LITERAL+", "ESEARCH", "CONDSTORE",
                       "QRESYNC", "UIDPLUS", "UNSELECT", "STATUS=SIZE", "SASL-IR", "ENABLE", "ID"],
}


def plain_pair(proxies, pair, user):
    source, destination = proxies
    return ["--allow-plaintext", "--from", pair.url(pair.source, user, source.port).replace("imaps:", "imap:"),
            "--to", pair.url(pair.destination, user, destination.port).replace("imaps:", "imap:")]


@pytest.mark.parametrize("kind", POOR)
def test_poor_servers(pair, tmp_path, kind, mode):
    user, expected = spoiled(pair, 3)
    options = {"strip": POOR[kind], "upstream_ca": pair.authority.certificate}
    with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
            Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
        got = pair.run("verify", user, *plain_pair((source, destination), pair, user), *mode)
        assert got.status == 1, got.output
        assert got.findings() == expected
        assert source.violations() == destination.violations() == []
        got = pair.run("check", user, *plain_pair((source, destination), pair, user))
        assert got.status == 0, got.output
        assert source.violations() == destination.violations() == []


@pytest.mark.parametrize("seed", range(3))
def test_lines_that_break(pair, tmp_path, seed, long):
    """Cut after random numbers of bytes: connected again, and the same outcome."""
    user, expected = spoiled(pair, 4)
    for attempt in range(8 if long else 2):
        rnd = random.Random(f"{seed}/{attempt}")
        options = {"drop_after": [rnd.randrange(3_000, 3_000_000) for _ in range(4)],
                   "upstream_ca": pair.authority.certificate}
        with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
                Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
            got = pair.run("verify", user, *plain_pair((source, destination), pair, user), "--deep")
            assert got.status == 1 and got.findings() == expected, (options, got.output)
            assert got.done["complete"] and got.of("reconnect")


def test_byte_by_byte_over_a_long_line(pair, tmp_path):
    user, expected = spoiled(pair, 5)
    options = {"pieces": 7, "delay_ms": 20, "upstream_ca": pair.authority.certificate}
    with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
            Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
        got = pair.run("verify", user, *plain_pair((source, destination), pair, user))
    assert got.status == 1 and got.findings() == expected


def test_nothing_is_written_anywhere(pair, tmp_path):
    user, _ = spoiled(pair, 6)
    options = {"strip": ["X-NONE"], "record": True, "upstream_ca": pair.authority.certificate}
    with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
            Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
        pair.run("verify", user, *plain_pair((source, destination), pair, user), "--deep")
        words = {e["text"].split()[0].upper() for p in (source, destination) for e in p.events()
                 if e["event"] == "command"}
    assert "EXAMINE" in words
    assert not words & {"SELECT", "STORE", "APPEND", "CREATE", "DELETE", "RENAME", "EXPUNGE", "CLOSE", "SUBSCRIBE"}


def test_mail_that_comes_and_goes_meanwhile(pair, tmp_path):
    """New mail at the source is late, not missing; mail deleted there is said to have left."""
    user, folders = pair.account(300)
    with Proxy(tmp_path, pair.source.tls_port, "slow", rate=400_000, upstream_ca=pair.authority.certificate) as slow:
        events, command = pair.command("verify", user, "--deep")
        command += ["--allow-plaintext", "--from", pair.url(pair.source, user, slow.port).replace("imaps:", "imap:")]
        with subprocess.Popen([str(part) for part in command], env=process.ENVIRON, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as running:
            wait.until(lambda: events.exists() and '"plan"' in events.read_text(), "the plan")
            loader = pair.loader(pair.source, user)
            loader.append("INBOX", [(m.data, m.internal_date, m.flags) for m in mailgen.Generator(user, 9).new_mail(4)])
            loader.close()
            output, _ = running.communicate(timeout=200)
    done = json.loads(events.read_text().splitlines()[-1])
    assert running.returncode == 0, output
    assert done["expected"] == done["found"] == sum(len(f.messages) for f in folders)
