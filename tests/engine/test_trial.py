"""Destinations that change what they are given: noticed before the bulk is copied, recorded, and messages are recognised
all the same, by the next copy and by verify. The servers are ours, in memory; what they do to mail real ones do."""

import re

import pytest

from imapd.server import Server
from imapd.store import Mailbox, Store
from stack import mailgen
from . import mailmover

USER, PASSWORD = "ana@a.example", "secret"
DATE = " 5-May-2015 05:05:05 -0300"


def fold_anew(data):
    """Long header fields folded after another word, as libraries do that write the header again."""
    head, separator, body = data.partition(b"\r\n\r\n")
    return re.sub(rb"(?m)^(Received|Subject|To): ", rb"\1:\r\n  ", head) + separator + body


# what the destination does: (bytes -> bytes), the rung by which they are known, the fields that it was seen to add,
# and what verify --deep calls the messages
ALTER = {
    "nothing": (lambda d: d, "exact", [], "exact"),
    "adds a store's fields": (lambda d: b"X-UID: 7\r\nStatus: RO\r\n" + d, "canonical", [], "canonical"),
    "adds fields nobody knows": (lambda d: b"X-Gateway: seen\r\n by it\r\n" + d, "canonical", ["x-gateway"], "decoded"),
    "adds Received": (lambda d: b"Received: by gw; now\r\n" + d, "canonical", ["received"], "header"),
    "ends lines with LF": (lambda d: d.replace(b"\r\n", b"\n"), "canonical", [], "canonical"),
    "folds fields anew": (fold_anew, "decoded", [], "decoded"),
    "adds a footer": (lambda d: d + b"-- \r\nscanned\r\n", "header", [], "header"),
}


class Altering(Mailbox):
    alter = staticmethod(lambda data: data)

    def add(self, data, date, flags=()):
        return super().add(self.alter(data), date, self.keep(flags))

    keep = staticmethod(tuple)


class AlteringStore(Store):
    def __init__(self, alter, keep=tuple):
        self._kind = type("Kind", (Altering,), {"alter": staticmethod(alter), "keep": staticmethod(keep)})
        super().__init__()

    def create(self, name, special=None):
        box = super().create(name, special)
        box.__class__ = self._kind
        return box


def messages(count):
    """Plain and in parts, with Message-Id, headers that have a Received already."""
    made = mailgen.Generator("someone", 77)
    return [made.message(attachment=900 if n % 5 == 0 else None).data for n in range(count)]


@pytest.fixture
def play(program, tmp_path, authority):
    started = []

    def make(alter, keep=tuple, count=120):
        source, destination = Store(), AlteringStore(alter, keep)
        for n, data in enumerate(messages(count)):
            source.create(b"INBOX" if n % 3 else b"Arquivo").add(data, DATE, ("\\Seen", "$Label1") if n % 2 else ())
        servers = [Server(store, {USER: PASSWORD}) for store in (source, destination)]
        started.extend(servers)
        ends = [mailmover.Endpoint(server.port, USER, PASSWORD, "imap", True) for server in servers]
        return source, destination, mailmover.Engine(program, tmp_path / f"run{len(started)}", *ends)
    yield make
    for server in started:
        server.stop()
        assert not server.faults, server.faults


def total(store):
    return sum(len(box.messages) for box in store.mailboxes.values())


FEW = ("adds Received", "adds a footer")  # in the quick form
KINDS = [pytest.param(kind, marks=[] if kind in FEW else pytest.mark.long) for kind in ALTER]


@pytest.mark.parametrize("kind", KINDS)
def test_noticed_recorded_and_recognised(play, kind):
    alter, rung, added, _ = ALTER[kind]
    _, destination, engine = play(alter)
    run = engine.run()
    assert run.status == 0 and total(destination) == 120, run
    trial, = run.of("trial")
    assert (trial["rung"], sorted(trial["added"])) == (rung, added), trial
    assert 15 <= trial["messages"] <= 25 and trial["not_recognised"] == 0, trial
    first = [e["t"] for e in run.events]
    assert first.index("trial") > first.index("folder")
    assert ("destination.alters" in [e["code"] for e in run.of("warning")]) == (rung == "header")
    # both servers are compared afresh: what the trial learnt is in the state
    again = engine.run("--rescan")
    assert again.status == 0 and again.done["messages_copied"] == 0 and total(destination) == 120, again
    assert not again.of("trial")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("deep", [["--deep"], pytest.param([], marks=pytest.mark.long)], ids=["deep", "quick"])
def test_verify_calls_it_what_it_is(play, kind, deep):
    alter, _, _, called = ALTER[kind]
    _, _, engine = play(alter, count=60)
    assert engine.run().status == 0
    got = engine.run(*deep, command="verify")
    done = got.done
    assert (done["missing"], done["extra"], done["expected"]) == (0, 0, 60), got
    assert done["found"] + done["found_weak"] == 60, got
    if called == "header":  # what stands behind the last part of a message in parts is no part of it
        assert done["found_weak"] == (60 if kind == "adds Received" else done["header"]) > 0 and got.status == 1, got
    else:
        assert done["found"] == 60 and done["found_weak"] == 0 and got.status == 0, got
        if deep:
            assert done[called] >= 40, got  # some messages are not touched: they are exact


def test_a_destination_that_drops_keywords(play):
    _, destination, engine = play(lambda data: data, lambda flags: tuple(f for f in flags if f[0] == "\\"))
    run = engine.run()
    assert run.status == 0 and run.of("trial")[0]["rung"] == "exact", run
    got = engine.run("--deep", command="verify")
    assert got.status == 0 and (got.done["missing"], got.done["differing"]) == (0, 60), got
    assert {tuple(e["what"]) for e in got.of("differing")} == {("keywords",)}


def test_a_message_that_is_swallowed_is_noticed(play):
    """OK to the APPEND, and something else is there."""
    _, _, engine = play(lambda data: b"Subject: removed by the filter\r\n\r\nnothing to see\r\n")
    run = engine.run()
    trial, = run.of("trial")
    assert trial["rung"] == "none" and trial["not_recognised"] == trial["messages"], run
    assert "destination.alters" in [e["code"] for e in run.of("warning")]


def test_no_trial_without_bulk(play):
    _, destination, engine = play(lambda data: data, count=30)
    run = engine.run()
    assert run.status == 0 and not run.of("trial") and total(destination) == 30, run
