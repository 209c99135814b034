"""--delete-extra: only copies of what the source no longer has, only with both words, never over the cap, and whatever is
killed in the middle."""

import concurrent.futures
import os
import random
import signal

import pytest

from stack import mailgen, wait
from stack.proxy import Proxy
from . import oddities
from .test_exact import DATE, simple, succeed
from .test_kill import SEED

YES = ("--delete-extra", "--i-understand-deletion", "--delete-max")


def expunge(case, server, folder, sequence):
    loader = case.loader(server)
    loader.command(b"SELECT " + loader.name(folder))
    loader.command(b"STORE " + sequence.encode() + b" +FLAGS (\\Deleted)")
    loader.command(b"EXPUNGE")
    loader.close()


def put(case, server, folder, messages):
    loader = case.loader(server)
    loader.append(folder, messages)
    loader.close()


def test_what_left_the_source_leaves_the_destination(case):
    case.fill([("INBOX", True, simple(30)), ("Arquivo", True, simple(10, 100)), ("Vazia", True, simple(2, 200))])
    succeed(case.engine.run())
    own = simple(3, 900)  # the user has new mail there, one of it marked as deleted and not expunged
    put(case, case.destination, "INBOX", [(m, d, ("\\Deleted",) if n == 0 else ()) for n, (m, d, _) in enumerate(own)])
    expunge(case, case.source, "INBOX", "3:5,30")
    expunge(case, case.source, "Vazia", "1:2")
    put(case, case.source, "INBOX", simple(2, 300))
    run = succeed(case.engine.run(*YES, "10"))
    assert run.done["deleted"] == 6 and run.done["messages_copied"] == 2, run
    assert {(e["dest"], e["messages"]) for e in run.of("deleted")} == {("INBOX", 4), ("Vazia", 2)}
    here, there = case.read(case.source), case.read(case.destination)
    assert here.folders["INBOX"] <= there.folders["INBOX"]
    assert (there.folders["INBOX"] - here.folders["INBOX"]).total() == 3, "the user's own mail stays"
    assert there.folders["Arquivo"] == here.folders["Arquivo"] and not there.folders["Vazia"]
    again = succeed(case.engine.run(*YES, "1"))
    assert again.done["deleted"] == 0 and again.done["messages_copied"] == 0, again


def test_without_the_words_nothing_goes(case):
    case.fill([("INBOX", True, simple(10))])
    succeed(case.engine.run())
    expunge(case, case.source, "INBOX", "1:5")
    before = case.read(case.destination)
    succeed(case.engine.run())
    assert case.engine.run("--delete-extra").status == 2
    assert case.engine.run("--delete-extra", "--delete-max", "10").status == 2
    assert case.engine.run(*YES[:2]).status == 2
    assert case.read(case.destination) == before


@pytest.mark.parametrize("cap, allowed", [
    ("4", False), ("10%", True), pytest.param("5", True, marks=pytest.mark.long),
    pytest.param("9%", False, marks=pytest.mark.long)])
def test_the_cap_is_all_or_nothing(case, cap, allowed):
    case.fill([("INBOX", True, simple(30)), ("B", True, simple(20, 100))])
    succeed(case.engine.run())
    expunge(case, case.source, "INBOX", "1:3")
    expunge(case, case.source, "B", "1:2")
    run = case.engine.run(*YES, cap)
    left = sum(mails.total() for mails in case.read(case.destination).folders.values())
    if allowed:
        assert run.status == 0 and run.done["deleted"] == 5 and left == 45, run
    else:
        assert run.status == 1 and run.done["deleted"] == 0 and left == 50, run
        assert any(e["code"] == "source.shrank" and "--delete-max allows 4" in e["message"] for e in run.of("warning")), run
        assert sum(e["messages"] for e in run.of("delete_plan")) == 5


def test_dry_run_says_what_would_go(case):
    case.fill([("INBOX", True, simple(10))])
    succeed(case.engine.run())
    expunge(case, case.source, "INBOX", "2:4")
    before = case.read(case.destination)
    run = succeed(case.engine.run("--dry-run", *YES, "5"))
    assert [(e["dest"], e["messages"]) for e in run.of("delete_plan")] == [("INBOX", 3)]
    assert case.read(case.destination) == before
    assert "would be deleted" in (case.engine.directory / "run2.out").read_text()


def test_interlocks(case, tmp_path):
    """An empty source, a copy that is not whole, a server without UIDPLUS, a folder made anew: nothing goes."""
    case.fill([("INBOX", True, simple(6))])
    succeed(case.engine.run())
    loader = case.loader(case.source)
    loader.create("Nova")
    loader.close()
    expunge(case, case.source, "INBOX", "1:6")
    run = case.engine.run(*YES, "100%")
    assert run.status == 1 and run.done["deleted"] == 0, run
    assert "source.empty" in [e["code"] for e in run.of("warning")]
    put(case, case.source, "INBOX", simple(2, 50))
    with Proxy(tmp_path, case.destination.tls_port, "poor", strip=["UIDPLUS"], upstream_ca=case.authority.certificate) as poor:
        engine = case.new_engine("poor", destination_port=poor.port)
        succeed(engine.run())
        expunge(case, case.source, "INBOX", "1")
        run = engine.run(*YES, "100%")
        assert run.status == 1 and run.done["deleted"] == 0 and not poor.violations(), run
    assert case.read(case.destination).folders["INBOX"].total() == 8


def test_messages_moved_at_the_source_are_there_first(case):
    """Moved to another folder: it arrives in the new one, and only then leaves the old one."""
    case.fill([("INBOX", True, simple(10)), ("Arquivo", True, simple(2, 100))])
    succeed(case.engine.run())
    loader = case.loader(case.source)
    loader.command(b"SELECT INBOX")
    loader.command(b"MOVE 1:4 Arquivo")
    loader.close()
    run = succeed(case.engine.run(*YES, "50%"))
    assert run.done["deleted"] == 4 and run.done["messages_copied"] == 4, run
    case.check(run)


@pytest.mark.long
def test_folders_that_share_a_destination_are_left_alone(case):
    mail = simple(4)
    case.fill([("A", True, mail), ("B", True, mail)])
    arguments = ("--map", "A=Tudo", "--map", "B=Tudo")
    succeed(case.engine.run(*arguments))
    expunge(case, case.source, "A", "1:2")
    run = case.engine.run(*arguments, *YES, "100%")
    assert run.done["deleted"] == 0 and case.read(case.destination).folders["Tudo"].total() == 8, run


@pytest.mark.long
def test_killed_thirty_times(case):
    killed(case, 30)


@pytest.mark.long
def test_killed_in_the_middle(case):
    killed(case, 1)


def killed(case, rounds):
    """The engine or its line dies at every step of a deletion; run again, exactly the right messages have gone."""
    mailbox = mailgen.Generator(case.user, 31).mailbox(messages=60, biggest=0)
    case.fill_mailbox(mailbox)
    own = [(oddities.message(f"meu {n}", message_id=f"own{n}@d"), DATE, ()) for n in range(3)]
    mine = [case.sibling(f"kill{number}") for number in range(rounds)]
    proxies = [Proxy(m.directory, case.destination.tls_port, "to", record=True, upstream_ca=case.authority.certificate)
               for m in mine]
    engines = []
    for one, proxy in zip(mine, proxies):
        proxy.start()
        engines.append(one.new_engine("killed", destination_port=proxy.port))

    def fill(number):
        succeed(engines[number].run())
        put(mine[number], case.destination, "INBOX", own)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(fill, range(rounds)))
    for folder, sequence in (("INBOX", "1:5"), ("Sent", "2:4"), ("Trash", "1"), ("Archive", "1:2")):
        expunge(case, case.source, folder.replace("/", "."), sequence)
    want = case.read(case.source)

    def one(number):
        rnd = random.Random(f"delete/{SEED}/{number}")
        word = rnd.choice(["EXAMINE", "SEARCH", "SELECT", "STORE", "EXPUNGE", "EXPUNGE", "UNSELECT"])
        cut, proxy = rnd.random() < 0.5, proxies[number]

        def reached():
            return sum(word in e["text"].upper() for e in proxy.events() if e["event"] == "command") > before
        before = sum(word in e["text"].upper() for e in proxy.events() if e["event"] == "command") + rnd.randrange(2)
        started = engines[number].start(*YES, "40%")
        wait.until(lambda: reached() or not started.running(), "the moment", 60)
        if cut:
            proxy.drop_now()
            started.wait()
        else:
            pid = started.pid()
            if pid:
                os.kill(pid, signal.SIGKILL)
            started.end()
        for _ in range(5):
            run = engines[number].run(*YES, "40%")
            if run.status == 0:
                break
        assert run.status == 0, run
        there = mine[number].read(case.destination)
        assert there.folders["INBOX"].total() == want.folders["INBOX"].total() + 3, f"{word}\n{run}"
        for path, mails in want.folders.items():
            assert mails <= there.folders[path], f"{path} at {word}\n{run}"
            assert path == "INBOX" or there.folders[path] == mails, f"{path} at {word}\n{run}"
    try:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(one, number) for number in range(rounds)]:
                done.result()
    finally:
        for proxy in proxies:
            proxy.stop()
