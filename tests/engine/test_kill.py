"""Killed at any moment and run again: nothing missing, nothing twice.

Two kills a kind in the quick form, a hundred in the long one. The moments are random but repeatable
(DESK_SEED), and spread over the whole of a copy by bytes on the line, not by the clock.
"""

import concurrent.futures
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
    return 100 if long else 2


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


def at_once(rounds, one):
    """one(number) for each round, five at a time: most of their time is back-off."""
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(one, number) for number in range(rounds)]:
            done.result()


def test_engine_killed(case, rounds):
    """SIGKILL once so and so many bytes have gone to the destination."""
    contents, size = fill(case, 21)

    def one(number):
        rnd = random.Random(f"engine/{SEED}/{number}")
        moments = sorted(rnd.randrange(2000, size) for _ in range(rnd.choice([1, 1, 2, 3])))
        mine = case.sibling(f"kill{number}")
        with Proxy(mine.directory, case.destination.tls_port, "to", upstream_ca=case.authority.certificate,
                   rate=20_000_000, mark_at=moments) as proxy:
            engine = mine.new_engine("killed", destination_port=proxy.port)
            for index in range(len(moments)):
                started = engine.start()
                wait.until(lambda: proxy.count("mark") > index or not started.running(), "the moment", 120)
                pid = started.pid()
                if pid:
                    os.kill(pid, signal.SIGKILL)
                started.end()
            run = finish(engine)
        mine.check(f"killed at {moments} bytes\n{run}", source=contents)
    at_once(rounds, one)


@pytest.mark.long
@pytest.mark.parametrize("side", ["source", "destination"])
def test_line_cut(case, rounds, side):
    """The line is reset at random bytes of either side; the engine reconnects by itself or is run again."""
    contents, size = fill(case, 22)

    def one(number):
        rnd = random.Random(f"line/{side}/{SEED}/{number}")
        cuts = sorted(rnd.randrange(300, size) for _ in range(rnd.choice([1, 2, 5])))
        mine = case.sibling(f"cut{number}")
        with Proxy(mine.directory, getattr(case, side).tls_port, "cut", upstream_ca=case.authority.certificate,
                   drop_after=cuts) as proxy:
            run = finish(mine.new_engine("cut", **{f"{side}_port": proxy.port}))
            assert proxy.count("drop"), "nothing was cut"
        mine.check(f"cut at {cuts}\n{run}", source=contents)
    at_once(rounds, one)


@pytest.mark.long
@pytest.mark.parametrize("side", ["source", "destination"])
def test_server_killed(program, place, tmp_path, authority, rounds, side):
    """Every process of a server dies in the middle and the server comes up again."""
    rounds = rounds if rounds > 3 else 1  # each restarts a server
    servers = [dovecot.Dovecot(f"k{side}{n}", place / f"k{side}{n}", authority.issue(f"k{side}{n}"), fsync="optimized")
               for n in range(2)]
    prepare(*servers, users=2 + rounds)
    for server in servers:
        server.start()
    try:
        case = Case(program, tmp_path, authority, *servers)
        contents, size = fill(case, 23)
        rnd = random.Random(f"server/{side}/{SEED}")
        victim = servers[side == "destination"]
        for number in range(rounds):
            moment = rnd.randrange(2000, size)
            mine = case.sibling(f"round{number}")
            with Proxy(mine.directory, victim.tls_port, "to", upstream_ca=authority.certificate, rate=40_000_000,
                       mark_at=[moment]) as proxy:
                engine = mine.new_engine("killed", **{f"{side}_port": proxy.port})
                started = engine.start()
                wait.until(lambda: proxy.count("mark") or not started.running(), "the moment", 120)
                victim.crash()
                victim.start()
                started.wait()
                run = finish(engine)
            mine.check(f"killed at {moment}\n{run}\n{victim.log()[-3000:]}", source=contents)
    finally:
        for server in servers:
            server.stop()


@pytest.mark.long
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
