"""The report and the certificate: made by a run, served by the API, checked offline, and an anchor of the audit trail."""

import base64
import contextlib
import hashlib
import json
import shutil
import sqlite3
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stack import mailgen


def moved(stack, domain, users=("joão", "ana"), count=4):
    """A job that is moved, verified and approved; its technician."""
    technician = stack.client("technician")
    names = [f"{u}@{domain}" for u in users]
    for name in names:
        generator = mailgen.Generator(name, 1)
        stack.add_mail_account(name, [mailgen.Folder(folder, True, [generator.message(attachment=0, flags=())
                                                                    for _ in range(count)])
                                      for folder in ("INBOX", "Correspondência")])
    job = technician.create_job(domain, title="Migração da Açoreana", ticket="T-77", **stack.job_servers())
    boxes = technician.add_mailboxes(job["id"], [stack.mailbox_request(n) for n in names])
    for kind, body in (("sync", {"pass_": "final"}), ("verify", {})):
        assert all(r["status"] == "succeeded" for r in technician.do(job["id"], kind, **body))
    return technician, job, boxes


def make_report(technician, job, language=None):
    answer = technician.call("POST", f"/jobs/{job['id']}/report", {}, {"Accept-Language": language} if language else None)
    run, = technician.wait_runs(answer.json["runs"])
    assert run["status"] == "succeeded", (run["code"], run["message"])
    return run


def files(technician, job):
    return {name: technician.call("GET", f"/jobs/{job['id']}/{name}").body
            for name in ("certificate.json", "report.pdf", "report.csv")}


def public_key(stack):
    for line in stack.paths.settings.read_text(encoding="utf-8").splitlines():
        if line.startswith("MIGRATION_SIGNING_PUBLIC_KEYS="):
            return line.split("=", 1)[1].strip('"')
    raise AssertionError("no public key in the settings")


def canonical(value):
    """RFC 8785 as far as it is needed: the names are ASCII, the numbers integers."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def check_by_hand(text, key):
    """What the manual says a certificate is, with another implementation: raises when it is not."""
    document = json.loads(text)
    statement = document["statement"]
    for name, digest in statement["sections"].items():
        assert hashlib.sha256(canonical(document["sections"][name])).hexdigest() == digest, name
    assert set(statement["sections"]) == set(document["sections"])
    Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key)).verify(
        base64.urlsafe_b64decode(document["signature"]["value"]),
        b"desk-migration certificate 1\n" + canonical(statement))
    return document


@pytest.fixture(scope="module")
def reported(stack):
    """A job with its report: (technician, job, mailboxes, files)."""
    technician, job, boxes = moved(stack, "relatorio.example")
    stack.client("lead").approve(job["id"], "confirmado com a Léa")
    make_report(technician, job, "pt")
    return technician, job, boxes, files(technician, job)


def test_certificate(stack, reported, tmp_path):
    """It says what the API says, an implementation written apart agrees, and migrationctl does so offline."""
    technician, job, boxes, made = reported
    document = check_by_hand(made["certificate.json"], public_key(stack))
    statement, sections = document["statement"], document["sections"]
    now, _ = technician.verification(job["id"])
    assert statement["verdict"] == now["gate"]["verdict"] == "ready_for_dns"
    assert statement["facts"] == now["gate"]["facts"]
    assert hashlib.blake2b(sections["gate"]["facts_text"].encode(), digest_size=32).hexdigest() == statement["facts"]
    assert sections["decisions"][0]["reason"] == "confirmado com a Léa"
    for box in boxes:
        section = sections[f"mailbox {box['id']}"]
        assert section["verification"]["found"] == section["verification"]["expected"] == 8
        assert {f["folder"] for f in section["verification"]["folders"]} >= {"INBOX", "Correspondência"}
        for ledger in section["ledgers"]:
            kept = stack.paths.data / "artefacts" / str(ledger["run_id"]) / ledger["name"]
            assert hashlib.sha256(kept.read_bytes()).hexdigest() == ledger["sha256"]
        assert {"events.jsonl"} <= {ledger["name"] for ledger in section["ledgers"]}
    file = tmp_path / "certificate.json"
    file.write_bytes(made["certificate.json"])
    offline = subprocess.run([stack.programs / "migrationctl", "-c", "/nonexistent", "certificate", "verify", file,
                              "--public-key", public_key(stack)], capture_output=True, text=True, check=False)
    assert offline.returncode == 0 and "GOOD" in offline.stdout, offline
    assert hashlib.sha256(made["certificate.json"]).hexdigest() in offline.stdout


def test_tampered_certificate(stack, reported, tmp_path):
    """Each kind of change is named, in a different place each; exit status 1."""
    _, _, boxes, made = reported
    document, file = json.loads(made["certificate.json"]), tmp_path / "c.json"
    section = f"mailbox {boxes[0]['id']}"

    def said(change, expect):
        copy = json.loads(made["certificate.json"])
        change(copy)
        file.write_text(json.dumps(copy, ensure_ascii=False), encoding="utf-8")
        result = stack.ctl("certificate", "verify", file, expect=None)
        assert result.returncode == 1 and expect in result.stdout, (expect, result)
        with pytest.raises((AssertionError, InvalidSignature, KeyError)):
            check_by_hand(file.read_text(encoding="utf-8"), public_key(stack))
    said(lambda d: d["sections"][section]["verification"].update(found=9), f"BAD: {section}: changed")
    said(lambda d: d["sections"][section]["missing"].append({"uid": 1}), f"BAD: {section}: changed")
    said(lambda d: d["sections"].pop(section), f"BAD: {section}: was removed")
    said(lambda d: d["sections"].update({"mailbox 999": {}}), "BAD: mailbox 999: was added")
    said(lambda d: d["sections"]["decisions"][0].update(by="desk|nobody"), "BAD: decisions: changed")
    said(lambda d: d["statement"].update(verdict="blocked"), "BAD: statement: the signature is not of it")
    said(lambda d: d["statement"]["audit"].update(rows=1), "BAD: statement: the signature is not of it")
    assert document["signature"]["algorithm"] == "Ed25519"


def test_another_key(stack, reported, tmp_path):
    file = tmp_path / "c.json"
    file.write_bytes(reported[3]["certificate.json"])
    other = base64.urlsafe_b64encode(b"\x01" * 32).decode()
    result = stack.ctl("certificate", "verify", file, "--public-key", other, expect=None)
    assert result.returncode == 1 and "another key" in result.stdout


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_report(reported, tmp_path):
    """A sound PDF in the language asked for, with the certificate's hash and the certificate itself in it."""
    technician, _, _, made = reported
    file = tmp_path / "report.pdf"
    file.write_bytes(made["report.pdf"])
    if shutil.which("qpdf"):
        assert subprocess.run(["qpdf", "--check", file], capture_output=True, check=False).returncode == 0
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256(made["certificate.json"]).hexdigest()
    for expected in ("Relatório da migração", "Migração da Açoreana", "Correspondência", "joão@relatorio.example",
                     "confirmado com a Léa", "Sim: pronto para DNS", digest):
        assert expected in text, expected
    subprocess.run(["pdfdetach", "-save", "1", "-o", tmp_path / "attached", file], check=True, capture_output=True)
    assert (tmp_path / "attached").read_bytes() == made["certificate.json"]
    rows = made["report.csv"].decode("utf-8-sig").splitlines()
    assert len(rows) == 1 + 4 and rows[0].startswith("mailbox_id,source_user"), rows


def test_served(stack, reported):
    """ETag is the file's hash; who may see the job may see it; without a report the API says what to do."""
    technician, job, _, made = reported
    path = f"/jobs/{job['id']}/certificate.json"
    answer = technician.call("GET", path)
    assert answer.etag.strip('"') == hashlib.sha256(made["certificate.json"]).hexdigest()
    assert technician.request("GET", path, headers={"If-None-Match": answer.etag}).status == 304
    assert stack.bearer("gate_reader").request("GET", path).status == 403
    fresh = technician.create_job("sem-relatorio.example", **stack.job_servers())
    none = technician.request("GET", f"/jobs/{fresh['id']}/report.pdf")
    assert (none.status, none.json["code"]) == (404, "not_found")


def test_no_key(new_stack):
    """A worker without a signing key says so; nothing unsigned is made."""
    stack = new_stack(mail=False, worker_settings={"MIGRATION_SIGNING_KEY": ""})
    technician = stack.client("technician")
    job = technician.create_job("nokey.example")
    run, = technician.wait_runs(technician.post(f"/jobs/{job['id']}/report", {})["runs"])
    assert (run["status"], run["code"]) == ("failed", "key.invalid")
    assert "MIGRATION_SIGNING_KEY" in run["message"]


@pytest.mark.long
def test_audit_trail(new_stack):
    """A row changed, removed, inserted, replaced with all after it, or cut off the end: found and named."""
    stack = new_stack(mail=False)
    technician = stack.client("technician")
    job = technician.create_job("audit.example")
    make_report(technician, job)
    database = stack.paths.database
    assert "unbroken; 1 certificates agree" in stack.ctl("audit", "verify")
    stack.pools.close()
    whole = database.parent / "whole.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        last, = connection.execute("SELECT max(id) FROM audit").fetchone()
    shutil.copy2(database, whole)

    def said(expect, *statements):
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.executescript("DROP TRIGGER audit_keep; DROP TRIGGER audit_stay;" + ";".join(statements))
            connection.commit()
        result = stack.ctl("audit", "verify", expect=None)
        assert result.returncode == 1 and expect in result.stdout, (expect, result)
        for suffix in ("-wal", "-shm"):
            (database.parent / (database.name + suffix)).unlink(missing_ok=True)
        with open(whole, "rb") as source, open(database, "wb") as target:  # owner and mode stay
            shutil.copyfileobj(source, target)
    said("row 3: its content was changed", "UPDATE audit SET actor='nobody' WHERE id=3")
    said("rows 3 to 3 are missing", "DELETE FROM audit WHERE id=3")
    said(f"row {last + 1}: its content was changed",
         f"INSERT INTO audit SELECT {last + 1}, at, actor, role, action, job_id, subject, detail, hash, 'x' FROM audit WHERE id={last}")
    # between two rows, all behind it moved up by one
    said("row 4: its content was changed",
         "UPDATE audit SET id = -id WHERE id > 3", "UPDATE audit SET id = 1 - id WHERE id < 0",
         "INSERT INTO audit SELECT 4, at, actor, role, action, job_id, subject, detail, previous, hash FROM audit WHERE id = 3")
    # cut off together with the counter: the chain alone cannot know, the certificate does
    said("are missing at the end", "DELETE FROM audit WHERE id > 4", "UPDATE sqlite_sequence SET seq=4 WHERE name='audit'")
    assert stack.ctl("audit", "verify")


@pytest.mark.long
def test_replaced_trail(new_stack):
    """A whole trail written anew, sound in itself, is not the one that the certificate has seen."""
    one = new_stack(mail=False)
    two = new_stack(mail=False, api_settings={"MIGRATION_SIGNING_PUBLIC_KEYS": public_key(one)},
                    worker_settings={"MIGRATION_SIGNING_KEY": one.signing_key})
    for stack in (one, two):
        technician = stack.client("technician")
        make_report(technician, technician.create_job("replaced.example"))
    certificate = two.paths.top / "c.json"  # migrationctl reads it as the database's owner
    certificate.write_bytes(files(one.client("technician"), {"id": 1})["certificate.json"])
    certificate.chmod(0o644)
    assert "unbroken" in two.ctl("audit", "verify")
    result = two.ctl("audit", "verify", certificate, expect=None)
    assert result.returncode == 1 and "or one before it was replaced" in result.stdout, result


@pytest.mark.long
def test_job_too_large_for_one_answer(new_stack, tmp_path):
    """1,500 mailboxes with 60 missing messages each, 70 MB of them: the report is made, what it cannot list is counted."""
    boxes, each = 1500, 60
    stack = new_stack(mail=False)
    technician = stack.client("technician")
    job = technician.create_job("large.example")
    server = {"host": "mail.example", "port": 993, "tls": "tls"}
    for first in range(0, boxes, 500):
        technician.add_mailboxes(job["id"], [{"source": {"kind": "imap", "user": f"u{i}@large.example", **server},
                                              "destination": {"user": f"u{i}@large.example", **server}}
                                             for i in range(first, first + 500)])
    run, = technician.wait_runs([technician.post(f"/jobs/{job['id']}/accounts/read", {})])
    stack.pools.stop()
    with contextlib.closing(sqlite3.connect(stack.paths.database)) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM mailboxes WHERE job_id = ? ORDER BY id", (job["id"],))]
        for box in ids:
            cursor = connection.execute("INSERT INTO verifications (run_id, attempt, mailbox_id, complete, expected, found, missing,"
                                        " unexplained, at) VALUES (?, ?, ?, 1, 1000, ?, ?, ?, 1)",
                                        (run["id"], box, box, 1000 - each, each, each))
            connection.executemany(
                "INSERT INTO missing (verification_id, folder, uid, size, date, message_id, sender, subject, class, detail)"
                " VALUES (?, 'Correspondência/2019', ?, 4096, '2019-02-03 04:05:06 +0000', ?, 'Conceição <c@x.example>', ?,"
                " 'unexplained', ?)",
                [(cursor.lastrowid, n, f"<{box}.{n}.{'m' * 60}@large.example>", "Relatório " + "ção " * 60, "words " * 40)
                 for n in range(each)])
        connection.commit()
    stack.pools.start()
    make_report(technician, job)
    made = files(technician, job)
    document = check_by_hand(made["certificate.json"], public_key(stack))
    sections = [document["sections"][f"mailbox {box}"] for box in ids]
    assert all(len(s["missing"]) >= 3 and len(s["missing"]) + s["missing_left_out"] == each for s in sections)
    assert 0 < sum(s["missing_left_out"] for s in sections) < boxes * each
    assert all(s["verification"]["missing"] == each for s in sections)
    if shutil.which("pdftotext"):
        (tmp_path / "report.pdf").write_bytes(made["report.pdf"])
        text = subprocess.run(["pdftotext", tmp_path / "report.pdf", "-"], capture_output=True, text=True, check=True).stdout
        assert "57 more are not listed here" in text and f"u{boxes - 1}@large.example" in text
