"""The gate through the API: each line of the table, on real mail where it needs any."""

import imaplib
import ssl

import pytest

from stack import mailgen


def codes(gate):
    return {r["code"] for r in gate["reasons"]}


def remove_mail(stack, server, user, folder, count):
    """Deletes the first messages of a folder, as a user would."""
    account = stack.account(server, user)
    connection = imaplib.IMAP4_SSL(account.host, account.port,
                                   ssl_context=ssl.create_default_context(cafile=str(account.ca_file)))
    connection.login(account.user, account.password)
    connection.select(folder)
    connection.store(f"1:{count}", "+FLAGS", "(\\Deleted)")
    connection.expunge()
    connection.logout()


def simple(stack, domain, counts):
    """A job whose mailboxes hold that many messages in INBOX. Returns (technician, job, mailboxes, users)."""
    users = [f"u{i}@{domain}" for i in range(len(counts))]
    for user, count in zip(users, counts):
        generator = mailgen.Generator(user, 1)
        stack.add_mail_account(user, [mailgen.Folder("INBOX", True, [generator.message(attachment=0, flags=())
                                                                     for _ in range(count)])])
    technician = stack.client("technician")
    job = technician.create_job(domain, **stack.job_servers())
    boxes = technician.add_mailboxes(job["id"], [stack.mailbox_request(u) for u in users]) if users else []
    return technician, job, boxes, users


def passed(technician, job, kind, **body):
    runs = technician.do(job["id"], kind, **body)
    assert all(r["status"] == "succeeded" for r in runs), [(r["code"], r["message"]) for r in runs]


def proven(stack, domain, counts):
    """simple(), moved by a final pass and verified."""
    made = simple(stack, domain, counts)
    passed(made[0], made[1], "sync", pass_="final")
    passed(made[0], made[1], "verify")
    return made


def test_no_job(stack, domain):
    gate = stack.bearer("gate_reader").gate(domain)
    assert (gate["verdict"], codes(gate), gate["ready"], gate["ratio"]) == ("blocked", {"job.none"}, False, None)


def test_no_mailboxes(stack, domain):
    technician, _, _, _ = simple(stack, domain, [])
    gate = technician.gate(domain)
    assert gate["verdict"] == "blocked" and "job.empty" in codes(gate)


def test_unverified(stack, domain):
    technician, job, _, _ = simple(stack, domain, [3])
    passed(technician, job, "sync", pass_="final")
    gate = technician.gate(domain)
    assert gate["verdict"] == "blocked" and "mailbox.unverified" in codes(gate)


def test_empty_source(stack, domain):
    technician, job, boxes, _ = proven(stack, domain, [0])
    gate = technician.gate(domain)
    assert gate["verdict"] == "blocked" and "source.empty" in codes(gate)
    assert gate["ratio"] is None  # nought of nought is no ratio
    with pytest.raises(Exception, match="403"):
        technician.post(f"/mailboxes/{boxes[0]['id']}/missing/accept", {"what": "source.empty", "reason": "new"})
    stack.client("lead").post(f"/mailboxes/{boxes[0]['id']}/missing/accept",
                              {"what": "source.empty", "reason": "a mailbox for a new colleague", "count": 0})
    gate = technician.gate(domain)
    assert (gate["verdict"], codes(gate)) == ("warning", {"gate.not_approved"})


def test_source_shrank(stack, domain):
    technician, job, _, users = simple(stack, domain, [10])
    passed(technician, job, "sync", pass_="initial")
    remove_mail(stack, stack.source, users[0], "INBOX", 4)
    passed(technician, job, "sync", pass_="final")
    passed(technician, job, "verify")
    gate = technician.gate(domain)
    assert gate["verdict"] == "blocked" and "source.shrank" in codes(gate)


def test_removed_mailbox(stack, domain):
    technician, _, boxes, _ = proven(stack, domain, [2, 2])
    etag = technician.call("GET", f"/mailboxes/{boxes[1]['id']}").etag
    technician.delete(f"/mailboxes/{boxes[1]['id']}", {"reason": "left the company"}, {"If-Match": etag})
    gate = technician.gate(domain)
    assert gate["verdict"] == "blocked" and "mailbox.removed" in codes(gate)


def test_one_below_while_the_sum_is_above(stack, domain):
    technician, job, boxes, users = simple(stack, domain, [300, 10])
    passed(technician, job, "sync", pass_="final")
    remove_mail(stack, stack.destination, users[1], "INBOX", 2)
    ended = {r["mailbox_id"]: r["status"] for r in technician.do(job["id"], "verify")}
    assert ended == {boxes[0]["id"]: "succeeded", boxes[1]["id"]: "partial"}
    gate = technician.gate(domain)
    assert gate["ratio"] > 0.99
    assert gate["verdict"] == "blocked"
    assert boxes[1]["id"] in {r["mailbox_id"] for r in gate["reasons"] if r["code"] == "mailbox.below_minimum"}
    missing = technician.get(f"/mailboxes/{boxes[1]['id']}/missing")["items"]
    assert len(missing) == 2 and {m["class"] for m in missing} == {"unexplained"}


def test_stale_if_match(stack, domain):
    technician, job, boxes, _ = proven(stack, domain, [2])
    lead = stack.client("lead")
    seen, etag = lead.verification(job["id"])
    passed(technician, job, "sync", pass_="final")  # the facts move
    passed(technician, job, "verify")
    answer = lead.request("POST", f"/jobs/{job['id']}/approve-gate", {"mailboxes": seen["gate"]["mailboxes"]},
                          {"If-Match": etag})
    assert (answer.status, answer.json["code"]) == (412, "precondition.failed")
    assert lead.request("POST", f"/jobs/{job['id']}/approve-gate", {"mailboxes": 1}).status == 428
    assert technician.gate(domain)["verdict"] == "warning"
    wrong_number = lead.request("POST", f"/jobs/{job['id']}/approve-gate", {"mailboxes": 7},
                                {"If-Match": lead.verification(job["id"])[1]})
    assert 400 <= wrong_number.status < 500
    assert lead.approve(job["id"])["verdict"] == "ready_for_dns"


def test_blocked_cannot_be_approved(stack, domain):
    _, job, _, _ = simple(stack, domain, [2])
    lead = stack.client("lead")
    etag = lead.verification(job["id"])[1]
    answer = lead.request("POST", f"/jobs/{job['id']}/approve-gate", {"mailboxes": 1}, {"If-Match": etag})
    assert answer.status == 409


def test_sync_after_approval(stack, domain):
    """A queued sync blocks at once, and what it did voids the approval."""
    technician, job, _, _ = proven(stack, domain, [2])
    lead = stack.client("lead")
    assert lead.approve(job["id"])["verdict"] == "ready_for_dns"
    run = technician.start(job["id"], "sync", pass_="final")
    document, _ = technician.verification(job["id"])
    technician.wait_runs(run)
    gate = technician.gate(domain)
    assert document["gate"]["verdict"] != "ready_for_dns"
    assert gate["verdict"] != "ready_for_dns" and not gate["ready"]
    assert {"verify.stale", "gate.approval_void"} <= codes(gate)
    passed(technician, job, "verify")
    gate = technician.gate(domain)
    assert gate["verdict"] == "warning"
    assert technician.verification(job["id"])[0]["gate"]["approval"]["void_because"]
    assert lead.approve(job["id"])["verdict"] == "ready_for_dns"


def test_revoked(stack, domain):
    technician, job, _, _ = proven(stack, domain, [2])
    lead = stack.client("lead")
    lead.approve(job["id"])
    lead.post(f"/jobs/{job['id']}/revoke-gate", {"reason": "the customer asked for another week"},
              {"If-Match": lead.verification(job["id"])[1]})
    assert technician.gate(domain)["verdict"] == "warning"


def test_override(stack, domain):
    """Roles of the setting only, with a reason; covers what was there, and nothing that comes later."""
    technician, job, boxes, _ = simple(stack, domain, [2])
    body = {"mailboxes": 1, "reason": "the old server is going away tonight"}
    for name in ("technician", "lead"):
        client = stack.client(name)
        etag = client.verification(job["id"])[1]
        assert client.request("POST", f"/jobs/{job['id']}/override-gate", body, {"If-Match": etag}).status == 403
    admin = stack.client("admin")
    etag = admin.verification(job["id"])[1]
    refused = admin.request("POST", f"/jobs/{job['id']}/override-gate", {"mailboxes": 1}, {"If-Match": etag})
    assert 400 <= refused.status < 500  # no reason given
    gate = admin.post(f"/jobs/{job['id']}/override-gate", body, {"If-Match": etag})
    assert gate["verdict"] == "ready_for_dns" and gate["override"]["valid"]
    etag = admin.call("GET", f"/mailboxes/{boxes[0]['id']}").etag
    technician.add_mailboxes(job["id"], {"source": {"user": f"late@{domain}"}, "destination": {"user": f"late@{domain}"}})
    assert technician.gate(domain)["verdict"] == "blocked"


def test_several_jobs_worst_answers(stack, domain):
    """Domains are compared in any case, and a domain belongs to one open job only."""
    _, job, _, _ = simple(stack, domain, [])
    again = stack.client("technician").request("POST", "/jobs", {"domains": [domain.upper()], **stack.job_servers()})
    assert again.status == 409, again.text
    assert stack.client("technician").gate(domain.upper())["domain"] == domain
    assert job["domains"] == [domain]


def test_etag_of_the_gate(stack, domain):
    technician, job, _, _ = proven(stack, domain, [1])
    reader = stack.bearer("gate_reader")
    first = reader.call("GET", f"/gate?domain={domain}")
    same = reader.request("GET", f"/gate?domain={domain}", headers={"If-None-Match": first.etag})
    assert same.status == 304 and not same.body
    stack.client("lead").approve(job["id"])
    changed = reader.request("GET", f"/gate?domain={domain}", headers={"If-None-Match": first.etag})
    assert changed.status == 200 and changed.etag != first.etag and changed.json["ready"] is True


def test_never_stored(stack, domain):
    """No verdict is in the database: it is decided anew each time."""
    import contextlib
    import sqlite3
    proven(stack, domain, [1])
    with contextlib.closing(sqlite3.connect(f"file:{stack.paths.database}?mode=ro", uri=True)) as connection:
        columns = [name for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
                   for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    assert not [c for c in columns if "verdict" in c]


def test_disabled(new_stack):
    """MIGRATION_ENABLED=false: every route but /health answers 503, and the gate is not open."""
    stack = new_stack(mail=False, with_worker=False, api_settings={"MIGRATION_ENABLED": False})
    from stack.client import Client
    client = stack.bearer("gate_reader")
    assert client.request("GET", "/health").status == 200
    answer = client.request("GET", "/gate?domain=a.example")
    assert (answer.status, answer.json["code"]) == (503, "service.disabled")
    assert Client(stack.url).request("GET", "/jobs").status == 503


def test_vm112_script(stack, domain, tmp_path):
    """Exit status 0 only for ready_for_dns; a wrong address or token is a no as well."""
    import subprocess
    from stack.stack import TOP
    token = tmp_path / "token"
    token.write_text(stack.vm112_token() + "\n", encoding="ascii")

    def ask(*arguments):
        return subprocess.run([TOP / "scripts/vm112-gate", "--url", stack.url, "--token-file", token, *arguments],
                              capture_output=True, text=True, check=False)
    assert ask(domain).returncode == 1
    _, job, _, _ = proven(stack, domain, [1])
    waiting = ask(domain)
    assert waiting.returncode == 1 and "warning" in waiting.stdout and "gate.not_approved" in waiting.stdout
    stack.client("lead").approve(job["id"])
    ready = ask(domain)
    assert ready.returncode == 0 and "ready_for_dns" in ready.stdout, ready.stderr
    assert ask("--url", "http://127.0.0.1:9", domain).returncode == 3
    assert ask("not a domain").returncode == 3
    token.write_text("wrong", encoding="ascii")
    assert ask(domain).returncode == 3
