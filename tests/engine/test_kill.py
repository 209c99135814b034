"""Killed at any moment and run again: nothing missing, nothing twice.

Five kills a kind in the quick form, a hundred in the long one. The moments are random but repeatable
(DESK_SEED), and spread over the whole of a copy by bytes on the line, not by the clock.
"""

import os
import random
import signal

import pytest

from stack import dovecot, mailgen, wait
from stack.proxy import Proxy
from .case import Case, prepare

SEED = os.environ.get("DESK_SEED", "1")


@pytest.fixture
def rounds(long):
    return 100 if long else 5


def fill(case, seed):
    """Small mail with many twins: what is easily doubled."""
    mailbox = mailgen.Generator(case.user, seed).mailbox(messages=120, biggest=400_000)
    twin = mailbox[0].messages[-1]
    mailbox[0].messages += [mailgen.Message(twin.data, twin.date, twin.flags)] * 20
    case.fill_mailbox(mailbox)
    contents = case.read(case.source)
    return contents, contents.bytes


def finish(engine, attempts=8):
    for _ in range(attempts):
        run = engine.run()
        if run.status == 0:
            return run
    raise AssertionError(f"does not end well in {attempts} runs\n{run}")


def empty(case, server):
    """The destination as it was: every folder away, INBOX empty."""
    loader = case.loader(server)
    for name in case.read(server).folders:
        if name != "INBOX":
            loader.command(b"DELETE " + loader.name(name))
            loader.command(b"UNSUBSCRIBE " + loader.name(name))
    loader.command(b"SELECT INBOX")
    loader.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)") if case.read(server).folders["INBOX"] else None
    loader.command(b"EXPUNGE")
    loader.command(b"UNSUBSCRIBE INBOX")
    loader.close()


def test_engine_killed(case, tmp_path, rounds):
    """SIGKILL once so and so many bytes have gone to the destination."""
    contents, size = fill(case, 21)
    rnd = random.Random(f"engine/{SEED}")
    for number in range(rounds):
        moments = sorted(rnd.randrange(2000, size) for _ in range(rnd.choice([1, 1, 2, 3])))
        with Proxy(tmp_path, case.destination.tls_port, f"to{number}", upstream_ca=case.authority.certificate,
                   rate=40_000_000, mark_at=moments) as proxy:
            engine = case.new_engine(f"kill{number}", destination_port=proxy.port)
            for index in range(len(moments)):
                started = engine.start()
                wait.until(lambda: proxy.count("mark") > index or not started.running(), "the moment", 60)
                pid = started.pid()
                if pid:
                    os.kill(pid, signal.SIGKILL)
                started.end()
            run = finish(engine)
        case.check(f"killed at {moments} bytes\n{run}", source=contents)
        empty(case, case.destination)


@pytest.mark.parametrize("side", ["source", "destination"])
def test_line_cut(case, tmp_path, rounds, side):
    """The line is reset at random bytes of either side; the engine reconnects by itself or is run again."""
    contents, size = fill(case, 22)
    rnd = random.Random(f"line/{side}/{SEED}")
    server = getattr(case, side)
    for number in range(rounds):
        cuts = sorted(rnd.randrange(300, size) for _ in range(rnd.choice([1, 2, 5])))
        with Proxy(tmp_path, server.tls_port, f"cut{number}", upstream_ca=case.authority.certificate,
                   drop_after=cuts) as proxy:
            ports = {f"{side}_port": proxy.port}
            engine = case.new_engine(f"{side}{number}", **ports)
            run = finish(engine)
            assert proxy.count("drop") or proxy.count("connect"), "the proxy was not used"
        case.check(f"cut at {cuts}\n{run}", source=contents)
        empty(case, case.destination)


@pytest.mark.parametrize("side", ["source", "destination"])
def test_server_killed(program, place, tmp_path, authority, rounds, side):
    """Every process of a server dies in the middle and the server comes up again."""
    servers = [dovecot.Dovecot(f"k{side}{n}", place / f"k{side}{n}", authority.issue(f"k{side}{n}"), fsync="optimized")
               for n in range(2)]
    prepare(*servers)
    for server in servers:
        server.start()
    try:
        case = Case(program, tmp_path, authority, *servers)
        contents, size = fill(case, 23)
        rnd = random.Random(f"server/{side}/{SEED}")
        victim = servers[side == "destination"]
        for number in range(rounds):
            moment = rnd.randrange(2000, size)
            with Proxy(tmp_path, victim.tls_port, f"srv{number}", upstream_ca=authority.certificate, rate=40_000_000,
                       mark_at=[moment]) as proxy:
                engine = case.new_engine(f"{side}{number}", **{f"{side}_port": proxy.port})
                started = engine.start()
                wait.until(lambda: proxy.count("mark") or not started.running(), "the moment", 60)
                victim.crash()
                victim.start()
                started.wait()
                run = finish(engine)
                case.check(f"killed at {moment}\n{run}\n{victim.log()[-3000:]}", source=contents)
            empty(case, case.destination)
    finally:
        for server in servers:
            server.stop()


def test_terminated(case, tmp_path):
    """SIGTERM: a clean end that says so, and the next run goes on where it was."""
    contents, size = fill(case, 24)
    with Proxy(tmp_path, case.destination.tls_port, "term", upstream_ca=case.authority.certificate,
               rate=2_000_000, mark_at=[size // 3]) as proxy:
        engine = case.new_engine("term", destination_port=proxy.port)
        started = engine.start()
        wait.until(lambda: proxy.count("mark"), "a third of the copy", 60)
        os.kill(started.pid(), signal.SIGTERM)
        run = started.wait(30)
        assert run.status == 75 and run.done.get("status") == "cancelled", run
        again = engine.run()
        assert again.status == 0 and again.done["messages_present"] > 0, again
    case.check(again, source=contents)
