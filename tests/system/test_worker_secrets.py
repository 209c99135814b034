"""Secrets: in no child's arguments or environment, in no log, spool file or database; and never sent to a host that
they were not given for."""

import os
import socket
import sqlite3

import pytest

from faking import SECRETS, Fake, files_with
from killing import rows
from stack import mailgen, wait
from stack.watching import ProcWatch, needles


@pytest.mark.skipif(os.geteuid() != 0, reason="reads /proc of other users' processes: needs root")
def test_real_run(build_dir, new_stack):
    """Real servers, the real engine: preflight, sync and verify of real mail."""
    stack = new_stack()
    user = "ana@secret.example"
    stack.add_mail_account(user, mailgen.Generator(user, 5).mailbox(150, 2_000_000))
    secrets = [stack.source.users[user], stack.destination.users[user], stack.secret_key]
    technician = stack.client("technician")
    job = technician.create_job("secret.example", **stack.job_servers())
    technician.add_mailboxes(job["id"], [stack.mailbox_request(user)])
    watch = ProcWatch(stack.worker.pid, secrets)
    for kind, more in (("preflight", {}), ("sync", {"pass_": "initial"}), ("verify", {})):
        ended = technician.do(job["id"], kind, **more)[0]
        assert ended["status"] == "succeeded", (kind, ended["code"], ended["message"])
    watch.stop()
    assert len(watch.seen) > 1, "no tool was ever seen"
    own = [stack.paths.top / name for name in ("source", "destination", "ca")]
    own += [stack.paths.etc / "worker.env", *stack.paths.etc.glob("*.key")]
    assert not files_with(stack.paths.top, needles(secrets), own)
    assert not files_with(stack.paths.runtime, needles(secrets))


@pytest.fixture(scope="module")
def fake(build_dir):
    with Fake(build_dir, {"MIGRATION_RUN_ATTEMPTS": 1}) as stack:
        stack.fake = stack.fake_worker()
        stack.fake.start()
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


def test_careless_tool(fake):
    """A tool that logs what it was given: its words are masked in every file that is kept."""
    client, job, _ = fake.job("careless.example", "secret")
    watch = ProcWatch(fake.fake.pid, SECRETS.values())
    run = fake.sync(client, job)[0]
    assert fake.ended(run) == ("succeeded", 1)
    watch.stop()
    wait.until(lambda: str(run["id"]) not in fake.names("running"), "the run to go", 30)
    assert not files_with(fake.paths.top, needles(SECRETS.values()))
    assert not files_with(fake.paths.runtime, needles(SECRETS.values()))


@pytest.mark.parametrize("column, value", [("source_port", None), ("source_host", "127.0.0.2"), ("source_user", "other@x"),
                                           ("dest_port", None), ("source_tls", "none")])
def test_row_pointed_elsewhere(fake, column, value):
    """Somebody who can write the database cannot get a secret sent to another host."""
    client, job, boxes = fake.job(f"{column}.point.example".replace("_", "-"), "steady")
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        if value is None:
            value = trap.getsockname()[1]
        connection = sqlite3.connect(fake.paths.database, timeout=30)
        with connection:
            connection.execute(f"UPDATE mailboxes SET {column} = ? WHERE id = ?", (value, boxes["steady"]["id"]))
        connection.close()
        run = fake.sync(client, job)[0]
        assert fake.ended(run) == ("failed", 1)
        assert rows(fake, "SELECT code FROM runs WHERE id = ?", run["id"]) == [("credential.mismatch",)]
        assert fake.starts(fake.fake, run) == 0
        with pytest.raises(BlockingIOError):
            trap.accept()


def test_unsealed_by_another_key(fake):
    """A worker without the key says so, and nothing else."""
    import base64
    fake.fake.stop()
    stranger = fake.fake_worker("stranger", MIGRATION_CREDENTIALS_KEY=base64.urlsafe_b64encode(os.urandom(32)).decode())
    stranger.start()
    client, job, _ = fake.job("stranger.example", "steady")
    run = fake.sync(client, job)[0]
    assert fake.ended(run) == ("failed", 1)
    assert rows(fake, "SELECT code FROM runs WHERE id = ?", run["id"]) == [("credential.unreadable",)]
    stranger.stop()
    fake.fake.start()


def test_settings_come_by_descriptor_or_file(fake, build_dir):
    """-t says what is wrong without showing a secret."""
    import subprocess
    reader, writer = os.pipe()
    os.write(writer, b"MIGRATION_CREDENTIALS_KEY=c2hvcnQtc2VjcmV0\n")
    os.close(writer)
    done = subprocess.run([build_dir / "migration-worker", "-t", "-c", fake.paths.settings, "-k", f"fd:{reader}"],
                          capture_output=True, pass_fds=[reader], check=False)
    os.close(reader)
    assert done.returncode != 0 and b"MIGRATION_CREDENTIALS_KEY" in done.stderr
    assert b"c2hvcnQtc2VjcmV0" not in done.stderr + done.stdout
