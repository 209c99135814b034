"""What arrives is what was there: bytes, dates, flags, folders, copies, whatever happened before.

Real servers; the judge is stack.imapcheck, which shares nothing with the engine.
"""

import json
import os
import shutil
import sqlite3
import subprocess

import pytest

from stack import mailgen, wait
from stack.process import ENVIRON
from stack.proxy import Proxy
from . import oddities
from .case import PASSWORD, counts

DATE = " 5-May-2015 05:05:05 -0300"


def simple(count, start=1, **kwargs):
    return [(oddities.message(f"mail {n}", message_id=f"{n}@b.example", **kwargs), DATE, ("\\Seen",) if n % 2 else ())
            for n in range(start, start + count)]


def succeed(run):
    assert run.status == 0, run
    assert run.done.get("status") == "succeeded", run
    return run


def test_realistic_mailbox_and_second_run(case, long):
    case.fill_mailbox(mailgen.Generator(case.user, 7).mailbox(messages=250 if long else 60, biggest=3 << 20))
    before = case.read(case.source)
    first = succeed(case.engine.run())
    case.check(first, source=before)
    assert first.done["messages_copied"] == before.messages
    second = succeed(case.engine.run())
    assert second.done["messages_copied"] == 0 and second.done["messages_present"] == before.messages, second
    case.check(second)
    assert case.read(case.source) == before, "the source has changed"


@pytest.mark.long
def test_dry_run_changes_nothing(case):
    case.fill_mailbox(mailgen.Generator(case.user, 8).mailbox(messages=40, biggest=0))
    before = case.read(case.destination)
    run = case.engine.run("--dry-run")
    assert run.status == 0 and run.of("plan"), run
    assert case.read(case.destination) == before
    succeed(case.engine.run())
    case.check()


def test_state_gone(case, long):
    """Without state the identity of the messages decides: twins, no Message-Id, equal Message-Ids."""
    case.fill_mailbox(mailgen.Generator(case.user, 9).mailbox(messages=150 if long else 60, biggest=200_000))
    succeed(case.engine.run())
    case.engine.state.unlink()
    again = succeed(case.engine.run())
    case.check(again)
    assert again.done["messages_copied"] == 0, again


@pytest.mark.sample("other pair")
@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty", "other pair", "not writable text"])
def test_state_damaged(case, damage, program, tmp_path, authority, pair):
    case.fill_mailbox(mailgen.Generator(case.user, 10).mailbox(messages=60, biggest=0))
    succeed(case.engine.run())
    state = case.engine.state
    for extra in state.parent.glob(state.name + "-*"):
        extra.unlink()
    if damage == "garbage":
        data = bytearray(state.read_bytes())
        data[:4096:7] = b"\xaa" * len(data[:4096:7])
        state.write_bytes(data)
    elif damage == "truncated":
        state.write_bytes(state.read_bytes()[:5000])
    elif damage == "empty":
        state.write_bytes(b"")
    elif damage == "not writable text":
        state.write_text("this is no database\n")
    else:
        other = type(case)(program, tmp_path / "other", authority, *pair)
        other.fill([("INBOX", True, simple(30))])
        succeed(other.engine.run())
        shutil.copy(other.engine.state, state)
    run = case.engine.run()
    succeed(run)
    case.check(run)


@pytest.mark.long
def test_half_copied_by_somebody_else(case):
    """A user has dragged a part of the mail over before: some twins, in another order, other flags kept."""
    mailbox = mailgen.Generator(case.user, 11).mailbox(messages=150, biggest=0)
    case.fill_mailbox(mailbox)
    for folder in mailbox:
        folder.messages = folder.messages[::-2]
    case.fill_mailbox(mailbox, case.destination)
    run = succeed(case.engine.run())
    case.check(run)


@pytest.mark.long
def test_half_copied_by_mbsync(case):
    """mbsync adds a header to what it copies: still the same messages, none comes twice."""
    if not shutil.which("mbsync"):
        pytest.skip("mbsync is not installed (package isync)")
    case.fill_mailbox(mailgen.Generator(case.user, 12).mailbox(messages=60, biggest=0)[:3])
    before = case.read(case.source)
    case.directory.joinpath("mbsyncrc").write_text("".join(
        f"IMAPAccount {name}\nHost localhost\nPort {server.tls_port}\nUser {case.user}\nPass \"{PASSWORD}\"\n"
        f"SSLType IMAPS\nCertificateFile {case.authority.certificate}\nAuthMechs PLAIN\n\nIMAPStore {name}\nAccount {name}\n\n"
        for name, server in (("s", case.source), ("d", case.destination))) +
        f"Channel c\nFar :s:\nNear :d:\nPatterns INBOX\nCreate Near\nSync Pull\nCopyArrivalDate yes\nSyncState {case.directory}/\n")
    out = subprocess.run(["mbsync", "-c", case.directory / "mbsyncrc", "c"], capture_output=True, text=True, check=False,
                         env=dict(ENVIRON, HOME=str(case.directory)))
    there = case.read(case.destination).messages
    assert there, f"mbsync copied nothing: {out.stderr}"
    run = succeed(case.engine.run())
    result = case.compare()
    assert case.read(case.destination).messages == before.messages, "\n".join(result.differences) + f"\n{run}"


@pytest.mark.long
@pytest.mark.parametrize("chosen", [[], ["--search", "SEEN"]], ids=["all that it takes", "what was read"])
def test_half_copied_by_imapsync(case, chosen):
    """imapsync leaves twins and mail without Message-Id behind: what it brought does not come twice, the rest comes."""
    program = os.environ.get("IMAPSYNC")
    if not program or not os.path.exists(program):
        pytest.skip("set IMAPSYNC=/path/to/imapsync")
    case.fill_mailbox(mailgen.Generator(case.user, 14).mailbox(messages=150, biggest=200_000))
    before = case.read(case.source)
    secret = case.directory / "imapsync.secret"
    secret.touch(0o600)
    secret.write_text(PASSWORD)
    sides = [word for n, server in (("1", case.source), ("2", case.destination)) for word in (
        f"--host{n}", "localhost", f"--port{n}", server.tls_port, f"--ssl{n}", f"--authmech{n}", "PLAIN",
        f"--user{n}", case.user_on(server), f"--passfile{n}", secret)]
    out = subprocess.run(["perl", program, "--nolog", "--noreleasecheck", "--noid", "--tmpdir", case.directory, *map(str, sides),
                          *chosen], capture_output=True, text=True, errors="replace", check=False, cwd=case.directory,
                         env=dict(ENVIRON, HOME=str(case.directory)))
    there = case.read(case.destination)
    assert 0 < there.messages < before.messages, out.stdout[-3000:] + out.stderr[-3000:]
    run = succeed(case.engine.run("--flags-sync"))
    assert run.done["messages_copied"] == before.messages - there.messages, run
    case.check(run, source=before)
    again = succeed(case.engine.run("--rescan"))
    assert again.done["messages_copied"] == 0, again


def test_odd_folder_names(case):
    case.fill([("INBOX", True, simple(1))] + [(name, n % 3 != 0, simple(1 + n % 2, start=10 * n))
                                                for n, name in enumerate(oddities.NAMES, 2) if "." not in name])
    run = succeed(case.engine.run())
    case.check(run)
    succeed(case.engine.run())
    case.check()


def test_noselect_parents_stay(case):
    """A parent that cannot hold mail is not made into a folder that can."""
    case.fill([("INBOX", True, simple(1)), ("Pai/Filho/Neto", True, simple(2))])
    before = case.read(case.source)
    run = succeed(case.engine.run())
    case.check(run)
    assert set(case.read(case.destination).folders) == set(before.folders), run


def test_strange_messages(case):
    """Each strange message arrives as the source shows it, or is named: changed by the server, or refused."""
    refused = []
    messages = [(data, DATE, ()) for data in oddities.strange_messages()]
    case.fill([("Estranhas", True, messages)], refused)
    odd_outcome(case)


def test_real_odd_messages(case):
    refused = []
    case.fill([("Reais", True, [(data, DATE, ()) for data in oddities.shared_messages()])], refused)
    odd_outcome(case)


def odd_outcome(case):
    """Equal but for what is named: refused by the copy, or changed as a deep verify sees; nothing twice later."""
    source = case.read(case.source)
    run = case.engine.run()
    assert run.status in (0, 1) and (run.status == 0) == (not run.of("refused")), run
    result = case.compare(source=source)
    lost = sum((counts(source) - counts(case.read(case.destination))).values())
    if lost:
        verify = case.engine.run("--deep", command="verify")
        assert lost <= len(run.of("refused")) + len(verify.of("changed")), "\n".join(result.differences) + f"\n{verify}"
    held = case.read(case.destination)
    case.engine.run()
    assert case.read(case.destination) == held, "a second run changed the destination"
    case.engine.state.unlink()
    third = case.engine.run()
    assert counts(case.read(case.destination)) == counts(held), f"without state mail came twice\n{third}"


def test_flags_keywords_and_dates(case):
    messages = []
    for n, date in enumerate(oddities.DATES):  # Dovecot itself mixes up what lies before 1970 and after 2038
        messages.append((oddities.message(f"date {n}"), date, ("\\Seen",)))
    for n, keyword in enumerate(oddities.KEYWORDS):
        messages.append((oddities.message(f"keyword {n}"), DATE, (keyword, "\\Answered", "\\Draft", "\\Deleted", "\\Flagged")))
    case.fill([("INBOX", True, messages)])
    run = succeed(case.engine.run())
    case.check(run)


def test_many_twins(case):
    """200 equal messages without Message-Id, and 60 that share one Message-Id and differ."""
    twin = (oddities.message("gêmea"), DATE, ("\\Seen",))
    same_id = [(oddities.message(f"irmã {n}", message_id="one@b.example"), DATE, ()) for n in range(60)]
    case.fill([("INBOX", True, [twin] * 200 + same_id)])
    succeed(case.engine.run())
    case.check()
    case.engine.state.unlink()
    run = succeed(case.engine.run())
    case.check(run)


@pytest.mark.long
def test_thousands_without_message_id(case):
    """3,000 messages, none with a Message-Id, a third of them equal to others; a user had copied half of them before."""
    messages = [(b"From: <cron@b.example>\r\nSubject: job\r\n\r\nrun %d\r\n" % (n % 2000), DATE, ()) for n in range(3000)]
    case.fill([("Cron", True, messages)])
    loader = case.loader(case.destination)
    loader.create("Cron", True)
    loader.append("Cron", list(reversed(messages[::2])))
    loader.close()
    first = succeed(case.engine.run())
    assert first.done["messages_copied"] == 1500, first
    case.check(first)
    case.engine.state.unlink()
    again = succeed(case.engine.run())
    assert again.done["messages_copied"] == 0, again
    case.check(again)


@pytest.mark.long
def test_twins_at_the_destination_before(case):
    """3 of 5 equal messages are there already: 2 more come."""
    twin = (oddities.message("gêmea"), DATE, ())
    case.fill([("INBOX", True, [twin] * 5)])
    loader = case.loader(case.destination)
    loader.append("INBOX", [twin] * 3)
    loader.close()
    run = succeed(case.engine.run())
    case.check(run)
    assert run.done["messages_copied"] == 2, run


def test_uidvalidity_changed(case):
    """The folder is made anew at the source with the same mail."""
    mail = simple(20)
    case.fill([("INBOX", True, simple(2, 100)), ("Pasta", True, mail)])
    succeed(case.engine.run())
    loader = case.loader(case.source)
    loader.command(b"DELETE " + loader.name("Pasta"))
    loader.create("Pasta")
    loader.append("Pasta", mail[5:] + simple(3, 50))
    loader.close()
    run = succeed(case.engine.run())
    left = case.read(case.destination).folders["Pasta"].total()
    assert left == 23, f"{left} messages, not 20 + 3\n{run}"


def test_delta_and_expunge(case):
    case.fill([("INBOX", True, simple(30)), ("Arquivo", True, simple(10, 100))])
    succeed(case.engine.run())
    loader = case.loader(case.source)
    loader.append("INBOX", simple(5, 200))
    loader.command(b"SELECT INBOX")
    loader.command(b"STORE 3:4 +FLAGS (\\Deleted)")
    loader.command(b"EXPUNGE")
    loader.close()
    run = succeed(case.engine.run())
    assert run.done["messages_copied"] == 5, run
    assert case.read(case.destination).folders["INBOX"].total() == 35


@pytest.mark.long
def test_flags_follow_when_asked(case):
    case.fill([("INBOX", True, simple(10))])
    succeed(case.engine.run())
    loader = case.loader(case.source)
    loader.command(b"SELECT INBOX")
    loader.command(b"STORE 1:10 FLAGS (\\Flagged $Label2)")
    loader.close()
    succeed(case.engine.run("--flags-sync"))
    case.check()


@pytest.mark.long
def test_large_message_and_empty_folders(case):
    big = oddities.message("grande", b"x" * 76 + b"\r\n" * 1 + (b"y" * 76 + b"\r\n") * 100_000)
    case.fill([("INBOX", True, [(big, DATE, ())]), ("Vazia", True, []), ("Outra/Vazia", False, [])])
    run = succeed(case.engine.run())
    case.check(run)


def test_mail_arrives_while_it_runs(case, tmp_path):
    """The line is slow; mail arrives and goes at the source meanwhile. Afterwards a second run completes."""
    case.fill([("INBOX", True, simple(300, body=b"x" * 3000 + b"\r\n")), ("Arquivo", True, simple(50, 1000))])
    with Proxy(tmp_path, case.source.tls_port, "slow", rate=600_000, upstream_ca=case.authority.certificate) as proxy:
        engine = case.new_engine("slow", source_port=proxy.port)
        started = engine.start()
        wait.until(lambda: any(e["t"] == "folder" for e in started.events()), "the copy to begin", alive=None)
        loader = case.loader(case.source)
        loader.append("INBOX", simple(20, 2000))
        loader.append("Arquivo", simple(5, 3000))
        loader.command(b"SELECT INBOX")
        loader.command(b"STORE 290:295 +FLAGS (\\Deleted)")
        loader.command(b"EXPUNGE")
        loader.close()
        run = started.wait()
        succeed(run)
    # the proxy's port is part of the pair: over the direct line it is another one, without state
    again = succeed(case.new_engine("direct").run())
    source, destination = case.read(case.source), case.read(case.destination)
    for name, mails in source.folders.items():
        assert not mails - destination.folders[name], f"missing in {name}\n{again}"
    extra = destination.folders["INBOX"] - source.folders["INBOX"]
    assert extra.total() <= 6 and max(extra.values(), default=1) == 1, f"too much: {extra}\n{again}"


@pytest.mark.long
def test_folders_change_while_it_runs(case, tmp_path):
    """A folder is renamed, another deleted, a third made while mail flows; the next run ends with what is there then."""
    case.fill([("INBOX", True, simple(300, body=b"x" * 3000 + b"\r\n"))] +
              [(f"Pasta {n}", True, simple(30, 1000 * n, body=b"y" * 2000 + b"\r\n")) for n in range(1, 7)])
    with Proxy(tmp_path, case.source.tls_port, "slow", rate=600_000, upstream_ca=case.authority.certificate) as proxy:
        engine = case.new_engine("slow", source_port=proxy.port)
        started = engine.start()
        wait.until(lambda: any(e["t"] == "folder" for e in started.events()), "the copy to begin", alive=None)
        loader = case.loader(case.source)
        for old, new in (("Pasta 1", "Nova 1"), ("Pasta 5", "Nova 5")):
            loader.command(b"RENAME %s %s" % (loader.name(old), loader.name(new)))
        for gone in ("Pasta 2", "Pasta 6"):
            loader.command(b"DELETE " + loader.name(gone))
        loader.create("Outra")
        loader.append("Outra", simple(4, 9000))
        loader.create("Pasta 6")
        loader.append("Pasta 6", simple(3, 8000))
        loader.close()
        first = started.wait()
        assert first.status in (0, 1), first
        again = succeed(engine.run())
    source, destination = case.read(case.source), case.read(case.destination)
    for name, mails in source.folders.items():
        assert not mails - destination.folders[name], f"missing in {name}\n{first}\n{again}"
    for name, mails in destination.folders.items():
        assert max(mails.values(), default=1) == 1, f"twice in {name}\n{first}\n{again}"


@pytest.mark.long
def test_two_engines_at_once(case, tmp_path):
    case.fill([("INBOX", True, simple(200, body=b"x" * 3000 + b"\r\n"))])
    with Proxy(tmp_path, case.source.tls_port, "slow", rate=300_000, upstream_ca=case.authority.certificate) as proxy:
        engine = case.new_engine("twice", source_port=proxy.port)
        first = engine.start()
        wait.until(lambda: any(e["t"] == "folder" for e in first.events()), "the first to begin")
        second = engine.run()
        assert second.status == 75 and second.done.get("code") == "state.busy", second
        other = case.new_engine("other-state", source_port=proxy.port).run()
        assert other.status == 75 and other.done.get("code") == "state.busy", other
        succeed(first.wait())
    case.check()


EVERYTHING = ("MULTIAPPEND LITERAL+ LITERAL- UIDPLUS CONDSTORE QRESYNC ENABLE LIST-EXTENDED LIST-STATUS SPECIAL-USE "
              "STATUS=SIZE NAMESPACE ID IDLE SASL-IR UNSELECT MOVE ESEARCH SEARCHRES BINARY COMPRESS=DEFLATE QUOTA WITHIN "
              "SORT CHILDREN")
STRIPS = {
    "MULTIAPPEND": (["MULTIAPPEND"], []),
    "LITERAL-": (["LITERAL+"], ["LITERAL-"]),
    "no literals": (["LITERAL+", "LITERAL-"], []),
    "UIDPLUS": (["UIDPLUS"], []),
    "CONDSTORE": (["CONDSTORE", "QRESYNC", "ENABLE"], []),
    "LIST": (["LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "STATUS=SIZE", "NAMESPACE"], []),
    "all": (EVERYTHING.split(), []),
}


@pytest.mark.sample("all")
@pytest.mark.parametrize("strip", STRIPS, ids=lambda s: s.replace(" ", "-"))
def test_poorer_servers(case, tmp_path, strip):
    """Without an extension: the same result, and the extension is not used."""
    names, add = STRIPS[strip]
    case.fill_mailbox(mailgen.Generator(case.user, 13).mailbox(messages=80, biggest=100_000))
    certificate = case.authority.certificate
    with Proxy(tmp_path, case.source.tls_port, "from", strip=names, add=add, upstream_ca=certificate) as source, \
            Proxy(tmp_path, case.destination.tls_port, "to", strip=names, add=add, upstream_ca=certificate) as destination:
        engine = case.new_engine("poor", source.port, destination.port)
        run = succeed(engine.run())
        case.check(run)
        second = succeed(engine.run())
        assert second.done["messages_copied"] == 0, second
        engine.state.unlink()
        third = succeed(engine.run())
        assert third.done["messages_copied"] == 0, third
        case.check(third)
        assert not source.violations() and not destination.violations(), source.violations() + destination.violations()


@pytest.mark.long
def test_line_in_pieces(case, tmp_path):
    """Both sides byte by byte."""
    case.fill([("INBOX", True, simple(6)), ("Ação", True, simple(3, 10) + [(oddities.strange_messages()[0], DATE, ())])])
    certificate = case.authority.certificate
    with Proxy(tmp_path, case.source.tls_port, "from", pieces=1, upstream_ca=certificate) as source, \
            Proxy(tmp_path, case.destination.tls_port, "to", pieces=1, upstream_ca=certificate) as destination:
        succeed(case.new_engine("pieces", source.port, destination.port).run())
    case.check()


def test_source_is_never_written(case, tmp_path):
    """EXAMINE and BODY.PEEK only: \\Seen and \\Recent stay, no STORE, APPEND, CREATE … reaches the source."""
    case.fill([("INBOX", True, [(m, d, ()) for m, d, _ in simple(10)])])
    log = tmp_path / "from.jsonl"
    with Proxy(tmp_path, case.source.tls_port, "from", strip=["X-NONE"], upstream_ca=case.authority.certificate,
               record=True) as source:
        succeed(case.new_engine("readonly", source_port=source.port).run())
        words = {e["text"].split()[0].upper() for e in map(json.loads, log.read_text().splitlines()) if e["event"] == "command"}
    assert words and not words & {"SELECT", "STORE", "APPEND", "CREATE", "DELETE", "RENAME", "EXPUNGE", "CLOSE", "SUBSCRIBE"}, words
    case.check()


def test_state_holds_no_secret(case):
    case.fill([("INBOX", True, simple(3))])
    run = succeed(case.engine.run())
    for file in case.engine.directory.rglob("*"):
        if file.is_file() and not file.name.endswith(".secret"):
            assert PASSWORD.encode() not in file.read_bytes(), file
    assert PASSWORD not in run.stderr
    assert sqlite3.connect(case.engine.state).execute("PRAGMA integrity_check").fetchone() == ("ok",)
