"""migrationctl on the running system: what it says of it, and what it changes."""

import json
import os
import shutil
import sqlite3
import subprocess

import pytest


@pytest.fixture
def private(build_dir, tmp_path):
    """run(*arguments, given="", status=0) on an installation of its own that does not run."""
    data = tmp_path / "data"
    for folder in ("artefacts", "uploads", "spool/tmp", "spool/incoming", "spool/running", "spool/done", "spool/failed",
                   "spool/outbox", "spool/work", "spool/state"):
        (data / folder).mkdir(parents=True)
    settings = tmp_path / "migration.env"
    settings.write_text(f"# mine\nMIGRATION_DATA_PATH={data}\nMIGRATION_LOCAL_ACCOUNTS=true\n"
                        f"MIGRATION_MAILMOVER_BIN={build_dir}/mailmover\n", encoding="utf-8")
    settings.chmod(0o640)

    def run(*arguments, given="", status=0):
        result = subprocess.run([build_dir / "migrationctl", "-c", settings, *map(str, arguments)], input=given, text=True,
                                capture_output=True, check=False)
        assert result.returncode == status, (arguments, result.stdout, result.stderr)
        return result.stdout if status == 0 else result.stdout + result.stderr
    run.path = tmp_path
    run.settings = settings
    return run


def findings(text):
    return {(c["area"], c["finding"]) for c in json.loads(text)["checks"]}


def test_doctor_finds_nothing_wrong(stack):
    report = json.loads(stack.ctl("doctor", "--json"))  # exit status 0
    assert report["ok"], report
    assert {c["area"] for c in report["checks"]} == {"settings", "paths", "keys", "tools", "database", "audit", "workers", "retention", "queue"}
    assert any("mailmover" in c["what"] for c in report["checks"])


def test_verify_prints_the_table(stack, domain, new_job):
    technician, job, _ = new_job(stack, domain, messages=40)
    technician.do(job["id"], "sync", **{"pass": "initial"})
    box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]["id"]
    printed = stack.ctl("verify", "--job-id", job["id"], "--mailbox-id", box, "--deep")
    assert "INBOX" in printed and "complete" in printed and "deep" in printed
    assert stack.ctl("verify", "--job-id", job["id"], "--mailbox-id", box, "--last") == printed
    verification = technician.get(f"/mailboxes/{box}/verification")
    assert verification["complete"] and verification["missing"] == 0
    assert stack.ctl("verify", "--job-id", job["id"] + 1000, "--mailbox-id", box, expect=None).returncode == 66
    assert domain in stack.ctl("job", "list")
    assert job["id"] in [j["id"] for j in json.loads(stack.ctl("job", "list", "--json"))]


def test_keys_are_added_in_front(private):
    worker = private.path / "worker.env"
    private("key", "generate", "--worker-env", worker, "--settings", private.settings)
    first = worker.read_text(encoding="utf-8")
    assert worker.stat().st_mode & 0o777 == 0o640
    private("key", "generate", "--worker-env", worker, "--settings", private.settings)
    second = worker.read_text(encoding="utf-8").strip().split("=", 1)[1].split(",")
    assert len(second) == 2 and first.strip().split("=", 1)[1] == second[1]
    text = private.settings.read_text(encoding="utf-8")
    assert text.startswith("# mine\n") and text.count("MIGRATION_SEAL_PUBLIC_KEYS=") == 1
    assert private.settings.stat().st_mode & 0o777 == 0o640
    private("database", "init")
    assert ("keys", "ok") in findings(private("doctor", "--json", status=1).split("\nmigrationctl")[0])


def test_a_wrong_pair_is_found(private):
    worker = private.path / "worker.env"
    private("key", "generate", "--worker-env", worker, "--settings", private.settings)
    worker.unlink()
    private("key", "generate", "--worker-env", worker, "--settings", private.path / "elsewhere.env")
    assert "no secret key of the worker opens" in private("doctor", status=1)


def test_a_key_is_never_overwritten(private):
    key = private.path / "issuer.key"
    private("key", "issuer", "--out", key)
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    assert "never overwritten" in private("key", "issuer", "--out", key, status=65)
    assert key.read_bytes() == before


def test_tokens_of_the_own_issuer(private):
    jwt = pytest.importorskip("jwt")
    key = private.path / "issuer.key"
    private("key", "issuer", "--out", key)
    token = private("token", "issue", "--role", "gate_reader", "--sub", "vm112", "--days", 2, "--key", key).strip()
    claims = jwt.decode(token, (private.path / "issuer.key.pub").read_text(encoding="utf-8"), algorithms=["ES256"],
                        audience="desk-migration", issuer="desk-migration")
    assert claims["role"] == "gate_reader" and claims["exp"] - claims["iat"] == 2 * 86400
    private("token", "issue", "--role", "worker", "--key", key, status=64)


def test_users(private):
    private("database", "init")
    private("user", "add", "Ana", "--role", "super_admin", given="a password of mine\n")
    assert "ana" in private("user", "list")
    assert "10 to" in private("user", "add", "bea", "--role", "technician", given="short\n", status=65)
    private("user", "add", "ana", "--role", "technician", given="a password of mine\n", status=65)
    assert "last super_admin" in private("user", "disable", "ana", status=65)
    private("user", "passwd", "ana", given="another password of mine\n")
    for name in os.listdir(private.path / "data"):
        assert b"password of mine" not in (private.path / "data" / name).read_bytes() if name.endswith(".db") else True


def test_a_tampered_audit_trail(private):
    private("database", "init")
    for name in ("ana", "bea", "caio"):
        private("user", "add", name, "--role", "super_admin", given="a password of mine\n")
    assert "3 rows, unbroken" in private("audit", "verify")
    database = private.path / "data" / "migration.db"
    for statement, row in (("UPDATE audit SET actor = 'nobody' WHERE id = 2", "row 2"),
                           ("DELETE FROM audit WHERE id = 2", "rows 2 to 2 are missing"),
                           ("DELETE FROM audit WHERE id = 3", "rows 3 to 3 are missing")):
        shutil.copy(database, private.path / "kept.db")
        with sqlite3.connect(database) as connection:
            connection.executescript("DROP TRIGGER audit_keep; DROP TRIGGER audit_stay;")
            connection.execute(statement)
        connection.close()
        assert row in private("audit", "verify", status=1)
        for leftover in ("migration.db-wal", "migration.db-shm"):
            (private.path / "data" / leftover).unlink(missing_ok=True)
        shutil.copy(private.path / "kept.db", database)
    assert "unbroken" in private("audit", "verify")


def test_wrong_usage(private):
    for arguments in ((), ("nothing",), ("user",), ("user", "add"), ("user", "add", "a", "b", "--role", "technician"),
                      ("worker", "add", "w"), ("verify",), ("verify", "--job-id", "x", "--mailbox-id", "1"),
                      ("doctor", "--loud"), ("token", "issue", "--role")):
        assert "usage: migrationctl" in private(*arguments, status=64)


def test_mistakes_in_the_settings_are_all_named(private):
    with private.settings.open("a", encoding="utf-8") as file:
        file.write("MIGRATION_TYPO=1\nMIGRATION_RUN_ATTEMPTS=many\n")
    told = private("user", "list", status=78)
    assert ":5: MIGRATION_TYPO" in told and ":6: MIGRATION_RUN_ATTEMPTS" in told
    assert "MIGRATION_TYPO" in private("doctor", status=1)
