"""Runs mailmover as its users do: secrets from files, events in a file, nothing of our environment."""

import dataclasses
import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.parse

from stack.process import ENVIRON, SANITIZER_MARKS

# A small process of its own starts the program: a child's peak RSS counts its parent's before exec. Under the
# sanitizers, which keep freed memory, no peak means anything: there the program is our own child.
_LAUNCH = """
import os, signal, sys
pid = os.fork()
if pid == 0:
    os.setsid()
    os.execv(sys.argv[2], sys.argv[2:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as out:
    out.write(f"{usage.ru_maxrss} {usage.ru_utime + usage.ru_stime}")
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
"""


@dataclasses.dataclass
class Endpoint:
    """One side. scheme: "imaps", or "imap" for STARTTLS; plain: no TLS at all (a proxy in front)."""

    port: int
    user: str
    password: str
    scheme: str = "imaps"
    plain: bool = False
    host: str = "localhost"

    @property
    def url(self):
        return f"{self.scheme}://{urllib.parse.quote(self.user, safe='')}@{self.host}:{self.port}"


@dataclasses.dataclass
class Run:
    """What one run of mailmover left."""

    status: int
    events: list
    stderr: str
    peak_kb: int
    cpu: float

    @property
    def done(self):
        return next((e for e in reversed(self.events) if e["t"] == "done"), {})

    def of(self, kind):
        return [e for e in self.events if e["t"] == kind]

    def __str__(self):
        events = "\n".join("    " + json.dumps(e, ensure_ascii=False)[:300] for e in self.events[-12:])
        return f"exit {self.status}\n  stderr:\n{self.stderr[-3000:]}\n  last events:\n{events}"


class Engine:
    """Runs of one program on one pair: they share state, quarantine and secrets in `directory`."""

    def __init__(self, program, directory, source, destination, ca_file=None):
        self.program, self.directory = pathlib.Path(program), directory
        self.source, self.destination, self.ca_file = source, destination, ca_file
        self.state, self.quarantine = directory / "state.db", directory / "quarantine"
        self._runs = 0
        directory.mkdir(parents=True, exist_ok=True)
        for name, side in (("from", source), ("to", destination)):
            secret = directory / f"{name}.secret"
            secret.touch(0o600)
            secret.write_text(side.password)

    def argv(self, command, *arguments, events=None):
        argv = [self.program, command, "--from", self.source.url, "--to", self.destination.url,
                "--from-secret", self.directory / "from.secret", "--to-secret", self.directory / "to.secret"]
        if command == "copy":
            argv += ["--state", self.state, "--quarantine", self.quarantine]
        if self.ca_file:
            argv += ["--ca-file", self.ca_file]
        if self.source.plain or self.destination.plain:
            argv.append("--allow-plaintext")
        if events:
            argv += ["--events", events]
        return [str(a) for a in [*argv, *arguments]]

    def start(self, *arguments, command="copy"):
        """A run in the background: wait() gives the Run."""
        self._runs += 1
        return _Started(self, command, arguments, self.directory / f"run{self._runs}")

    def run(self, *arguments, command="copy", timeout=120):
        return self.start(*arguments, command=command).wait(timeout)


class _Started:
    def __init__(self, engine, command, arguments, base):
        self._base = base
        self.events_file = base.with_suffix(".events")
        argv = engine.argv(command, *arguments, events=self.events_file)
        with open(base.with_suffix(".out"), "wb") as out, open(base.with_suffix(".err"), "wb") as err:
            self._launched = not uses_sanitizers(engine.program)
            if self._launched:
                argv = ["/usr/bin/python3", "-SEc", _LAUNCH, base.with_suffix(".use"), *argv]
            self._popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=ENVIRON,
                                           start_new_session=not self._launched)

    def pid(self):
        """mailmover's own process id, once it runs (None before and after)."""
        if not self._launched:
            return self._popen.pid if self.running() else None
        try:
            children = pathlib.Path(f"/proc/{self._popen.pid}/task/{self._popen.pid}/children").read_text().split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def running(self):
        return self._popen.poll() is None

    def events(self):
        return read_events(self.events_file)

    def end(self):
        """Waits for a run that was killed; says nothing about how it ended."""
        self._popen.wait(60)

    def wait(self, timeout=120):
        try:
            status = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            pid = self.pid()
            if pid:
                os.kill(pid, signal.SIGKILL)
            self._popen.wait()
            raise AssertionError(f"mailmover still runs after {timeout} s\n{self._result(-9)}") from None
        run = self._result(status)
        for mark in SANITIZER_MARKS:
            assert mark.decode() not in run.stderr, run.stderr[-6000:]
        assert run.status not in (-signal.SIGABRT, -signal.SIGSEGV, 99), f"mailmover crashed\n{run}"
        return run

    def _result(self, status):
        use = self._base.with_suffix(".use")
        peak, cpu = use.read_text().split() if use.exists() else (0, 0)
        return Run(status if status <= 128 else 128 - status, self.events(),
                   self._base.with_suffix(".err").read_text("utf-8", "replace"), int(peak), float(cpu))


def read_events(file):
    """The whole lines of an events file."""
    if not file.exists():
        return []
    lines = file.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


@functools.cache
def uses_sanitizers(program):
    return b"__asan_init" in pathlib.Path(program).read_bytes()


def version_of(program):
    out = subprocess.run([program, "--version"], capture_output=True, text=True, env=ENVIRON, check=False).stdout
    return re.sub(r"\s+", " ", out).strip()
