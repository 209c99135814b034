"""Each option of copy does what the manual says, on real servers: what is looked at, what is left out, what is planned."""

import datetime
import hashlib
import os
import pty
import re
import subprocess

import pytest

from stack import mailgen
from stack.process import ENVIRON
from stack.proxy import Proxy
from . import oddities
from .case import counts
from .test_exact import simple, succeed

CHANGING = {"CREATE", "APPEND", "SUBSCRIBE", "STORE", "EXPUNGE", "DELETE", "RENAME", "SELECT", "CLOSE", "SETFLAGS"}


def on(day):
    return f"{day:%d-%b-%Y} 12:00:00 -0300"


def raw_state(case, server):
    """All that a server says of an account's folders without opening one for writing."""
    loader = case.loader(server)
    try:
        listed = loader.command(b'LIST "" "*"') + loader.command(b'LSUB "" "*"')
        names = {found[1] for found in (re.match(rb'\* LIST \([^)]*\) "." (.*)\r\n', line) for line in listed) if found}
        return sorted(listed), [
            loader.command(b"STATUS " + name + b" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)") for name in sorted(names)]
    finally:
        loader.close()


def files(directory):
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in directory.iterdir() if f.name.startswith("state")}


def output(case, run_number):
    return (case.engine.directory / f"run{run_number}.out").read_text()


# --- on a terminal ------------------------------------------------------------------------------------------

def on_terminal(engine, *arguments, command="copy"):
    """What a terminal is shown meanwhile."""
    ours, its = pty.openpty()
    with subprocess.Popen(engine.argv(command, *arguments), stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=ENVIRON) as run:
        os.close(its)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # EIO: nobody has the other end any more
            pass
    os.close(ours)
    assert run.returncode == 0, shown
    return shown.decode()


def test_a_terminal_sees_how_far_it_is_and_what_became_of_it(case):
    case.fill([("INBOX", True, simple(3)), ("Ação " * 8, True, simple(4, 10))])
    shown = on_terminal(case.engine)
    assert "[" + "#" * 24 + "] 100%  7/7 msgs" in shown
    assert "are there" not in on_terminal(case.new_engine("plan"), "--dry-run")
    assert re.search(r"\r7 of 7 messages are there, 7 of them copied now \(0\.0 MB in 0:\d\d\), 0 refused\r\n$", shown), shown
    assert "0 of them copied now" in on_terminal(case.engine)
    assert on_terminal(case.engine, "--no-progress") == ""
    shown = on_terminal(case.engine, command="verify")
    assert "] 100%  7/7 msgs" in shown
    left = [line.rpartition("\r")[2].split()[0] for line in shown.strip().split("\r\n")]
    assert sorted(left) == ["Ação", "INBOX", "folder", "succeeded:"], shown


# --- --dry-run ----------------------------------------------------------------------------------------------

def test_dry_run_shows_the_plan_and_changes_nothing(case, tmp_path):
    mailbox = mailgen.Generator(case.user, 8).mailbox(messages=60, biggest=50_000)
    case.fill_mailbox(mailbox)
    sides = [case.source, case.destination]
    before = [(raw_state(case, s), case.read(s)) for s in sides]
    certificate = case.authority.certificate
    with Proxy(tmp_path, case.source.tls_port, "from", record=True, upstream_ca=certificate) as source, \
            Proxy(tmp_path, case.destination.tls_port, "to", record=True, upstream_ca=certificate) as destination:
        engine = case.new_engine("dry", source.port, destination.port)
        run = engine.run("--dry-run")
        assert run.status == 0, run
        said = {e["text"].split()[0].upper() for p in (source, destination) for e in p.events() if e["event"] == "command"}
    assert said and not said & CHANGING, said
    assert not engine.state.exists() and not engine.quarantine.exists()
    assert [(raw_state(case, s), case.read(s)) for s in sides] == before
    planned = {e["folder"]: e for e in run.of("plan_folder")}
    there = before[1][1].folders
    for folder in mailbox:
        plan = planned[folder.path.replace("/", ".")]
        assert plan["dest"] == folder.path
        assert plan["messages"] == plan["to_copy"] == len(folder.messages)
        assert plan["bytes"] == plan["to_copy_bytes"] == sum(len(m.data) for m in folder.messages)
        assert plan["create"] == (folder.path not in there)
    text = (engine.directory / "run1.out").read_text()
    assert "Clientes.São Paulo" in text and "create" in text and "nothing was changed" in text


def test_dry_run_of_a_later_pass(case):
    """What an earlier pass has brought is not planned again; the state file keeps every byte."""
    case.fill([("INBOX", True, simple(20)), ("Velha", True, simple(5, 100))])
    succeed(case.engine.run())
    loader = case.loader(case.source)
    loader.append("INBOX", simple(3, 500))
    loader.close()
    before = files(case.engine.directory), case.read(case.destination)
    run = succeed(case.engine.run("--dry-run"))
    assert (files(case.engine.directory), case.read(case.destination)) == before
    planned = {e["folder"]: (e["to_copy"], e["create"]) for e in run.of("plan_folder")}
    assert planned == {"INBOX": (3, False), "Velha": (0, False)}
    bytes_planned = {e["folder"]: e["to_copy_bytes"] for e in run.of("plan_folder")}
    assert bytes_planned["INBOX"] == sum(len(m) for m, _, _ in simple(3, 500))
    last = succeed(case.engine.run())
    assert last.done["messages_copied"] == 3
    case.check(last)


@pytest.mark.long
def test_dry_run_with_rules(case):
    days = [datetime.date(2020, 1, n) for n in range(1, 11)]
    case.fill([("INBOX", True, [(oddities.message(str(d), message_id=f"{d}@x"), on(d), ()) for d in days]),
               ("Lixo", True, simple(4))])
    run = succeed(case.engine.run("--dry-run", "--since", "2020-01-04", "--before", "2020-01-08", "--exclude", "Lixo",
                                  "--map", "INBOX=Ignorado"))
    assert [(e["folder"], e["to_copy"]) for e in run.of("plan_folder")] == [("INBOX", 4)]
    assert "Lixo" in output(case, 1) and "left out" in output(case, 1)
    run = succeed(case.engine.run("--since", "2020-01-04", "--before", "2020-01-08", "--exclude", "Lixo"))
    assert run.done["messages_copied"] == 4, run


@pytest.mark.long
def test_dry_run_over_a_broken_line(case, tmp_path):
    """Connected again it goes on planning, and still makes nothing."""
    case.fill([(f"Pasta {n}", True, simple(30, 100 * n)) for n in range(8)])
    before = case.read(case.destination)
    with Proxy(tmp_path, case.source.tls_port, "cut", upstream_ca=case.authority.certificate, drop_after=[3500]) as proxy:
        engine = case.new_engine("cut", source_port=proxy.port)
        run = succeed(engine.run("--dry-run", "--since", "1990-01-01"))
        assert proxy.count("drop") == 1 and run.of("reconnect"), run
    assert case.read(case.destination) == before
    assert sum(e["to_copy"] for e in run.of("plan_folder")[-9:]) == 240


# --- folders ------------------------------------------------------------------------------------------------

def test_map(case):
    case.fill([("INBOX", True, simple(2)), ("Enviados", True, simple(3, 10)), ("Clientes/A", True, simple(4, 20)),
               ("Clientes/B/C", False, simple(5, 30)), ("Clientes antigos", True, simple(1, 40))])
    run = succeed(case.engine.run("--map", "Enviados=Sent", "--map", "Clientes/*=Arquivo/Clientes/*"))
    names = {"Enviados": "Sent", "Clientes/A": "Arquivo/Clientes/A", "Clientes/B/C": "Arquivo/Clientes/B/C"}
    there, here = case.read(case.destination), case.read(case.source)
    for path, mails in here.folders.items():
        assert there.folders[names.get(path, path)] == mails, f"{path}\n{run}"
    assert "Enviados" not in there.folders and not any(name.startswith("Clientes/") for name in there.folders)
    assert "Sent" in there.subscribed and "Arquivo/Clientes/B/C" not in there.subscribed
    assert succeed(case.engine.run("--map", "Enviados=Sent", "--map", "Clientes/*=Arquivo/Clientes/*")).done[
        "messages_copied"] == 0
    got = case.engine.run("--map", "Enviados=Sent", "--map", "Clientes/*=Arquivo/Clientes/*", command="verify")
    assert got.status == 0, got


@pytest.mark.long
def test_map_several_into_one(case):
    """Twins that come from different folders stay two."""
    mail = simple(3)
    case.fill([("A", True, mail), ("B", True, mail), ("C", True, simple(2, 50))])
    arguments = [part for name in "ABC" for part in ("--map", f"{name}=Tudo")]
    succeed(case.engine.run(*arguments))
    assert case.read(case.destination).folders["Tudo"].total() == 8
    case.engine.state.unlink()
    again = succeed(case.engine.run(*arguments))
    assert case.read(case.destination).folders["Tudo"].total() == 8, again


@pytest.mark.long
def test_include_and_exclude(case):
    case.fill([("INBOX", True, simple(2)), ("Clientes", True, simple(1, 5)), ("Clientes/A", True, simple(3, 10)),
               ("Clientes/Rascunhos", True, simple(3, 20)), ("Ação", True, simple(3, 30)), ("Junk", True, simple(3, 40))])
    succeed(case.engine.run("--include", "Clientes*", "--include", "Ação", "--exclude", "*/Rascunhos"))
    there = case.read(case.destination)
    assert {path for path, mails in there.folders.items() if mails} == {"Clientes", "Clientes/A", "Ação"}
    assert "Junk" not in there.folders and "Clientes/Rascunhos" not in there.folders
    # asked for later, what was left out comes, once
    succeed(case.engine.run())
    case.check()


# --- messages -----------------------------------------------------------------------------------------------

def test_since_and_before(case):
    """The day that INTERNALDATE names, as it is written; a wider window later brings the rest, nothing twice."""
    days = [datetime.date(2019, 12, 25) + datetime.timedelta(days=n) for n in range(20)]
    case.fill([("INBOX", True, [(oddities.message(str(d), message_id=f"{d}@x"), on(d), ()) for d in days])])
    run = succeed(case.engine.run("--since", "2020-01-01", "--before", "2020-01-05"))
    got = sorted(date for _, date, _ in case.read(case.destination).folders["INBOX"])
    assert len(got) == 4, f"{got}\n{run}"
    assert succeed(case.engine.run("--since", "2020-01-01", "--before", "2020-01-05")).done["messages_copied"] == 0
    assert succeed(case.engine.run("--since", "2019-12-30")).done["messages_copied"] == 11
    assert succeed(case.engine.run()).done["messages_copied"] == 5
    case.check()


def test_max_size(case):
    mails = [(oddities.message(f"m{n}", b"x" * n + b"\r\n", message_id=f"{n}@s"), "5-May-2015 05:05:05 -0300", ())
             for n in (10, 1000, 5000, 20000, 300_000)]
    case.fill([("INBOX", True, mails)])
    limit = len(mails[2][0])
    succeed(case.engine.run("--max-size", str(limit)))
    assert sorted(counts(case.read(case.destination))) == sorted(hashlib.sha256(m).hexdigest() for m, _, _ in mails[:3])
    got = case.engine.run("--max-size", str(limit), command="verify")
    assert got.status == 0 and got.done["excluded"] == 2 and got.done["found"] == 3, got
    succeed(case.engine.run("--max-size", "20k"))
    succeed(case.engine.run("--max-size", "1M"))
    case.check()


def test_flags_sync_both_ways_of_knowing(case, tmp_path):
    """With CONDSTORE only what changed at the source is touched; without it the source's flags win."""
    case.fill([("INBOX", True, [(m, d, ("\\Seen",)) for m, d, _ in simple(12)])])
    for name, strip in (("with", ["X-NONE"]), ("without", ["CONDSTORE", "QRESYNC", "ENABLE"])):
        mine = case.sibling(name)
        with Proxy(mine.directory, case.source.tls_port, "from", strip=strip, upstream_ca=case.authority.certificate) as proxy:
            engine = mine.new_engine("sync", source_port=proxy.port)
            succeed(engine.run())
            for server, change in ((mine.source, b"STORE 1:3 +FLAGS (\\Flagged $Importante)"),
                                   (mine.destination, b"STORE 10:12 +FLAGS (\\Answered)")):
                loader = mine.loader(server)
                loader.command(b"SELECT INBOX")
                loader.command(change)
                loader.close()
            plain = succeed(engine.run())
            assert counts(mine.read(mine.destination)) and plain.done["messages_copied"] == 0
            flagged = sum("\\flagged" in map(str.lower, flags) for _, _, flags in mine.read(mine.destination).folders["INBOX"])
            assert flagged == 0, "flags travel only when asked"
            succeed(engine.run("--flags-sync"))
            there = mine.read(mine.destination).folders["INBOX"]
        assert sum({"\\flagged", "$importante"} <= set(map(str.lower, flags)) for _, _, flags in there) == 3, there
        answered = sum("\\answered" in map(str.lower, flags) for _, _, flags in there)
        assert answered == (3 if name == "with" else 0), f"{name}: {there}"
        loader = mine.loader(mine.source)
        loader.command(b"SELECT INBOX")
        loader.command(b"STORE 1:3 -FLAGS (\\Flagged $Importante)")
        loader.close()


@pytest.mark.long
def test_max_rate(case):
    """The line is not filled: what is over the rate has to wait. (A lower bound: no machine is too slow for it.)"""
    case.fill([("INBOX", True, [(oddities.message(f"m{n}", b"z" * 500_000 + b"\r\n"), "5-May-2015 05:05:05 -0300", ())
                                for n in range(10)])])
    run = succeed(case.engine.run("--max-rate", "1M"))
    seconds = (run.events[-1]["at"] - run.events[0]["at"]) / 1000
    assert seconds >= 3, f"5 MB in {seconds} s\n{run}"
    case.check(run)


@pytest.mark.long
def test_automap(case):
    """By the role that the server tells, or by the usual names; what has no counterpart keeps its name."""
    case.fill([("INBOX", True, simple(1)), ("Itens Enviados", True, simple(2, 10)), ("Rascunhos", True, simple(3, 20)),
               ("Lixo Eletrônico", True, simple(1, 30)), ("Clientes", True, simple(2, 40)), ("Sent", True, simple(1, 50))])
    loader = case.loader(case.destination)
    for name in ("Drafts", "Junk", "Sent"):
        loader.create(name)
    loader.close()
    run = succeed(case.engine.run("--automap"))
    there, here = case.read(case.destination), case.read(case.source)
    for path, name in (("Rascunhos", "Drafts"), ("Lixo Eletrônico", "Junk"), ("Clientes", "Clientes"), ("Sent", "Sent"),
                       ("Itens Enviados", "Itens Enviados")):  # the server says that Sent is \\Sent
        assert there.folders.get(name) == here.folders[path], f"{path} to {name}: {sorted(there.folders)}\n{run}"
    assert succeed(case.engine.run("--automap")).done["messages_copied"] == 0
    got = case.engine.run("--deep", "--automap", command="verify")
    assert got.status == 0 and got.done["missing"] == 0, got


def change_flags(case, server, change, folder=b"INBOX"):
    loader = case.loader(server)
    loader.command(b"SELECT " + folder)
    loader.command(change)
    loader.close()


@pytest.mark.long
def test_flags_sync_beside_new_mail(case, tmp_path):
    """Flags travel in a pass that also brings mail of that folder, whatever was there before the first pass, and
    though that one was cut short."""
    certificate = case.authority.certificate
    case.fill([("INBOX", True, simple(12)), ("Arquivo", True, simple(200, 100, body=b"x" * 3000 + b"\r\n"))])
    loader = case.loader(case.destination)
    loader.append("INBOX", simple(3))  # a user had begun by hand
    loader.close()
    with Proxy(tmp_path, case.destination.tls_port, "cut", upstream_ca=certificate, drop_after=[200_000]) as proxy:
        engine = case.new_engine("sync", destination_port=proxy.port)
        engine.run("--patience", "0")
        assert proxy.count("drop") == 1
        change_flags(case, case.source, b"STORE 1:200 +FLAGS (\\Draft)", b"Arquivo")
        succeed(engine.run())
        for folder, change in (("INBOX", b"STORE 2:4 +FLAGS (\\Flagged $Importante)"), ("Arquivo", b"STORE 1 +FLAGS (\\Answered)")):
            change_flags(case, case.source, change, folder.encode())
            case.fill([(folder, True, simple(2, 500))])
        run = succeed(engine.run("--flags-sync"))
    assert run.done["messages_copied"] == 4, run
    case.check(run)


@pytest.mark.parametrize("arguments, word", [
    (["--since", "2020-02-30"], "--since"), (["--before", "20200101"], "--before"), (["--max-size", "0"], "--max-size"),
    (["--map", "A"], "SRC=DST"), (["--map", "A/*=B"], "/*"), (["--max-connections", "0"], "--max-connections"),
    (["--delete-extra"], "--i-understand-deletion"), (["--delete-extra", "--i-understand-deletion"], "--delete-max"),
    (["--delete-max", "5"], "--delete-extra"), (["--i-understand-deletion"], "--delete-extra"),
    (["--delete-extra", "--i-understand-deletion", "--delete-max", "101%"], "--delete-max"),
    (["--deep"], "--deep"), (["--no-such-option"], "--no-such-option"), (["word"], "word")])
def test_wrong_usage_says_what(case, arguments, word):
    run = case.engine.run(*arguments)
    assert run.status == 2 and word in run.stderr, run
    assert not case.engine.state.exists()


@pytest.mark.parametrize("command, has, lacks", [
    ([], "--delete-extra", None), (["copy"], "--delete-extra", "--deep"), (["verify"], "--deep", "--flags-sync"),
    (["check"], "--no-write-probe", "--state"), (["copy", "--from", "imaps://a@b"], "--flags-sync", "--ledger")])
def test_help(program, command, has, lacks):
    """Of a command only what it takes."""
    got = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True, env=ENVIRON)
    assert has + " " in got.stdout and not (lacks and lacks + " " in got.stdout) and not got.stderr, got


def test_what_cannot_be_written_is_said_at_once(case, tmp_path):
    """Not hours later, when the first message is refused."""
    (tmp_path / "file").write_text("")
    for option, path in (("--state", tmp_path / "nowhere/state"), ("--quarantine", tmp_path / "file/refused")):
        run = case.engine.run(option, path)
        assert run.status in (66, 74) and option in run.stderr and str(path) in run.stderr, run
