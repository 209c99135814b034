"""What tools can do wrong, each with a scripted tool: the run ends with the right code, nothing is left behind."""

import sqlite3

import pytest

from faking import SECRETS, Fake
from killing import rows
from stack import wait


@pytest.fixture(scope="module")
def fake(build_dir):
    with Fake(build_dir, {"MIGRATION_RUN_ATTEMPTS": 1}) as stack:
        stack.fake = stack.fake_worker()
        stack.fake.start()
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


def result(fake, run):
    status, code, message = rows(fake, "SELECT status, COALESCE(code, ''), COALESCE(message, '') FROM runs WHERE id = ?",
                                 run["id"])[0]
    return status, code, message


BEHAVIOURS = {
    "steady": ("succeeded", "", ""),
    "flood": ("succeeded", "", ""),
    "longline": ("succeeded", "", ""),
    "grandchild": ("succeeded", "", ""),
    "daemon": ("succeeded", "", ""),
    "secret": ("succeeded", "", ""),
    "killed": ("failed", "tool.failed", "signal 9"),
    "liar": ("failed", "tool.failed", "no last word"),
    "silent": ("failed", "tool.failed", "status 3"),
}


def test_behaviours(fake):
    client, job, boxes = fake.job("tools.example", *BEHAVIOURS)
    by_mailbox = {r["mailbox_id"]: r for r in fake.sync(client, job)}
    for what, (status, code, words) in BEHAVIOURS.items():
        run = by_mailbox[boxes[what]["id"]]
        fake.ended(run)
        got = result(fake, run)
        assert got[:2] == (status, code) and words in got[2], (what, got)
        fake.assert_once(run, status)
        progress = client.get(f"/runs/{run['id']}")["progress"]
        assert status == "failed" or progress["messages_done"] == 50, (what, progress)
    assert not fake.tools(fake.fake)
    logs = {what: client.request("GET", f"/runs/{by_mailbox[boxes[what]['id']]['id']}/log").text for what in BEHAVIOURS}
    assert "line 0:" in logs["flood"] and "line 199999:" in logs["flood"] and "bytes dropped here" in logs["flood"]
    assert len(logs["flood"]) < 1_500_000
    assert "everything went wrong" in logs["liar"]
    assert logs["secret"].count("********") >= 4
    for what, text in logs.items():
        assert not any(secret in text for secret in SECRETS.values()), what


@pytest.mark.release
def test_memory(fake):
    """A tool that takes more memory than its row allows is one failed run; the others go on."""
    client, job, boxes = fake.job("memory.example", "memory", "steady")
    by_mailbox = {r["mailbox_id"]: r for r in fake.sync(client, job)}
    for what, status in (("memory", "failed"), ("steady", "succeeded")):
        run = by_mailbox[boxes[what]["id"]]
        fake.ended(run)
        assert result(fake, run)[0] == status


def test_cancel_of_one_that_hangs(fake):
    client, job, _ = fake.job("hang.example", "hang")
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(fake.fake, run), "the tool to start", 60)
    client.post(f"/runs/{run['id']}/cancel")
    assert fake.ended(run) == ("cancelled", 1)
    assert result(fake, run)[1] == "run.cancelled"
    fake.assert_once(run, "cancelled")
    assert not fake.tools(fake.fake)


@pytest.mark.long
def test_log_while_it_runs(fake):
    """The page's live tail: the log is at the API before the run has ended, and whole and once after it."""
    client, job, _ = fake.job("tail.example", "hang")
    run = fake.sync(client, job)[0]
    wait.until(lambda: "fake tool: hang" in client.request("GET", f"/runs/{run['id']}/log").text, "the log of a run that works", 60)
    assert client.get(f"/runs/{run['id']}")["status"] == "running"
    client.post(f"/runs/{run['id']}/cancel")
    fake.ended(run)
    wait.until(lambda: str(run["id"]) not in fake.names("running"), "the run to go", 30)
    assert client.request("GET", f"/runs/{run['id']}/log").text.count("fake tool: hang") == 1
    assert rows(fake, "SELECT complete, length(sha256) FROM artefacts WHERE run_id = ? AND name = 'log'", run["id"]) == [(1, 64)]


@pytest.mark.long
def test_log_that_the_service_refuses(fake):
    """Nothing of it is lost: it stays in failed/ under the run's number, and the run ends as it did."""
    client, job, _ = fake.job("refused-log.example", "hang")
    run = fake.sync(client, job)[0]
    wait.until(lambda: "fake tool: hang" in client.request("GET", f"/runs/{run['id']}/log").text, "the log of a run that works", 60)
    with sqlite3.connect(fake.paths.database, timeout=30) as database:  # as if it had been handed over whole
        database.execute("UPDATE artefacts SET complete = 1 WHERE run_id = ? AND name = 'log'", (run["id"],))
    database.close()
    text = (fake.paths.spool / "running" / str(run["id"]) / "log").read_text()
    with open(fake.paths.data / "artefacts" / str(run["id"]) / "log", "ab") as more:
        more.write(b"of another")  # longer than ours: ours can never be taken
    client.post(f"/runs/{run['id']}/cancel")
    assert fake.ended(run)[0] == "cancelled"
    wait.until(lambda: str(run["id"]) not in fake.names("running"), "the run to go", 30)
    kept = fake.paths.spool / "failed" / f"{run['id']}-log"
    assert kept.exists() and kept.read_text().startswith(text), fake.log(fake.fake)[-2000:]


def test_pause_and_resume(fake):
    client, job, _ = fake.job("pause.example", "slow")
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(fake.fake, run) == 1, "the tool to start", 60)
    client.post(f"/runs/{run['id']}/pause")
    fake.wait_status(run, "paused")
    assert not fake.tools(fake.fake)
    client.post(f"/runs/{run['id']}/resume")
    fake.wait_status(run, "running")
    assert fake.ended(run) == ("succeeded", 1)
    assert fake.starts(fake.fake, run) == 2
    fake.assert_once(run)


def test_deadline(fake):
    client, job, boxes = fake.job("deadline.example", "hang")
    fake.drop("late.json", {"version": 1, "job_id": job["id"], "mailbox_id": boxes["hang"]["id"], "kind": "sync",
                            "pass": "initial", "engine": "native", "options": {"deadline_seconds": 1}})
    run = wait.until(lambda: client.runs(job["id"]), "the run to be adopted", 60)[0]
    fake.ended(run)
    assert result(fake, run)[:2] == ("failed", "run.deadline")
    assert not fake.tools(fake.fake)


def test_missing_tool(fake):
    worker = fake.fake
    worker.stop()
    lost = fake.fake_worker("fake-2", MIGRATION_MAILMOVER_BIN="/nonexistent/mailmover")
    lost.start()
    client, job, _ = fake.job("missing.example", "steady")
    run = fake.sync(client, job)[0]
    assert fake.ended(run) == ("failed", 1)
    status, code, message = result(fake, run)
    assert code == "tool.missing" and "/nonexistent/mailmover" in message, (status, code, message)
    lost.stop()
    worker.start()
