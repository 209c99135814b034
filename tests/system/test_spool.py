"""The spool in an administrator's hands: ls, cat, touch, mv (migration-spool.5)."""

import json

import pytest

from faking import Fake, as_worker
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


def test_files_of_a_run(fake):
    """What stands in the folders while a run runs and when it is over; never a credential."""
    client, job, _ = fake.job("files.example", "slow")
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(fake.fake, run) == 1, "the tool to start", 60)
    running = fake.paths.spool / "running" / str(run["id"])
    names = {entry.name for entry in running.iterdir()}
    assert {"run.json", "claim", "lock", "owner", "log", "events.jsonl", "tool", "seq"} <= names
    document = json.loads((running / "run.json").read_text(encoding="utf-8"))
    assert (document["run_id"], document["kind"], document["attempt"]) == (run["id"], "sync", 0)
    assert not {"credentials", "secret", "sealed", "password"} & set(document)
    fake.ended(run)
    fake.assert_once(run)
    wait.until(lambda: f"{run['id']}.json" in fake.names("done"), "the run file in done/", 30)
    document = json.loads((fake.paths.spool / "done" / f"{run['id']}.json").read_text(encoding="utf-8"))
    assert (document["status"], document["attempt"]) == ("succeeded", 1)


def test_cancel_by_touch(fake):
    client, job, _ = fake.job("touch.example", "slow")
    run = fake.sync(client, job)[0]
    wait.until(lambda: fake.starts(fake.fake, run) == 1, "the tool to start", 60)
    as_worker_path = fake.paths.spool / "running" / str(run["id"]) / "cancel"
    as_worker_path.touch()
    as_worker(as_worker_path)
    assert fake.ended(run) == ("cancelled", 1)
    fake.assert_once(run, "cancelled")
    assert json.loads((fake.paths.spool / "failed" / f"{run['id']}.json").read_text(encoding="utf-8"))["code"] == "run.cancelled"


def test_failed_moved_back(fake):
    """mv failed/X.json incoming/: the next attempt, audited as `spool`."""
    client, job, _ = fake.job("again.example", "liar")
    run = fake.sync(client, job)[0]
    assert fake.ended(run) == ("failed", 1)
    failed = fake.paths.spool / "failed" / f"{run['id']}.json"
    wait.until(failed.exists, "the run file in failed/", 30)
    failed.rename(fake.paths.spool / "incoming" / failed.name)
    wait.until(lambda: fake.status(run) == ("failed", 2), "the second attempt to end", 60)
    assert rows(fake, "SELECT count(*) FROM audit WHERE actor = 'spool' AND subject = ?", f"run:{run['id']}")[0][0] >= 1
    assert fake.starts(fake.fake, run) == 2


def test_dropped_without_run_id(fake):
    client, job, boxes = fake.job("dropped.example", "steady")
    fake.drop("by-hand.json", {"version": 1, "job_id": job["id"], "mailbox_id": boxes["steady"]["id"], "kind": "sync",
                               "pass": "initial", "engine": "native"})
    run = wait.until(lambda: client.runs(job["id"]), "the run to be made", 60)[0]
    assert fake.ended(run) == ("succeeded", 1)
    fake.assert_once(run)
    assert "by-hand.json" not in fake.names("incoming") and len(client.runs(job["id"])) == 1


@pytest.mark.sample("garbage", "nowhere")
@pytest.mark.parametrize("name, text, words", [
    ("garbage", "this is no JSON", "input.malformed"),
    ("empty", "", "input.malformed"),
    ("half", '{"version":1,"run_id":7', "input.malformed"),
    ("odd", '{"version":1,"job_id":"seven","kind":"dance"}', "/job_id"),
    ("strange", '{"version":1,"run_id":999999,"job_id":1,"kind":"sync","pass":"last","attempt":0}', "/pass"),
    ("huge", '{"version":1,"x":"' + "y" * 70000 + '"}', "input.too_large"),
    ("nowhere", '{"version":1,"job_id":999999,"mailbox_id":1,"kind":"verify"}', "not_found"),
], ids=["garbage", "empty", "half", "odd", "strange", "huge", "nowhere"])
def test_unreadable(fake, name, text, words):
    """What cannot be read or is refused goes to failed/, with the reason in words beside it."""
    fake.drop(f"{name}.json", text)
    why = fake.paths.spool / "failed" / f"{name}.why"
    wait.until(lambda: why.exists() and (fake.paths.spool / "failed" / f"{name}.json").exists(), f"{name}.why", 60)
    assert words in why.read_text(encoding="utf-8")
    assert f"{name}.json" not in fake.names("incoming")


def test_run_that_does_not_exist(fake):
    fake.drop("424242.json", '{"version":1,"run_id":424242,"job_id":1,"mailbox_id":1,"kind":"sync","pass":"initial",'
                             '"engine":"native","attempt":0,"options":{}}')
    failed = fake.paths.spool / "failed" / "424242.json"
    wait.until(failed.exists, "the file in failed/", 60)
    assert json.loads(failed.read_text(encoding="utf-8"))["code"] == "not_found"
    wait.until(lambda: "424242" not in fake.names("running"), "running/424242 to go", 30)


def test_odd_names_do_no_harm(fake):
    """Files and folders that nobody expects stay where they are, or are refused; the worker goes on."""
    (fake.paths.spool / "running" / "not-a-number").mkdir()
    (fake.paths.spool / "incoming" / "folder.json").mkdir()
    client, job, _ = fake.job("odd.example", "steady")
    run = fake.sync(client, job)[0]
    assert fake.ended(run) == ("succeeded", 1)
    assert "not-a-number" in fake.names("running")
    (fake.paths.spool / "running" / "not-a-number").rmdir()
    fake.fake.process.check_alive()
