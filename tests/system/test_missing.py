"""What a verification missed: paged, as CSV, copied again, accepted in words."""

import csv
import imaplib
import io
import ssl

from stack import mailgen

from test_gate import codes, remove_mail


def lost(stack, domain, count=6, gone=4):
    """A mailbox of which some messages went missing at the destination: (technician, job, mailbox, user)."""
    user = f"u@{domain}"
    generator = mailgen.Generator(user, 1)
    messages = [generator.message(attachment=0, flags=()) for _ in range(count)]
    stack.add_mail_account(user, [mailgen.Folder("INBOX", True, messages)])
    technician = stack.client("technician")
    job = technician.create_job(domain, **stack.job_servers())
    box, = technician.add_mailboxes(job["id"], [stack.mailbox_request(user)])
    technician.do(job["id"], "sync", pass_="final")
    remove_mail(stack, stack.destination, user, "INBOX", gone)
    technician.do(job["id"], "verify")
    return technician, job, box, user


def add_formula(stack, user):
    """A message whose sender and subject a spreadsheet would compute, at the source alone."""
    account = stack.account(stack.source, user)
    connection = imaplib.IMAP4_SSL(account.host, account.port,
                                   ssl_context=ssl.create_default_context(cafile=str(account.ca_file)))
    connection.login(account.user, account.password)
    connection.append("INBOX", None, None, b"From: =cmd@a.example\r\nSubject: =HYPERLINK(\"http://x\",\"y\")\r\n"
                                           b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <+1@x>\r\n\r\nbody\r\n")
    connection.logout()


def test_listed_and_exported(stack, domain):
    technician, job, box, user = lost(stack, domain)
    path = f"/mailboxes/{box['id']}/missing"
    first = technician.get(f"{path}?limit=3")
    rest = technician.get(f"{path}?limit=3&cursor={first['next']}")
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)
    assert technician.get(f"{path}?class=unexplained")["items"] and not technician.get(f"{path}?class=refused")["items"]
    add_formula(stack, user)
    technician.do(job["id"], "sync", pass_="final")  # what was deleted there is not brought back by a pass; this one is new
    remove_mail(stack, stack.destination, user, "INBOX", 3)
    technician.do(job["id"], "verify")
    items = technician.get(path)["items"]
    answer = technician.call("GET", f"{path}?format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert len(rows) == len(items) > 4
    assert list(rows[0]) == ["folder", "date", "from", "subject", "size", "class", "server", "message_id", "uid"]
    for row, item in zip(rows, items):
        assert row["folder"] == item["folder"] and int(row["size"]) == item["size"] and row["class"] == item["class"]
    assert [r["subject"] for r in rows if "HYPERLINK" in r["subject"]] == ["'=HYPERLINK(\"http://x\",\"y\")"]
    assert not [v for r in rows for v in r.values() if v[:1] in "=+-@\t" and v]
    assert technician.call("GET", path, headers={"Accept": "text/csv"}).body == answer.body
    assert technician.request("GET", f"{path}?format=xml").status == 422


def test_copied_again(stack, domain):
    """Some by name, then the rest: a run of kind recopy, and a verify finds them."""
    technician, job, box, _ = lost(stack, domain)
    path = f"/mailboxes/{box['id']}/missing"
    items = technician.get(path)["items"]
    run = technician.post(f"{path}/recopy", {"ids": [items[0]["id"]]})
    done, = technician.wait_runs([run])
    assert (done["kind"], done["status"]) == ("recopy", "succeeded"), (done["code"], done["message"])
    technician.do(job["id"], "verify")
    assert len(technician.get(path)["items"]) == 3
    assert technician.request("POST", f"{path}/recopy", {"ids": [items[0]["id"]]}).status == 409  # of an older list
    done, = technician.wait_runs([technician.post(f"{path}/recopy", {"class": "unexplained"})])
    assert done["status"] == "succeeded"
    assert "pass.not_last_final" in codes(technician.gate(domain)), "a recopy is no final pass"
    technician.do(job["id"], "verify")
    assert technician.get(path)["items"] == []
    assert technician.request("POST", f"{path}/recopy", {}).status == 409


def test_accepted(stack, domain):
    """By an ops lead, with the number that he has seen; a newer verification asks again."""
    technician, job, box, _ = lost(stack, domain, 300, 2)
    lead, body = stack.client("lead"), {"what": "missing", "reason": "spam, agreed with the customer"}
    path = f"/mailboxes/{box['id']}/missing/accept"
    assert "mailbox.missing_unexplained" in codes(technician.gate(domain))
    assert technician.request("POST", path, {**body, "count": 2}).status == 403
    assert lead.request("POST", path, {**body, "count": 1}).status == 409
    assert lead.request("POST", path, {"what": "missing", "count": 2}).status == 422
    accepted = lead.post(path, {**body, "count": 2})
    assert (accepted["count"], accepted["role"]) == (2, "ops_lead")
    assert codes(technician.gate(domain)) == {"gate.not_approved"}
    technician.do(job["id"], "verify")
    assert "mailbox.missing_unexplained" in codes(technician.gate(domain))
