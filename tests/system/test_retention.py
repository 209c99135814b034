"""MIGRATION_RETENTION_DAYS: the files of jobs that have been closed for longer go, evidence and open jobs stay."""

import json
import os
import signal
import sqlite3
import time

import pytest

from faking import Fake, as_worker, has_fault_points
from killing import rows
from stack import identity, wait
from tusing import Tus

pytestmark = pytest.mark.long

DAYS = 30
DAY = 86400
PST = b"!BDN" + bytes(4) + b"SM\x17\0" + bytes(512)


@pytest.fixture(scope="module")
def fake(build_dir):
    with Fake(build_dir, {"MIGRATION_RETENTION_DAYS": DAYS}) as stack:
        stack.fake = stack.fake_worker(MIGRATION_RETENTION_DAYS=DAYS)
        stack.fake.start()
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


def sync(fake, client, job):
    run, = fake.sync(client, job)
    assert fake.ended(run)[0] == "succeeded"
    wait.until(lambda: f"{run['id']}.json" in fake.names("done"), "the run file in done/", 30)
    return run


def artefacts(fake, run):
    folder = fake.paths.data / "artefacts" / str(run["id"])
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def refuse(fake, run):
    """As if the destination had refused a message of the run."""
    for name in ("INBOX-1.eml", "INBOX-1.json"):
        path = fake.paths.data / "artefacts" / str(run["id"]) / name
        path.write_text("{}", encoding="utf-8")
        identity.own(path, identity.api(), mode=0o600)
    with sqlite3.connect(fake.paths.database, timeout=30) as database:
        database.execute("INSERT INTO refusals (mailbox_id, run_id, folder, uid, size, code, server, file, at)"
                         " VALUES (?, ?, 'INBOX', 1, 2, 'message.refused', 'no', 'INBOX-1.eml', 1)",
                         (run["mailbox_id"], run["id"]))
    database.close()


def close(fake, client, job, days):
    """Closed, and so many days ago."""
    client.delete(f"/jobs/{job['id']}")
    with sqlite3.connect(fake.paths.database, timeout=30) as database:
        database.execute("UPDATE jobs SET closed_at = ? WHERE id = ?", (int((time.time() - days * DAY) * 1000), job["id"]))
    database.close()


def in_spool(fake, folder, name, age_days=0, directory=False):
    path = fake.paths.spool / folder / name
    if directory:
        path.mkdir(mode=0o700)
        (path / "mail").write_bytes(bytes(1000))
        as_worker(path / "mail")
    else:
        path.write_text("{}", encoding="utf-8")
    as_worker(path)
    os.utime(path, (time.time() - age_days * DAY,) * 2)
    return path


def states(fake, box):
    return [name for name in fake.names("state") if name.startswith(f"{box['id']}-")]


def file_box(client, job, upload, user):
    return client.add_mailboxes(job["id"], [{"source": {"kind": "pst", "upload_id": upload["id"]},
                                             "destination": {"user": user, "secret": "s"}}])[0]


def test_files_of_closed_jobs(fake):
    client, old, boxes = fake.job("old.example", "steady")
    _, recent, recent_boxes = fake.job("recent.example", "steady")
    _, still, still_boxes = fake.job("open.example", "steady")
    tus = Tus(fake.bearer("technician"))
    alone, shared, other = tus.send(PST), tus.send(PST + b"2"), tus.send(PST + b"3")
    for job, upload, user in ((old, alone, "a"), (old, shared, "b"), (still, shared, "b"), (recent, other, "c")):
        file_box(client, job, upload, f"{user}@files.example")
    box = boxes["steady"]

    def one(job, mailbox):
        run, = client.start(job["id"], "sync", pass_="initial", mailbox_ids=[mailbox["id"]])
        assert fake.ended(run)[0] == "succeeded"
        return run
    first, cited = one(old, box), one(old, box)
    for run in (first, cited):
        refuse(fake, run)
    report = client.wait_runs(client.post(f"/jobs/{old['id']}/report")["runs"])[0]
    assert report["status"] == "succeeded", report
    last = one(old, box)
    kept = [one(recent, recent_boxes["steady"]), one(still, still_boxes["steady"])]
    wait.until(lambda: f"{kept[-1]['id']}.json" in fake.names("done"), "the last run file in done/", 30)
    fake.fake.stop()
    before = {name: artefacts(fake, run) for name, run in (("report", report), ("kept", kept[0]), ("open", kept[1]))}
    assert all(before.values())
    numbers = client.get(f"/mailboxes/{box['id']}/quarantine")
    assert [item["kept"] for item in numbers["items"]] == [True]
    close(fake, client, recent, DAYS - 1)
    close(fake, client, old, DAYS + 1)

    # the API's part: artefacts and uploads
    wait.until(lambda: client.get(f"/jobs/{old['id']}")["pruned_at"], "the keeper", 60)
    assert artefacts(fake, first) == set()
    assert artefacts(fake, cited) == artefacts(fake, last) == {"log", "events.jsonl"}
    assert before == {name: artefacts(fake, run) for name, run in (("report", report), ("kept", kept[0]), ("open", kept[1]))}
    uploads = fake.paths.data / "uploads"
    assert not (uploads / alone["token"]).exists() and not (uploads / f"{alone['token']}.state").exists()
    assert (uploads / shared["token"]).exists() and (uploads / other["token"]).exists()
    assert client.get(f"/jobs/{recent['id']}")["pruned_at"] is None
    answer = client.request("GET", f"/runs/{first['id']}/log")
    assert (answer.status, answer.json["code"]) == (410, "file.removed")
    assert client.request("GET", f"/runs/{cited['id']}/log").status == 200
    now = client.get(f"/mailboxes/{box['id']}/quarantine")["items"]
    assert [(i["n"], i["kept"]) for i in now] == [(i["n"], False) for i in numbers["items"]]
    assert client.request("GET", f"/mailboxes/{box['id']}/quarantine/{now[0]['n']}").status == 410
    for name in ("certificate.json", "report.pdf", "report.csv"):
        assert client.request("GET", f"/jobs/{old['id']}/{name}").status == 200
    (detail,), = rows(fake, "SELECT detail FROM audit WHERE action = 'job.prune' AND job_id = ?", old["id"])
    assert json.loads(detail)["files"] == 2 + 2 + 2 + 1 and json.loads(detail)["bytes"] > len(PST)
    assert fake.ctl("audit", "verify", expect=None).returncode == 0
    assert f"{DAYS} days; the files of 1 closed jobs are gone" in fake.ctl("doctor", expect=None).stdout

    # the worker's part: its spool
    gone = [in_spool(fake, "failed", f"{first['id']}-INBOX-9.eml"), in_spool(fake, "work", str(last["id"]), directory=True),
            in_spool(fake, "failed", "odd.why", DAYS + 1), in_spool(fake, "failed", "odd.json"),
            in_spool(fake, "state", ".removed-1-0123456789abcdef", directory=True)]
    stay = [in_spool(fake, "failed", f"{kept[1]['id']}-log"), in_spool(fake, "work", str(kept[0]["id"]), directory=True),
            in_spool(fake, "failed", "young.json", DAYS + 1), in_spool(fake, "failed", "young.why"),
            in_spool(fake, "failed", "999999.json", DAYS + 1)]
    assert states(fake, box) and states(fake, still_boxes["steady"])
    fake.fake.start()
    wait.until(lambda: "retention: " in fake.log(fake.fake), "the worker's look", 60)
    assert [p.name for p in gone if p.exists()] == [] and [p.name for p in stay if not p.exists()] == []
    assert not states(fake, box) and states(fake, still_boxes["steady"]) and states(fake, recent_boxes["steady"])
    done = fake.names("done")
    assert not {f"{r['id']}.json" for r in (first, cited, report, last)} & set(done)
    assert {f"{r['id']}.json" for r in kept} <= set(done)

    # opened again: it works, and what comes new stays
    etag = client.call("GET", f"/jobs/{old['id']}").etag
    client.patch(f"/jobs/{old['id']}", {"status": "open"}, etag)
    assert client.get(f"/jobs/{old['id']}")["pruned_at"] is None
    again = one(old, box)
    assert artefacts(fake, again) >= {"log", "events.jsonl"} and states(fake, box)
    assert client.request("GET", f"/runs/{again['id']}/log").status == 200


def test_killed_while_removing(fake, build_dir):
    """What the worker had begun to remove is not there any more, and goes when it starts again."""
    if not has_fault_points(build_dir):
        pytest.skip("this build has no fault points (--enable-fault-points)")
    client, job, boxes = fake.job("killed.example", "steady")
    run = sync(fake, client, job)
    fake.fake.stop()
    close(fake, client, job, DAYS + 1)
    name, = states(fake, boxes["steady"])
    fake.fake.start("-F", "retention.renamed")
    assert fake.fake.process.wait_exit() == -signal.SIGKILL
    assert not states(fake, boxes["steady"]) and f".removed-{name}" in os.listdir(fake.paths.spool / "state")
    fake.fake.start()
    wait.until(lambda: f"{run['id']}.json" not in fake.names("done"), "the look to end", 60)
    wait.until(lambda: f".removed-{name}" not in os.listdir(fake.paths.spool / "state"), "the rest to go", 60)


def test_keeper_killed_while_removing(fake):
    """Another one goes on: all is gone in the end, and told once."""
    client, job, _ = fake.job("keeper.example", "steady")
    run = sync(fake, client, job)
    folder, many = fake.paths.data / "artefacts" / str(run["id"]), 40_000
    for number in range(many):
        (folder / f"INBOX-{number}.eml").touch(0o600)
    keeper = sorted(fake.pools.members("api"))[0]
    close(fake, client, job, DAYS + 1)
    wait.until(lambda: len(os.listdir(folder)) < many, "the keeper to begin", 60, step=0.001, longest=0.001)
    os.kill(keeper, signal.SIGKILL)
    left = len(os.listdir(folder))
    assert 0 < left < many and client.get(f"/jobs/{job['id']}")["pruned_at"] is None, left
    wait.until(lambda: client.get(f"/jobs/{job['id']}")["pruned_at"], "the next keeper", 60)
    assert artefacts(fake, run) == {"log", "events.jsonl"}
    (told,), = rows(fake, "SELECT count(*) FROM audit WHERE action = 'job.prune' AND job_id = ?", job["id"])
    assert told == 1


def test_certificate_that_cannot_be_read(fake):
    """It may name any run: their logs and events stay, and the job is done all the same."""
    client, job, _ = fake.job("unread.example", "steady")
    first, last = sync(fake, client, job), sync(fake, client, job)
    refuse(fake, first)
    report = client.wait_runs(client.post(f"/jobs/{job['id']}/report")["runs"])[0]
    (fake.paths.data / "artefacts" / str(report["id"]) / "certificate.json").write_text("{", encoding="utf-8")
    close(fake, client, job, DAYS + 1)
    wait.until(lambda: client.get(f"/jobs/{job['id']}")["pruned_at"], "the keeper", 60)
    assert artefacts(fake, first) == artefacts(fake, last) == {"log", "events.jsonl"}


def test_workers_only(fake):
    body = {"worker": "fake-1", "runs": [1], "mailboxes": [1, 10**12]}
    assert fake.client("lead").request("POST", "/retention", body).status == 403
    answer = fake.worker_call(fake.fake, "POST", "/retention", {**body, "runs": [10**12]})
    assert answer.status == 200 and answer.json == {"runs": [], "mailboxes": []}, answer.text
    for bad in ({"runs": list(range(1, 502))}, {"runs": [0]}, {"mailboxes": ["1"]}, {"worker": "other"}, {"more": 1}):
        assert fake.worker_call(fake.fake, "POST", "/retention", {**body, **bad}).status in (403, 422), bad
