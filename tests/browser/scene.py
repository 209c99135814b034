"""A migration that shows all that the page can show: used to look at every screen."""

import owner
from stack import mailgen

LONG = "a-name-that-goes-on-and-on-as-names-of-departments-do"
HOSTILE = "<b>Faktura & Söhne</b> ação"


def letters(user, count):
    generator = mailgen.Generator(user, 1)
    return [generator.message(attachment=0, flags=()) for _ in range(count)]


def make(stack, domain="roles.example"):
    """Moved and verified mailboxes, missing mail, a wrong password, long names, an account that is not in the job, a DNS
    provider. {job, mailbox}."""
    users = [f"ana@{domain}", f"bruno.{LONG}@{domain}", f"carla@{domain}"]
    for user in users:
        stack.add_mail_account(user, [mailgen.Folder("INBOX", True, letters(user, 6)),
                                      mailgen.Folder(f"{HOSTILE} {LONG}", True, letters(user, 2))])
    technician = stack.client("technician")
    job = technician.create_job(domain, ticket="DESK-20261123-00042", title="Câmara Municipal de Vila Nova de Famalicão, departamento de obras",
                                **stack.job_servers())["id"]
    boxes = technician.add_mailboxes(job, [stack.mailbox_request(user) for user in users])
    etag = technician.call("GET", f"/mailboxes/{boxes[2]['id']}").etag
    technician.patch(f"/mailboxes/{boxes[2]['id']}", {"source": {"secret": "not this one"}}, etag)
    technician.do(job, "preflight")
    technician.do(job, "sync", pass_="final")
    owner.remove(stack, stack.destination, users[0], "1:2")
    technician.do(job, "verify")
    technician.do(job, "discover")
    technician.post(f"/jobs/{job}/accounts", {"accounts": [users[0], f"forgotten.{LONG}@{domain}"]})
    technician.call("PUT", f"/jobs/{job}/dns", {
        "mx": [{"preference": 10, "host": "mx.new.example"}], "ttl": 300, "low_ttl": 300, "selectors": ["s1"],
        "provider": {"kind": "rfc2136", "host": "192.0.2.1", "port": 53, "zone": domain, "key": "move", "algorithm": "hmac-sha256",
                     "secret": "c2VjcmV0IHNlY3JldCBzZWNyZXQ="}})
    return {"job": job, "mailbox": boxes[0]["id"]}
