"""kill -9 of the worker in the middle of syncs of real mail, at random moments: every run ends, nothing is missing,
nothing comes twice."""

import pytest

from killing import Moments, assert_run_once, engines, rows, slow_line, trials
from stack import wait
from stack.stack import Stack


@pytest.fixture(scope="module")
def killing_stack(build_dir):
    with Stack(build_dir, api_settings={"MIGRATION_RUN_ATTEMPTS": 20}) as stack:
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


def test_kill_worker(killing_stack, new_job, tmp_path, long):
    messages, biggest = (200, 3_000_000) if long else (40, 1_000_000)
    stack, moments, kills = killing_stack, Moments(), 0
    number = 0
    while kills < trials(long):
        number += 1
        # several times in one sync: what is taken up again may be hit again
        with slow_line(tmp_path, stack, moments, 3) as line:
            technician, job, users = new_job(stack, f"w{number}.example", people=("a", "b"), messages=messages, seed=number,
                                             biggest=biggest, destination_port=line.port)
            runs = technician.start(job["id"], "sync", pass_="initial")
            while line.next_moment(technician, job):
                orphans = engines(stack.worker.pid)
                stack.worker.kill()
                kills += 1
                wait.until(lambda o=orphans: not any(alive(pid) for pid in o), "the engines to die with their worker", 30)
                stack.worker.start()
            ended = technician.wait_runs(runs, alive=stack.check_alive)
        for run in ended:
            assert run["status"] == "succeeded", (run["code"], run["message"], moments.seed)
            assert_run_once(stack, run["id"])
        for user in users:
            result = stack.compare(user)
            assert result.equal, (moments.seed, "\n".join(result.differences))
        assert number <= 5 * trials(long), "the worker was never there to be killed"
    assert rows(stack, "SELECT count(*) FROM runs WHERE status NOT IN ('succeeded')") == [(0,)]


def alive(pid):
    """False for one that is gone or only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False
