"""kill -9 of the engine in the middle of a message, at random moments: nothing is lost, nothing comes twice."""

import os
import signal
import time

import pytest

from killing import Moments, assert_run_once, engines, trials
from stack import wait


@pytest.fixture(scope="module")
def killing_stack(build_dir):
    from stack.stack import Stack
    # each trial may take several attempts, and none should wait long
    with Stack(build_dir, api_settings={"MIGRATION_RUN_ATTEMPTS": 20}) as stack:
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


def test_kill_engine(killing_stack, new_job, long):
    stack, moments, hits, tried = killing_stack, Moments(), 0, 0
    duration = None
    while hits < trials(long):
        tried += 1
        assert tried <= 5 * trials(long), "the engine was never there to be killed"
        technician, job, users = new_job(stack, f"k{tried}.example", messages=150, seed=tried, biggest=4_000_000)
        run = technician.start(job["id"], "sync", pass_="initial")[0]
        victim = wait.until(lambda: engines(stack.worker.pid), "an engine to start", alive=stack.check_alive)[0]
        began = time.monotonic()
        if duration is not None:
            moments.wait(duration)
            try:
                os.kill(victim, signal.SIGKILL)
                hits += 1
            except ProcessLookupError:
                pass  # it was quicker this time
        ended = technician.wait_runs([run], alive=stack.check_alive)[0]
        if duration is None:  # the first one runs undisturbed and says how long it takes
            duration = time.monotonic() - began
        assert ended["status"] == "succeeded", (ended["code"], ended["message"], moments.seed)
        assert_run_once(stack, run["id"])
        result = stack.compare(users[0])
        assert result.equal, (moments.seed, "\n".join(result.differences))
