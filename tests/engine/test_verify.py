"""mailmover verify: every planted defect is found and named, nothing else is. The two servers are real; python's imaplib
does the damage."""

import collections
import datetime
import hashlib
import json
import re

import pytest

from stack import mailgen
from stack.verifying import Vandal
from .defects import Defects, settle
from .verify_case import dest_name, find, mode, pair, plain  # noqa: F401: fixtures

# --- equal sides ------------------------------------------------------------------------------------

@pytest.mark.sample("deep")
def test_equal_accounts(pair, mode, long):
    user, folders = pair.account(300 if long else 100)
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

@pytest.mark.sample("deep")
def test_planted_defects(pair, mode, long):
    user, folders = pair.account(2000 if long else 400, seed=7)
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


@pytest.mark.sample("deep")
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


@pytest.mark.sample("deep-adds fields nobody knows")
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


@pytest.mark.sample("deep")
def test_destination_that_drops_keywords(pair, mode, long):
    user, folders = pair.account(200 if long else 80, change=lambda m: mailgen.Message(
        m.data, m.date, tuple(f for f in m.flags if f[0] == "\\")))
    with_keywords = sum(any(f[0] != "\\" for f in m.flags) for folder in folders for m in folder.messages)
    got = pair.run("verify", user, *mode)
    assert got.status == 0
    assert got.done["differing"] == with_keywords > 0
    assert {tuple(e["what"]) for e in got.of("differing")} == {("keywords",)}


# --- the ledger ---------------------------------------------------------------------------------------

@pytest.mark.sample("deep")
def test_ledger_tells_of_every_message(pair, mode, long):
    user, folders = pair.account(150 if long else 60)
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


@pytest.mark.sample("deep")
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


def test_late_messages_that_the_destination_has_changed_are_not_extra(pair):
    alter, _ = CHANGES["adds a store's fields"]
    user, _ = pair.account(60, change=lambda m: mailgen.Message(alter(m), m.date, m.flags))
    file = pair.directory / f"baseline-{user}"
    file.write_text(json.dumps({"folders": baseline_of(pair, user)}))
    new = mailgen.Generator(user, 99).new_mail(5)
    pair.loader(pair.source, user).append("INBOX", [(m.data, m.internal_date, m.flags) for m in new])
    pair.loader(pair.destination, user).append("INBOX", [(alter(m), m.internal_date, m.flags) for m in new])
    got = pair.run("verify", user, "--baseline", file, "--deep")
    inbox = got.folder("INBOX")
    assert (inbox["late"], inbox["missing"], inbox["extra"]) == (5, 0, 0), got.output


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


@pytest.mark.sample("deep")
def test_excluded_folders_and_dates_are_counted(pair, mode, long):
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


@pytest.mark.sample("deep")
def test_mapped_folder(pair, mode, long):
    user, folders = pair.account(150 if long else 60)
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
