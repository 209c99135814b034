"""Memory does not grow with the mailbox or with a message (release build: sanitizers need memory themselves)."""

import hashlib

import pytest

from imapd.server import Server
from imapd.store import Store
from stack import dovecot
from . import mailmover, oddities
from .case import Case, prepare

pytestmark = pytest.mark.release
LIMIT_MB = 24
USER, PASSWORD = "ana@a.example", "secret"
DATE = " 5-May-2015 05:05:05 -0300"


@pytest.fixture(scope="module")
def quick_pair(place, authority):
    """Two sdbox servers: a maildir of 100,000 files would test the disk."""
    pair = [dovecot.Dovecot(name, place / name, authority.issue(name)) for name in ("m-from", "m-to")]
    prepare(*pair)
    for server in pair:
        server.start()
    yield pair
    for server in pair:
        server.stop()


@pytest.fixture
def case(program, tmp_path, authority, quick_pair):
    return Case(program, tmp_path, authority, *quick_pair)


def peak(run):
    return run.peak_kb / 1024


def within(run):
    assert run.status == 0, run
    assert peak(run) <= LIMIT_MB, f"{peak(run):.1f} MB at its peak\n{run}"


def test_large_message(case, long):
    """One message of 20 MB (300 MB in the long form), between ordinary ones."""
    line = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"
    big = oddities.message("grande", line * ((300 if long else 20) * 1024 * 1024 // len(line)))
    small = [(oddities.message(f"pequena {n}"), DATE, ()) for n in range(50)]
    case.fill([("INBOX", True, small[:25] + [(big, DATE, ())] + small[25:])])
    run = case.engine.run(timeout=600)
    within(run)
    verify = case.engine.run("--deep", command="verify", timeout=600)
    assert verify.status == 0 and peak(verify) <= LIMIT_MB, f"{peak(verify):.1f} MB\n{verify}"
    if not long:
        case.check(run)


def test_many_messages(case, long):
    """3,000 tiny messages in one folder (100,000 in the long form): with, and without state."""
    count, step = (100_000, 5_000) if long else (3_000, 3_000)
    for first in range(0, count, step):
        case.fill([("INBOX", True, [(oddities.message(f"mail {n}", message_id=f"{n}@b.example"), DATE, ())
                                    for n in range(first, first + step)])])
    within(case.engine.run(timeout=900))
    again = case.engine.run(timeout=900)
    within(again)
    assert again.done["messages_copied"] == 0, again
    case.engine.state.unlink()
    third = case.engine.run(timeout=900)
    within(third)
    assert third.done["messages_copied"] == 0, third


@pytest.mark.long
def test_a_million_messages(program, tmp_path):
    """1,000,000 messages of which the destination has all but a hundred: what a later pass meets. The
    servers are in memory, because no loader here fills a real one in reasonable time."""
    source, destination = Store(), Store()
    for number in range(1_000_000):
        data = b"Subject: %d\r\nMessage-ID: <%d@b.example>\r\n\r\nx\r\n" % (number, number)
        source.get(b"INBOX").add(data, DATE)
        if number % 10_000:
            destination.get(b"INBOX").add(data, DATE)
    servers = [Server(store, {USER: PASSWORD}) for store in (source, destination)]
    try:
        ends = [mailmover.Endpoint(server.port, USER, PASSWORD, "imap", plain=True) for server in servers]
        run = mailmover.Engine(program, tmp_path / "run", *ends).run(timeout=3000)
        within(run)
        assert run.done["messages_copied"] == 100, run
    finally:
        for server in servers:
            server.stop()
    digests = [sorted(hashlib.sha1(m.data).digest() for m in store.get(b"INBOX").messages) for store in (source, destination)]
    assert digests[0] == digests[1]
