"""kill -9 of the engine in the middle of a message, at random moments: nothing is lost, nothing comes twice."""

import os
import signal

from killing import Moments, assert_run_once, engines, slow_line, trials

PEOPLE = ("a", "b", "c", "d")  # as many at a time as the worker has slots; in the quick form half of them


def test_kill_engine(new_stack, new_job, tmp_path, long):
    """Whole jobs at a time; each engine that is killed is another mailbox's, at another moment."""
    people, messages, biggest = (PEOPLE, 150, 4_000_000) if long else (PEOPLE[:2], 40, 1_000_000)
    stack, moments, hits, round_ = new_stack(), Moments(), 0, 0
    while hits < trials(long):
        round_ += 1
        assert round_ <= 5 * trials(long), "the engines were never there to be killed"
        with slow_line(tmp_path, stack, moments, len(people)) as line:
            technician, job, users = new_job(stack, f"k{round_}.example", people, messages=messages, seed=round_, biggest=biggest,
                                             destination_port=line.port)
            runs = technician.start(job["id"], "sync", pass_="initial")
            killed = set()
            while line.next_moment(technician, job):
                alive = [pid for pid in engines(stack.worker.pid) if pid not in killed]
                if alive:
                    killed.add(kill(moments.random.choice(alive)))
            hits += len(killed - {None})
            ended = technician.wait_runs(runs, alive=stack.check_alive)
        for run in ended:
            assert run["status"] == "succeeded", (run["code"], run["message"], moments.seed)
            assert_run_once(stack, run["id"])
        for user in users:
            result = stack.compare(user)
            assert result.equal, (moments.seed, "\n".join(result.differences))


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None  # it was quicker this time
    return pid
