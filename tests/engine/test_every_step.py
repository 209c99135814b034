"""Each command that a copy sends is answered wrongly, once or always, or the line ends there: both servers in turn.

The steps are not written down here: an ordinary copy is listened to first. Whatever happens at one of them, a run
that ends with 0 has brought all mail, and runs that meet no more trouble bring what is left, once, and touch nothing
that is the destination's own. What a server may say at one moment in particular is in tests/imapd/scripts.
"""

import collections
import concurrent.futures
import re

import pytest

from imapd import changes, script
from imapd.server import Server
from imapd.store import Store, normal_flags
from . import mailmover

USER, PASSWORD = "ana@a.example", "secret"
DATE = " 5-May-2015 05:05:05 -0300"
OWN = b"Subject: the destination's own\r\n\r\nstays\r\n"
TWIN = b"From: <bob@b.example>\r\nSubject: twin\r\n\r\nthe same\r\n"
SIDES = ("source", "destination")
READING = "CAPABILITY ID NAMESPACE ENABLE LIST LSUB STATUS FETCH SEARCH NOOP".split()

# name -> (what the server does instead of its answer, at each such command, at which sides, at which commands)
FAULTS = {
    "no": ("no not now", False, SIDES, None),
    "bad": ("bad what is that", False, SIDES, None),
    "no-always": ("no never", True, SIDES, None),
    "bad-always": ("bad not here", True, SIDES, None),
    "unavailable": ("no [UNAVAILABLE] come again", False, SIDES, None),
    "in-use": ("no [INUSE] somebody is there", False, SIDES, None),
    "fault": ("no [SERVERBUG] internal error", False, SIDES, None),
    "line-cut-before": ("drop", False, SIDES, None),
    "answer-lost": ("swallow; drop", False, SIDES, None),
    "cut-between-responses": ("default 1; drop", False, SIDES, None),
    "cut-in-a-response": ("part 7; drop", False, SIDES, None),
    "bye": ("bye shutting down", False, SIDES, None),
    "bye-behind-the-answer": ("default; bye shutting down", False, SIDES, None),
    "chatter": (r"send * OK [ALERT] soon; send * FLAGS (\\Seen); send * 0 RECENT; send * X-NEW 1 (2 {3}\r\nabc); default",
                True, SIDES, None),
    "nothing-but-ok": ("ok done", False, SIDES, READING),
    "mail-goes": ("expunge INBOX 2; default", False, ("source",), None),
    "mail-comes": ("add INBOX 1; default", False, SIDES, None),
    "folder-goes": ("remove Arquivo/2020; default", False, SIDES, None),
    "folder-made-anew": ("renew INBOX; default", False, SIDES, None),
}
FOLLOW = ("--flags-sync", "--delete-extra", "--i-understand-deletion", "--delete-max", "50%")


class _Step:
    """A rule of a script: fires at the first command like this one, or at each of them."""

    moment = "command"

    def __init__(self, key, fault):
        actions, self.each, _, _ = FAULTS[fault]
        self.changing = fault in ("mail-comes", "folder-goes")
        self.key, self.fired, self.live = key, 0, True
        self.actions = [(word, rest) for word, _, rest in (a.strip().partition(" ") for a in actions.split(";"))]

    def fires(self, text):
        if not self.live or _key(text) != self.key or self.fired and not self.each:
            return False
        self.fired += 1
        return True


def _key(text):
    """A command without its numbers and mail."""
    head = text.split(b"\r\n", 1)[0] if text[:6].upper() == b"APPEND" else text
    head = re.sub(rb"(AUTHENTICATE|LOGIN) .*", rb"\1", head)
    return re.sub(rb"\d+", b"n", head)[:120]


class _Play:
    """An account on two servers in memory, and runs of mailmover on it."""

    def __init__(self, program, directory, story, side=None, rule=None):
        self.stores = {name: Store() for name in SIDES}
        source, destination = (self.stores[name] for name in SIDES)
        for number in range(1, 5):
            source.get(b"INBOX").add(_mail(number), DATE, ("\\Seen", "$Label1") if number % 2 else ())
        for _ in range(3):
            source.get(b"INBOX").add(TWIN, DATE)
        for number in range(20, 24):
            source.create(b"Arquivo/2020").add(_mail(number), DATE, ("\\Flagged",))
        source.create(b"Vazia").subscribed = True
        for data in (OWN, _mail(3), TWIN):  # a user had begun by hand
            destination.get(b"INBOX").add(data, DATE, ("\\Seen", "$Label1") if data == _mail(3) else ())
        self.ever = {name: _mails(box) for name, box in source.mailboxes.items()}
        self.rules = {name: script.Script() for name in SIDES}
        self.servers = {name: Server(self.stores[name], {USER: PASSWORD}, self.rules[name]) for name in SIDES}
        ends = [mailmover.Endpoint(self.servers[name].port, USER, PASSWORD, "imap", True) for name in SIDES]
        self.engine = mailmover.Engine(program, directory, *ends)
        self.story, self.side, self.step = story, side, rule
        self.bare = False  # a warning has said that a message went without its keywords

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def begin(self):
        """Up to the run that is looked at. `follow`: a copy went before, and both sides went on."""
        if self.story == "follow":
            run = self.copy()
            assert run.status == 0, run
            source = self.stores["source"]
            for line in ("flag INBOX 1 \\Answered", "flag Arquivo/2020 2 $Forwarded", "expunge INBOX 4", "add INBOX 1"):
                word, _, rest = line.partition(" ")
                changes.apply(source, word, rest)
        for server in self.servers.values():
            server.commands.clear()
        if self.step:
            self.rules[self.side].rules.append(self.step)

    def copy(self, *more):
        arguments = FOLLOW if self.story == "follow" and self.engine.state.exists() else ()
        run = self.engine.run("--max-connections", "1", "--patience", "2", *arguments, *more, timeout=120)
        self.bare |= any("went without" in e["message"] for e in run.of("warning"))
        return run

    def keys(self):
        return {name: list(dict.fromkeys(_key(text) for _, text in server.commands))
                for name, server in self.servers.items()}

    def judge(self, run, changing=False):
        """Nothing twice, nothing of the destination's own gone; with exit 0 nothing missing (changing: unless it may
        have come to the source, or have been taken from the destination, behind the run's back)."""
        there, here = self.stores["destination"].mailboxes, self.stores["source"].mailboxes
        assert OWN in _mails(there[b"INBOX"]), f"the destination's own mail is gone\n{run}"
        for name, box in here.items():
            self.ever[name] = self.ever.get(name, collections.Counter()) | _mails(box)
        for name, box in there.items():
            extra = _mails(box) - self.ever.get(name, collections.Counter()) - self._own(name)
            assert not extra, f"too much in {name}: {_show(extra)}\n{run}"
        if run.status == 0 and not changing:
            for name, box in here.items():
                missing = _mails(box) - (_mails(there[name]) if name in there else collections.Counter())
                assert not missing, f"exit 0, missing in {name}: {_show(missing)}\n{run}"

    def _own(self, name):
        late = {m.data: 1 for m in self.stores["destination"].mailboxes[name].messages if b"arrived" in m.data}
        return collections.Counter({OWN: 1} if name == b"INBOX" else {}) + collections.Counter(late)

    def perform(self):
        self.begin()
        run = self.copy()
        self.judge(run, changing=self.step.changing)
        self.step.live = False
        for _ in range(3):
            last = self.copy()
            self.judge(last)
            if last.status == 0:
                break
        else:
            raise AssertionError(f"does not come to its end\n{last}\nafter\n{run}")
        again = self.copy("--rescan")
        self.judge(again)
        assert again.status == 0 and again.done["messages_copied"] == 0, f"a comparison of both sides brings more\n{again}"
        self.flags(again)
        for name, server in self.servers.items():
            assert not server.faults, f"{name}: {server.faults}"
        assert self.step.fired, "the step was never reached"

    def flags(self, run):
        """What the source holds has its flags at the destination."""
        def of(message):
            return message.data, frozenset(f for f in normal_flags(message.flags) if f[0] == "\\" or not self.bare)
        for name, box in self.stores["source"].mailboxes.items():
            there = collections.Counter(map(of, self.stores["destination"].get(name).messages))
            lacks = collections.Counter(map(of, box.messages)) - there
            assert not lacks, f"other flags in {name}: {_show(lacks)}\n{run}"


def _mail(number):
    return (f"From: <bob@b.example>\r\nSubject: mail {number}\r\nMessage-ID: <{number}@b.example>\r\n\r\n"
            f"{'body ' * number}\r\n").encode()


def _mails(box):
    return collections.Counter(m.data for m in box.messages)


def _show(mails):
    """Subjects, flags, and how many."""
    shown = []
    for key, count in mails.items():
        data, flags = key if isinstance(key, tuple) else (key, ())
        subject = re.search(rb"Subject: ([^\r]*)", data)[1].decode()
        shown.append(f"{subject} {sorted(flags)} x{count}")
    return shown


def _listen(program, directory, story):
    play = _Play(program, directory, story)
    try:
        play.begin()
        run = play.copy()
        play.judge(run)
        assert run.status == 0, run
        return play.keys()
    finally:
        play.stop()


def _problem(program, directory, story, side, key, fault):
    play = _Play(program, directory, story, side, _Step(key, fault))
    try:
        play.perform()
    except AssertionError as error:
        return f"{story}, {side}, {fault} at {key.decode('latin-1')}: {error}"
    finally:
        play.stop()
    return None


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("story", ["copy", "follow"])
def test_every_step(program, tmp_path, story, fault):
    steps = _listen(program, tmp_path / "listen", story)
    assert len(steps["source"]) > 5 < len(steps["destination"]), steps
    _, _, sides, only = FAULTS[fault]
    asked = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for side in sides:
            for number, key in enumerate(steps[side]):
                if only is None or any(word in key.decode("latin-1") for word in only):
                    asked.append(pool.submit(_problem, program, tmp_path / f"{side}{number}", story, side, key, fault))
    problems = [one.result() for one in asked if one.result()]
    assert not problems, f"{len(problems)} of {len(asked)}:\n" + "\n\n".join(problems)
