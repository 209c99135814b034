"""kill -9 of the engine in the middle of a message, at random moments: nothing is lost, nothing comes twice."""

import os
import signal
import time

from killing import Moments, assert_run_once, engines, trials, wait_engine


PEOPLE = ("a", "b", "c", "d")  # as many at a time as the worker has slots; in the quick form half of them


def test_kill_engine(new_stack, new_job, long):
    """Whole jobs at a time; each engine that is killed is another mailbox's, at another moment."""
    people = PEOPLE if long else PEOPLE[:2]
    stack, moments, hits, round_ = new_stack(), Moments(), 0, 0
    duration = None
    while hits < trials(long):
        round_ += 1
        assert round_ <= 5 * trials(long), "the engines were never there to be killed"
        technician, job, users = new_job(stack, f"k{round_}.example", people, messages=150 if long else 60, seed=round_,
                                        biggest=4_000_000 if long else 2_000_000)
        runs = technician.start(job["id"], "sync", pass_="initial")
        wait_engine(stack, technician, job)
        began = time.monotonic()
        if duration is not None:
            hits += kill_engines(stack, moments, duration, len(people))
        ended = technician.wait_runs(runs, alive=stack.check_alive)
        if duration is None:  # the first job runs undisturbed and says how long its engines take
            duration = time.monotonic() - began
        for run in ended:
            assert run["status"] == "succeeded", (run["code"], run["message"], moments.seed)
            assert_run_once(stack, run["id"])
        for user in users:
            result = stack.compare(user)
            assert result.equal, (moments.seed, "\n".join(result.differences))


def kill_engines(stack, moments, duration, count):
    """Kills up to `count` different engines at moments within `duration`; returns how many it met."""
    killed = set()
    for _ in range(count):
        moments.wait(duration / count)
        alive = [pid for pid in engines(stack.worker.pid) if pid not in killed]
        if not alive:
            continue
        victim = moments.random.choice(alive)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it was quicker this time
        killed.add(victim)
    return len(killed)
