"""Each rule of the dialogue with an IMAP server: one script of tests/imapd/scripts a test.

Both sides are scripted servers in memory; one follows the script, the other is ordinary. The script
says what to expect; besides, always: exit 0 only when all mail is there, nothing twice (also after one
more run), the password neither in the events nor on stderr, no hang.
"""

import collections
import concurrent.futures
import pathlib
import re
import types

import pytest

from imapd import changes, script, store
from imapd.server import Server
from imapd.store import Store
from . import mailmover

SCRIPTS = sorted((pathlib.Path(__file__).parent.parent / "imapd/scripts").glob("*.txt"))
_NO_PARAMETERS = types.SimpleNamespace(params={})
USER, PASSWORD = "ana@a.example", "s3cr€t \"word\""


@pytest.fixture(scope="module")
def outcomes(request, program, place, authority, long):
    """Futures of all plays that were asked for, eight at a time: most of their time is back-off."""
    wanted = [item.callspec.params["file"] for item in request.session.items
              if item.fspath == request.fspath and "file" in getattr(item, "callspec", _NO_PARAMETERS).params]
    certificate = authority.issue("scripted")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield {file: pool.submit(_perform, file, program, place / "dialogue" / file.stem, authority, certificate, long)
               for file in wanted}
        pool.shutdown(cancel_futures=True)


@pytest.mark.every(3)
@pytest.mark.parametrize("file", SCRIPTS, ids=lambda f: f.stem)
def test_dialogue(file, outcomes):
    problem = outcomes[file].result()
    if problem:
        raise problem


def _perform(file, program, directory, authority, certificate, long):
    """None, or what went wrong."""
    rules = script.parse(file.read_text("utf-8"), file.name)
    if rules.slow and not long:
        return pytest.skip.Exception("takes minutes: CHECK_LONG=1 or --long")
    play = _Play(rules, program, directory, authority, certificate)
    try:
        play.perform()
    except Exception as error:  # noqa: shown by the test that asked for this play
        return error
    finally:
        play.stop()
    return None


class _Play:
    def __init__(self, rules, program, directory, authority, certificate):
        self.rules = rules
        self.stores = {"source": Store(), "destination": Store()}
        _fill(self.stores["source"], rules)
        self.before = self.stores["source"].contents()
        certificate = certificate if rules.tls != "none" else None
        self.servers = {side: Server(account, {USER: PASSWORD}, rules if side == rules.server else None,
                                     certificate if side == rules.server else None)
                        for side, account in self.stores.items()}
        ends = [mailmover.Endpoint(self.servers[side].port, USER, PASSWORD, *self._scheme(side))
                for side in ("source", "destination")]
        if rules.tls != "none":  # --allow-plaintext would allow too much: the ordinary side gets TLS as well
            other = "destination" if rules.server == "source" else "source"
            self.servers[other].stop()
            secure = script.Script(tls="implicit")
            self.servers[other] = Server(self.stores[other], {USER: PASSWORD}, secure, certificate)
            ends[other == "destination"] = mailmover.Endpoint(self.servers[other].port, USER, PASSWORD)
        self.scripted = self.servers[rules.server]
        self.engine = mailmover.Engine(program, directory / "run", *ends, ca_file=authority.certificate)
        self.sanitizers = mailmover.uses_sanitizers(program)

    def _scheme(self, side):
        if side != self.rules.server or self.rules.tls == "none":
            return "imap", True
        return ("imaps", False) if self.rules.tls == "implicit" else ("imap", False)

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def perform(self):
        run = self._run()
        first = len(self.scripted.commands)
        if self.rules.between is not None:
            assert run.status == 0, run
            for word, rest in self.rules.between:
                changes.apply(self.stores["source"], word, rest)
            run = self._run()
        for _ in range(self.rules.runs - 1):
            if run.status == 0:
                break
            run = self._run()
        self.later = self.scripted.commands[first:]
        for expectation in self.rules.expect:
            word, _, rest = expectation.partition(" ")
            getattr(self, "_expect_" + word.replace("-", "_"))(rest, run)
        self._once(run)
        if run.status == 0 and not self._holds():
            missing = self._missing(self.before)
            assert not missing, f"exit 0, but not all is there: {_show(missing)}\n{run}"
        again = self._run()
        self._once(again)
        assert not self.scripted.faults, self.scripted.faults

    def _run(self):
        run = self.engine.run(*self.rules.args, timeout=900 if self.rules.slow else 90 if self.sanitizers else 40)
        for text in (run.stderr, str(run.events)):
            assert PASSWORD not in text, "the password is shown"
        return run

    def _holds(self):
        """The destination is to hold something else than the source's store says."""
        return any(e.startswith(("holds", "somewhere", "bytes")) for e in self.rules.expect)

    def _missing(self, wanted):
        """What of `wanted` that the source still holds is not at the destination."""
        there, now = self.stores["destination"].contents(), self.stores["source"].contents()
        nothing = collections.Counter()
        missing = {name: (mails & now.get(name, nothing)) - there.get(name, nothing) for name, mails in wanted.items()}
        return {name: mails for name, mails in missing.items() if mails}

    def _once(self, run):
        """Nothing is at the destination more often than it ever was at the source."""
        if self._holds():
            for name, mails in self.stores["destination"].contents().items():
                assert not [m for m, n in mails.items() if n > 1], f"twice in {name!r}\n{run}"
            return
        now = self.stores["source"].contents()
        for name, mails in self.stores["destination"].contents().items():
            extra = mails - (self.before.get(name, collections.Counter()) | now.get(name, collections.Counter()))
            assert not extra, f"too much in {name!r}: {_show({name: extra})}\n{run}"

    def _expect_exit(self, rest, run):
        assert run.status in [int(n) for n in rest.split()], f"exit {run.status}, not {rest}\n{run}"

    def _expect_code(self, rest, run):
        assert run.done.get("code") == rest, run

    def _expect_same(self, _, run):
        source, destination = self.stores["source"].contents(), self.stores["destination"].contents()
        assert set(destination) == set(source) | {b"INBOX"}, f"folders differ: {sorted(destination)}\n{run}"
        assert not self._missing(source), f"missing: {_show(self._missing(source))}\n{run}"

    def _expect_folder(self, rest, run):
        held = self.stores["destination"].contents()
        assert script.decode(rest) in held, f"the destination has {sorted(held)}\n{run}"

    def _expect_missing(self, rest, run):
        missing = self._missing(self.stores["source"].contents())
        assert sum(m.total() for m in missing.values()) == int(rest), f"missing: {_show(missing)}\n{run}"

    def _expect_somewhere(self, _, run):
        held = [sum(account.contents().values(), collections.Counter()) for account in self.stores.values()]
        assert held[0] == held[1], f"missing: {_show({b'*': held[0] - held[1]})}\n{run}"

    def _expect_bytes(self, _, run):
        held = [collections.Counter(key[0] for mails in account.contents().values() for key in mails.elements())
                for account in self.stores.values()]
        assert held[0] == held[1], f"not the same messages\n{run}"

    def _expect_date(self, rest, run):
        held = [key[1] for mails in self.stores["destination"].contents().values() for key in mails]
        assert store.instant(rest) in held, f"dates: {held}\n{run}"

    def _expect_event(self, rest, run):
        kind, *facts = rest.split()
        wanted = dict(f.split("=", 1) for f in facts)
        every = [e for file in sorted(self.engine.directory.glob("*.events")) for e in mailmover.read_events(file)]
        assert [e for e in every if e["t"] == kind and all(str(e.get(k)) == v for k, v in wanted.items())], \
            f"no event {rest}\n{run}"

    def _expect_never(self, rest, run):
        found = re.search(rest.encode(), bytes(self.scripted.received), re.I)
        assert not found, f"the server was sent {found[0]!r}\n{run}"

    def _expect_second_run_never(self, rest, run):
        found = [text for _, text in self.later if re.match(rest.encode(), text, re.I)]
        assert not found, f"the second run sent {found}\n{run}"

    def _expect_sent(self, rest, run):
        assert re.search(rest.encode(), bytes(self.scripted.received), re.I), f"never sent: {rest}\n{run}"

    def _expect_secret_unseen(self, _, run):
        import base64
        received = bytes(self.scripted.received)
        secret = PASSWORD.encode()
        quoted = secret.replace(b'"', b'\\"')
        coded = base64.b64encode(b"\0" + USER.encode() + b"\0" + secret)
        for form in (secret, quoted, coded, coded[:-4]):
            assert form not in received, f"the password was sent in the clear\n{run}"

    def _expect_memory(self, rest, run):
        if not self.sanitizers:
            assert run.peak_kb < int(rest) * 1024, f"{run.peak_kb} KB\n{run}"

    def _expect_holds(self, rest, run):
        if run.status != 0:
            return
        data = script.decode(rest)
        held = [key[0] for mails in self.stores["destination"].contents().values() for key in mails]
        assert data in held, f"the destination holds {held}\n{run}"


def _fill(account, rules):
    serial = 0
    for name, count, size in rules.mail:
        box = account.create(script.decode(name))
        box.subscribed = True
        for number in range(1, count + 1):
            serial += 1
            head = (f"From: <bob@b.example>\r\nSubject: mail {number} of {name}\r\nMessage-ID: <{serial}@b.example>\r\n"
                    f"\r\n").encode()
            line = b"%08d the quick brown fox jumps over the lazy dog\r\n" % serial
            body = (line * (size // len(line) + 1))[:max(0, size - len(head) - 2)] + b"\r\n"
            box.add(head + body, f"{number % 28 + 1:2d}-Mar-2019 10:{number % 60:02d}:00 +0100",
                    ["\\Seen"] if number % 2 else ["\\Flagged", "$Label1"])
    for name, role in rules.folders:
        box = account.create(name, role if role and role != "Noselect" else None)
        box.selectable = role != "Noselect"


def _show(mails):
    return {name.decode("utf-8", "replace"): [(re.search(rb"(?im)^subject:[^\r]*", key[0]) or [b"?"])[0].decode()
                                              + f" x{count}" for key, count in counter.items()]
            for name, counter in mails.items()}
