"""A running system whose workers have fake_tool.py in mailmover's place: no mail, only what tools can do wrong."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import jwt

from stack import identity, wait
from stack.client import FINISHED, Client
from stack.process import children_of
from stack.stack import Stack
from killing import rows

FAKE = pathlib.Path(__file__).with_name("fake_tool.py")
SECRETS = {"source": "S3cret-of-the-source!", "destination": "S3cret of the other side/ç"}
SERVER = {"host": "127.0.0.1", "port": 993, "tls": "tls"}


class Fake(Stack):
    """A Stack without mail servers; its workers are added (not started) by fake_worker()."""

    def __init__(self, build, api_settings=None, **arguments):
        super().__init__(build, mail=False, with_worker=False,
                         api_settings={"MIGRATION_RUN_ATTEMPTS": 5, "MIGRATION_LEASE_SECONDS": 8, **(api_settings or {})},
                         **arguments)

    def start(self, say=None):
        super().start(say)
        tool = self.paths.top / "fake_tool.py"
        shutil.copy(FAKE, tool)
        tool.chmod(0o755)
        return self

    def check_alive(self):
        """The pools and nginx: tests end and start workers as they like."""
        for process in (*self.pools.processes.values(), self.nginx.process):
            process.check_alive()

    def fake_worker(self, name="fake-1", **settings):
        return self.add_worker(name, {"MIGRATION_MAILMOVER_BIN": self.paths.top / "fake_tool.py",
                                      "MIGRATION_HOST_CONNECTIONS": 200, "MIGRATION_WORKER_SLOTS": 16,
                                      "MIGRATION_LEASE_SECONDS": 8, **settings})

    def stop_workers(self):
        for worker in self._workers:
            if worker.process.alive():
                worker.stop()

    def job(self, domain, *behaviours):
        """A job with one mailbox for each way to behave; returns (client, job, {behaviour: mailbox})."""
        client = self.client("technician")
        job = client.create_job(domain, source={"kind": "imap", **SERVER}, destination=SERVER)
        boxes = client.add_mailboxes(job["id"], [
            {"source": {"user": f"{what}@{domain}", "secret": SECRETS["source"]},
             "destination": {"user": f"{what}@{domain}", "secret": SECRETS["destination"]}} for what in behaviours])
        return client, job, dict(zip(behaviours, boxes))

    def sync(self, client, job, **more):
        return client.start(job["id"], "sync", pass_="initial", **more)

    def status(self, run):
        """(status, attempt) as the database has it."""
        return rows(self, "SELECT status, attempt FROM runs WHERE id = ?", run["id"])[0]

    def wait_status(self, run, *statuses, seconds=60):
        try:
            wait.until(lambda: self.status(run)[0] in statuses, f"run {run['id']} to be {' or '.join(statuses)}", seconds)
        except wait.Timeout as error:
            logs = [self.log(worker)[-3000:] for worker in self._workers if worker.process.log.exists()]
            raise wait.Timeout("\n".join([f"{error}; it is {self.status(run)}", *logs])) from None
        return self.status(run)

    def ended(self, run, seconds=90):
        return self.wait_status(run, *FINISHED, seconds=seconds)

    def log(self, worker):
        return worker.process.log.read_text(encoding="utf-8", errors="replace")

    def starts(self, worker, run):
        """How often this worker started a tool for a run."""
        return self.log(worker).count(f"run {run['id']}: mailmover started")

    def names(self, folder):
        return sorted(entry.name for entry in (self.paths.spool / folder).iterdir())

    def tools(self, worker):
        """Living processes of a worker's tools."""
        return children_of(worker.pid, deep=True)

    def drop(self, name, text, mode=0o644):
        """As an administrator would: a file of that name in incoming/, all at once."""
        temporary = self.paths.spool / "tmp" / f".{name}"
        temporary.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        temporary.chmod(mode)
        temporary.rename(self.paths.spool / "incoming" / name)

    def worker_call(self, worker, method, path, body):
        """Speaks to the API as this worker, with its key."""
        now = int(time.time())
        key = (self.paths.etc / f"{worker.name}.key").read_bytes()
        token = jwt.encode({"iss": f"worker:{worker.name}", "sub": worker.name, "role": "worker", "aud": "desk-migration",
                            "iat": now, "exp": now + 60}, key, algorithm="ES256")
        return Client(self.url, token=token).request(method, path, body)

    def assert_once(self, run, status="succeeded"):
        """As the database sees it: one end, one pass, and nothing left in the worker's hands."""
        assert rows(self, "SELECT status FROM runs WHERE id = ?", run["id"]) == [(status,)]
        assert rows(self, "SELECT count(*) FROM passes WHERE run_id = ?", run["id"]) == [(1,)]
        claims, attempt = rows(self, "SELECT (SELECT count(*) FROM audit WHERE action = 'run.claim' AND subject = 'run:' "
                                     "|| runs.id), attempt FROM runs WHERE id = ?", run["id"])[0]
        assert claims == attempt
        name = str(run["id"])
        wait.until(lambda: name not in self.names("running"), f"running/{name} to go", 30)
        assert f"{name}.json" not in self.names("incoming") + self.names("outbox")
        assert name not in self.names("work")


def has_fault_points(build):
    """Whether this build's worker can be told where to die."""
    program = pathlib.Path(build) / "migration-worker"
    return subprocess.run([program, "-F", "none", "-V"], capture_output=True, check=False).returncode == 0


def files_with(top, needles, skip=()):
    """Files below `top` in which one of these byte strings stands."""
    found = []
    for folder, folders, names in os.walk(top):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in map(str, skip)]
        for name in names:
            path = os.path.join(folder, name)
            if path in map(str, skip) or not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as file:
                    data = file.read()
            except FileNotFoundError:
                continue  # moved meanwhile: it is seen where it is now, or next time
            found += [path for needle in needles if needle in data]
    return found


def as_worker(path):
    """The path given to the worker's user."""
    who = identity.worker()
    if who.uid is not None:
        os.chown(path, who.uid, who.gid)
    return path
