"""One supervised program: its log file, who it runs as, and how it ends."""

import ctypes
import os
import signal
import subprocess
import time

from . import wait

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)

# every path that a program of ours may need; nothing of the caller's environment gets through
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRON = {
    "PATH": _PATH,
    "LC_ALL": "C.UTF-8",
    # looking for leaks takes as long as many a program runs: the quick form leaves it to the unit tests
    "ASAN_OPTIONS": f"abort_on_error=0:exitcode=99:detect_leaks={1 if os.environ.get('CHECK_LONG') else 0}:handle_abort=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
}
SANITIZER_MARKS = (b"ERROR: AddressSanitizer", b"ERROR: LeakSanitizer", b"runtime error:",
                   b"SUMMARY: UndefinedBehaviorSanitizer")


class StartError(Exception):
    """A program did not start; says which log to read and shows its end."""


def adopt_orphans():
    """Grandchildren whose parent dies become ours, so that none can hide when the stack ends."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Process:
    """A program started by start() and ended by stop(). It dies with us even if we are killed: start it
    from the main thread (the kernel ties that promise to the thread)."""

    def __init__(self, name, argv, log, identity=None, cwd="/", umask=0o077):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.log = log
        self.identity = identity
        self.cwd = cwd
        self._umask = umask
        self._popen = None
        self._sessions = []

    @property
    def pid(self):
        return self._popen.pid if self._popen else None

    def start(self, stdin=subprocess.DEVNULL, pass_fds=(), argv=None):
        """Starts the program. stdin: a file or descriptor (e.g. a listening socket)."""
        arguments = self.identity.popen_arguments() if self.identity else {}
        with open(self.log, "ab") as output:
            self._popen = subprocess.Popen(
                [str(a) for a in (argv or self.argv)], stdin=stdin, stdout=output, stderr=output, cwd=self.cwd,
                env=ENVIRON, umask=self._umask, pass_fds=pass_fds, start_new_session=True, preexec_fn=_die_with_parent, **arguments)
        self._sessions.append(self._popen.pid)
        return self

    def alive(self):
        return self._popen is not None and self._popen.poll() is None

    def check_alive(self):
        if not self.alive():
            code = self._popen.returncode if self._popen else None
            raise StartError(f"{self.name} ended with status {code}; see {self.log}\n{self.log_tail()}")

    def wait_ready(self, condition, seconds=60.0):
        """Waits until condition() is true; the program must not die meanwhile."""
        try:
            wait.until(condition, f"{self.name} to be ready", seconds, alive=self.check_alive)
        except wait.Timeout as error:
            raise StartError(f"{error}; see {self.log}\n{self.log_tail()}") from None
        return self

    def wait_exit(self, seconds=60.0):
        """Its exit status (negative: the signal)."""
        return self._popen.wait(timeout=seconds)

    def signal(self, number):
        self._popen.send_signal(number)

    def kill(self):
        """As a crash would: SIGKILL to the program alone, then wait for it."""
        self._popen.kill()
        return self._popen.wait()

    def crash(self):
        """SIGKILL to the program and to all that it has started."""
        self._popen.kill()
        self._popen.wait()
        for pid in session_members(self._sessions):
            _kill(pid)

    def stop(self, seconds=20.0):
        """SIGTERM, then SIGKILL to what is left of its sessions. Returns the exit status."""
        status = None
        if self._popen is not None:
            if self.alive():
                self._popen.terminate()
            try:
                status = self._popen.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                status = self._popen.wait()
        for pid in session_members(self._sessions):
            _kill(pid)
        return status

    def log_tail(self, lines=15):
        try:
            with open(self.log, "rb") as file:
                text = file.read()[-20000:].decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join("    " + line for line in text.splitlines()[-lines:])


def sanitizer_report(log):
    """What AddressSanitizer or UBSan wrote into a file, or None."""
    try:
        with open(log, "rb") as file:
            text = file.read()
    except OSError:
        return None
    at = min((text.find(mark) for mark in SANITIZER_MARKS if mark in text), default=-1)
    return None if at < 0 else text[max(0, at - 200):at + 4000].decode("utf-8", "replace")


def session_members(sessions):
    """Processes that belong to one of these sessions."""
    return [pid for pid, fields in _living() if int(fields[3]) in sessions]


def children_of(pid, deep=False):
    """Living children of a process; deep: and theirs. Reads all of /proc: the kernel's own list (task/TID/children)
    leaves some out while others of them die."""
    parents = {}
    for child, fields in _living():
        parents.setdefault(int(fields[1]), []).append(child)
    found = list(parents.get(pid, ()))
    if deep:
        for child in found:
            found += parents.get(child, ())
    return found


def program_of(pid):
    """The base name of the program that a process runs ('' when it is gone)."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def _living():
    """(pid, fields of its stat) of every process that is no zombie."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(int(entry))
            if fields and fields[0] != "Z":
                yield int(entry), fields


def _stat(pid):
    """Fields of /proc/PID/stat from the state on: state, ppid, pgrp, session, …"""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return None


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        fields = _stat(pid)
        if not fields or fields[0] == "Z":
            return
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        time.sleep(0.01)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
