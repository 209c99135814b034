"""For tests that kill things: random moments, and what the database says of a run afterwards."""

import contextlib
import random
import sqlite3
import threading
import time

from stack import wait
from stack.process import children_of, program_of
from stack.proxy import Proxy

ENDED = ("succeeded", "partial", "failed", "cancelled")
TRIALS_QUICK, TRIALS_LONG = 1, 20


def trials(long):
    return TRIALS_LONG if long else TRIALS_QUICK


class Moments:
    """Random moments within the duration of something, reproducible by the seed that is printed."""

    def __init__(self, seed=None):
        self.seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
        self.random = random.Random(self.seed)
        print(f"moments: seed {self.seed}")

    def wait(self, longest):
        """Waits up to `longest` seconds: the moment itself is what is random, nothing is synchronised by it."""
        time.sleep(self.random.uniform(0, longest))


def engines(worker_pid):
    """Process ids of the engines that work for a worker."""
    return [pid for pid in children_of(worker_pid, deep=True) if program_of(pid) == "mailmover"]


class slow_line(Proxy):
    """A slow line to the destination on which `count` moments come, each at a random number of bytes: whoever waits for
    one finds the engines in the middle of their mail, however fast the machine is."""

    RATE = 3_000_000  # bytes a second and connection
    EARLIEST, LATEST = 20_000, 1_500_000  # bytes over all connections; less than any job of these tests has

    def __init__(self, directory, stack, moments, count):
        marks = sorted(moments.random.sample(range(self.EARLIEST, self.LATEST), count))
        super().__init__(directory, stack.destination.starttls_port, "slow", rate=self.RATE, mark_at=marks)
        self._stack, self._met, self._count = stack, 0, count

    def next_moment(self, technician, job):
        """Waits for the next moment; false when there is none left, or the job's runs have ended before it."""
        if self._met == self._count:
            return False
        self._met += 1
        wait.until(lambda: self.count("mark") >= self._met or all(r["status"] in ENDED for r in technician.runs(job["id"])),
                   "the moment", 120, alive=self._stack.check_alive, longest=0.02)
        return self.count("mark") >= self._met


def rows(stack, statement, *values):
    """Reads the database as an observer."""
    with contextlib.closing(sqlite3.connect(f"file:{stack.paths.database}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement, values).fetchall()


def assert_run_once(stack, run_id):
    """The run ended once: one pass, one end in the audit trail, not more attempts than allowed."""
    assert rows(stack, "SELECT count(*) FROM passes WHERE run_id = ?", run_id) == [(1,)]
    status, attempt = rows(stack, "SELECT status, attempt FROM runs WHERE id = ?", run_id)[0]
    assert status == "succeeded" and 1 <= attempt <= 20


class Background:
    """A function in a thread; result() gives what it returned or raises what it raised."""

    def __init__(self, function, *arguments):
        self._function, self._arguments = function, arguments
        self._value = self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            self._value = self._function(*self._arguments)
        except BaseException as error:  # pylint: disable=broad-except
            self._error = error

    def result(self, seconds=300):
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the thread did not end in time"
        if self._error is not None:
            raise self._error
        return self._value
