"""Every run happens once as seen from the database: the worker's power is cut at each point where it could matter,
run files come twice, two workers share a spool, a worker comes back after its lease."""

import os
import signal
import time

import pytest

from faking import Fake, has_fault_points
from killing import rows
from stack import wait

# where the power is cut, and how often the tool may have been started when all is over
POINTS = {
    "spool.mkdir": 1,
    "spool.nonce": 1,
    "spool.renamed": 1,
    "claim.sent": 1,
    "claim.answered": 1,
    "child.started": 2,
    "report.outbox": 1,
    "report.sent": 1,
    "report.answered": 1,
    "done.written": 1,
}


@pytest.fixture(scope="module")
def fake(build_dir):
    with Fake(build_dir) as stack:
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


@pytest.fixture(autouse=True)
def no_worker_left(fake):
    """A test that fails must not leave a worker that takes the next one's runs."""
    yield
    fake.stop_workers()


@pytest.mark.parametrize("point", POINTS)
def test_power_cut(fake, build_dir, point):
    if not has_fault_points(build_dir):
        pytest.skip("this build has no fault points (--enable-fault-points)")
    worker = fake.fake_worker(f"cut-{point}")
    client, job, _ = fake.job(f"{point}.cut.example", "steady")
    worker.start("-F", point)
    run = fake.sync(client, job)[0]
    assert worker.process.wait_exit() == -signal.SIGKILL
    assert f"fault point {point} reached" in fake.log(worker)
    worker.start()
    assert fake.ended(run) == ("succeeded", 1)
    fake.assert_once(run)
    assert fake.starts(worker, run) <= POINTS[point]
    wait.until(lambda: f"{run['id']}.json" in fake.names("done"), "the run file in done/", 30)


@pytest.mark.long
def test_adopted_once(fake, build_dir):
    """A worker that dies before it has removed the file it adopted: another one of the spool makes no second run of it."""
    if not has_fault_points(build_dir):
        pytest.skip("this build has no fault points (--enable-fault-points)")
    first, second = fake.fake_worker("adopts-1"), fake.fake_worker("adopts-2")
    client, job, boxes = fake.job("adopted.example", "steady")
    fake.drop("by-hand.json", {"version": 1, "job_id": job["id"], "mailbox_id": boxes["steady"]["id"], "kind": "preflight",
                               "engine": "native"})
    first.start("-F", "adopt.answered")
    assert first.process.wait_exit() == -signal.SIGKILL
    run, = client.runs(job["id"])
    assert "by-hand.json" in fake.names("incoming")
    second.start()
    wait.until(lambda: "by-hand.json" not in fake.names("incoming"), "the file to go", 60)
    assert fake.ended(run)[0] in ("succeeded", "failed")
    assert [r["id"] for r in client.runs(job["id"])] == [run["id"]]


def test_power_cut_between_commit_and_file(fake):
    """The row is there, its file never was: it is emitted again."""
    worker = fake.fake_worker("lost-file")
    client, job, _ = fake.job("lost.example", "steady")
    run = fake.sync(client, job)[0]
    (fake.paths.spool / "incoming" / f"{run['id']}.json").unlink()
    worker.start()
    assert fake.ended(run, 120) == ("succeeded", 1)
    fake.assert_once(run)


def test_killed_again_and_again(fake, long):
    """kill -9 at random moments of one run; it goes on each time and ends once."""
    from killing import Moments
    moments, worker = Moments(), fake.fake_worker("killed")
    client, job, _ = fake.job("killed.example", "slow")
    worker.start()
    run = fake.sync(client, job)[0]
    for _ in range(20 if long else 6):
        moments.wait(1.5)
        worker.kill()
        worker.start()
    assert fake.ended(run, 180)[0] == "succeeded"
    fake.assert_once(run)


def test_run_file_twice(fake):
    """Emitted twice, at each stage: while it waits, while it runs, when it is over."""
    worker = fake.fake_worker("twice")
    client, job, _ = fake.job("twice.example", "slow")
    run = fake.sync(client, job)[0]
    file = fake.paths.spool / "incoming" / f"{run['id']}.json"
    text = file.read_text(encoding="utf-8")
    fake.drop(f"copy-of-{run['id']}.json", text)
    worker.start()
    wait.until(lambda: fake.starts(worker, run) == 1, "the tool to start", 60)
    fake.drop(f"{run['id']}.json", text)
    wait.until(lambda: not fake.names("incoming"), "the copies to go", 60)
    assert fake.ended(run) == ("succeeded", 1)
    fake.assert_once(run)
    fake.drop(f"{run['id']}.json", text)
    wait.until(lambda: not fake.names("incoming") and not fake.names("running"), "the late copy to go", 60)
    assert fake.status(run) == ("succeeded", 1)
    assert fake.starts(worker, run) == 1
    fake.assert_once(run)


def test_two_workers_on_one_spool(fake):
    workers = [fake.fake_worker(f"pair-{n}", MIGRATION_WORKER_SLOTS=3) for n in (1, 2)]
    jobs = [fake.job(f"pair{n}.example", "steady") for n in range(12)]
    for worker in workers:
        worker.start()
    runs = [fake.sync(client, job)[0] for client, job, _ in jobs]
    for run in runs:
        assert fake.ended(run) == ("succeeded", 1)
        fake.assert_once(run)
        assert sum(fake.starts(worker, run) for worker in workers) == 1


@pytest.mark.long
def test_other_worker_takes_over(fake):
    """A worker dies for good: the other one of its spool gets the run when the lease is over."""
    first, second = fake.fake_worker("gone"), fake.fake_worker("heir")
    client, job, _ = fake.job("heir.example", "slower")
    first.start()
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(first, run) == 1, "the tool to start", 60)
    second.start()
    first.kill()
    assert fake.ended(run, 120) == ("succeeded", 2)
    fake.assert_once(run)
    assert fake.starts(second, run) == 1


def test_worker_comes_back_after_its_lease(fake):
    """Its attempt is over: it is told 409, kills its tool and drops the run; the new attempt ends it."""
    worker = fake.fake_worker("late")
    client, job, _ = fake.job("late.example", "slower")
    worker.start()
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(worker, run) == 1, "the tool to start", 60)
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        fake.wait_status(run, "queued")
        assert fake.status(run) == ("queued", 1)
        answer = fake.worker_call(worker, "PATCH", f"/runs/{run['id']}", {
            "worker": worker.name, "attempt": 1, "seq": 1 << 40, "status": "succeeded", "result": {}})
        assert (answer.status, answer.json["code"]) == (409, "run.stale")
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    wait.until(lambda: fake.starts(worker, run) == 2, "the next attempt", 120)
    assert "attempt 1 is over" in fake.log(worker)
    answer = fake.worker_call(worker, "PATCH", "/runs", {"worker": worker.name, "runs": [
        {"id": run["id"], "attempt": 1, "seq": 1 << 41, "status": "running"}]})
    assert answer.json["runs"][0]["code"] == "run.stale"
    answer = fake.worker_call(worker, "PATCH", f"/runs/{run['id']}", {
        "worker": worker.name, "attempt": 1, "seq": 1 << 42, "status": "failed", "code": "internal", "result": {}})
    assert (answer.status, answer.json["code"]) == (409, "run.stale")
    assert fake.ended(run, 120) == ("succeeded", 2)
    fake.assert_once(run)


@pytest.mark.long
def test_api_away_while_a_run_ends(fake):
    """Reports wait in the outbox; a restart of the worker meanwhile loses nothing."""
    worker = fake.fake_worker("patient")
    client, job, _ = fake.job("away.example", "slower")
    worker.start()
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(worker, run) == 1, "the tool to start", 60)
    database = rows(fake, "SELECT lease_until FROM runs WHERE id = ?", run["id"])
    assert database[0][0] is not None
    fake.nginx.stop()
    try:
        wait.until(lambda: f"{run['id']}.json" in fake.names("outbox"), "the report in the outbox", 60)
        worker.stop()
        assert f"{run['id']}.json" in fake.names("outbox")
        worker.start()
    finally:
        fake.nginx.start()
    # its lease was over long ago: the report counts for nothing, the next attempt does the work again
    status, attempt = fake.ended(run, 120)
    assert status == "succeeded" and attempt == 2
    fake.assert_once(run)


@pytest.mark.long
def test_report_of_a_worker_that_is_gone(fake):
    """It died with a report in the outbox: the other one of its spool cannot speak for it, and does the work again."""
    first, second = fake.fake_worker("mute"), fake.fake_worker("speaker")
    client, job, _ = fake.job("mute.example", "slower")
    first.start()
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(first, run) == 1, "the tool to start", 60)
    fake.nginx.stop()
    try:
        wait.until(lambda: f"{run['id']}.json" in fake.names("outbox"), "the report in the outbox", 60)
        first.kill()
        second.start()
    finally:
        fake.nginx.start()
    assert fake.ended(run, 120) == ("succeeded", 2)
    fake.assert_once(run)
    assert fake.starts(second, run) == 1
    wait.until(lambda: f"{run['id']}.json" not in fake.names("outbox"), "an empty outbox", 60)


@pytest.mark.long
def test_service_away_longer_than_a_lease(fake):
    """Nobody could hear the worker: what it ended meanwhile counts, and its lease does when the service is back."""
    worker = fake.fake_worker("unheard")
    client, job, _ = fake.job("unheard.example", "slower", "hang")
    worker.start()
    run, hangs = fake.sync(client, job)
    wait.until(lambda: fake.starts(worker, run) == 1 and fake.starts(worker, hangs) == 1, "the tools to start", 60)
    fake.pools.stop()
    try:
        wait.until(lambda: f"{run['id']}.json" in fake.names("outbox"), "the report in the outbox", 60)
        wait.until(lambda: all(lease < time.time() * 1000 for lease, in rows(
            fake, "SELECT lease_until FROM runs WHERE id IN (?, ?)", run["id"], hangs["id"])), "the leases to be over", 60)
    finally:
        fake.pools.start()
    assert fake.ended(run, 120) == ("succeeded", 1)
    fake.assert_once(run)
    client.post(f"/runs/{hangs['id']}/cancel")
    assert fake.ended(hangs, 120) == ("cancelled", 1)
    assert fake.starts(worker, hangs) == 1


def test_cancelled_before_a_worker_came(fake):
    """Its run file lies in the spool already: it is dropped, nothing runs."""
    worker = fake.fake_worker("late-comer")
    client, job, _ = fake.job("unwanted.example", "steady")
    run = fake.sync(client, job)[0]
    assert f"{run['id']}.json" in fake.names("incoming")
    client.post(f"/runs/{run['id']}/cancel")
    worker.start()
    wait.until(lambda: not {f"{run['id']}.json", str(run["id"])} & {*fake.names("incoming"), *fake.names("running")},
               "the file to be dropped", 60)
    assert fake.status(run) == ("cancelled", 0)
    assert fake.starts(worker, run) == 0


@pytest.mark.long
def test_short_absence_of_the_api(fake):
    """Shorter than a lease: what runs goes on and ends as the same attempt."""
    worker = fake.fake_worker("brief")
    client, job, _ = fake.job("brief.example", "slow")
    worker.start()
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(worker, run) == 1, "the tool to start", 60)
    fake.nginx.stop()
    wait.until(lambda: "the API does not take reports" in fake.log(worker), "the worker to notice", 30)
    fake.nginx.start()
    assert fake.ended(run, 120)[0] == "succeeded"
    fake.assert_once(run)


def test_stop_costs_no_attempt(fake):
    worker = fake.fake_worker("restarted")
    client, job, _ = fake.job("restarted.example", "slow")
    worker.start()
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(worker, run) == 1, "the tool to start", 60)
    assert worker.stop() == 0
    assert fake.status(run)[0] == "running" and not fake.names("outbox")
    worker.start()
    assert fake.ended(run) == ("succeeded", 1)
    fake.assert_once(run)
