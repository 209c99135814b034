"""The gate and people: four eyes, accounts that nobody thought of, and a hundred of them at once."""

import collections

import pytest

from stack.client import parallel

from test_gate import codes, passed, proven, simple


def test_accounts_of_the_destination(stack, domain):
    """An account of the new server without a mailbox in the job is named until it gets one or is accepted."""
    technician, job, _, users = proven(stack, domain, [1])
    lead, path = stack.client("lead"), f"/jobs/{job['id']}/accounts"
    assert technician.get(path)["how"] is None
    lead.approve(job["id"])
    listed = technician.post(path, {"accounts": [users[0].upper(), f"galsync@{domain}", f"forgotten@{domain}", "x@other.example"]})
    assert [a["account"] for a in listed["not_in_job"]] == [f"forgotten@{domain}", f"galsync@{domain}"]
    gate = technician.verification(job["id"])[0]["gate"]
    assert gate["verdict"] == "warning" and {"account.not_in_job", "gate.approval_void"} <= codes(gate)
    assert "forgotten" in gate["approval"]["void_because"]
    body = {"accounts": [f"galsync@{domain}"], "reason": "a system account"}
    assert technician.request("POST", f"{path}/accept", body).status == 403
    lead.post(f"{path}/accept", body)
    assert lead.request("POST", f"{path}/accept", {**body, "accounts": [users[0]]}).status == 409
    # the other one gets its mailbox: an address a line, as the server itself prints them
    stack.add_mail_account(f"forgotten@{domain}")
    box, = technician.add_mailboxes(job["id"], [stack.mailbox_request(f"forgotten@{domain}")])
    assert "account.not_in_job" not in codes(technician.gate(domain))
    again = technician.call("POST", path, f"{users[0]}\nnew@{domain}\ngalsync@{domain}\n".encode(),
                            content_type="text/csv").json
    assert again["not_in_job"] == [{"account": f"galsync@{domain}", "accepted": True},
                                   {"account": f"new@{domain}", "accepted": False}]
    assert technician.request("POST", path, b"account\nnot an address\n", content_type="text/csv").status == 422
    assert box["id"] and "account.not_in_job" in codes(technician.gate(domain))


@pytest.mark.long
def test_four_eyes(new_stack):
    """MIGRATION_GATE_FOUR_EYES: who ran the last pass may not approve, whatever the role."""
    stack = new_stack(api_settings={"MIGRATION_GATE_FOUR_EYES": True})
    lead, admin, domain = stack.client("lead"), stack.client("admin"), "eyes.example"
    _, job, _, _ = simple(stack, domain, [1])
    passed(lead, job, "sync", pass_="final")
    passed(lead, job, "verify")
    etag = lead.verification(job["id"])[1]
    refused = lead.request("POST", f"/jobs/{job['id']}/approve-gate", {"mailboxes": 1}, {"If-Match": etag})
    assert (refused.status, refused.json["code"]) == (403, "auth.forbidden")
    assert admin.approve(job["id"])["verdict"] == "ready_for_dns"


@pytest.mark.parametrize("clients", [pytest.param(24, id="few"), pytest.param(100, marks=pytest.mark.long, id="hundred")])
def test_approve_and_sync_at_once(stack, domain, clients):
    """Clients that approve, start runs, cancel them and ask the gate, all at once: no answer ever says
    ready_for_dns beside an active run, and none says it without an approval of those facts."""
    technician, job, boxes, _ = proven(stack, domain, [1, 1])
    base, ids = f"/jobs/{job['id']}", [b["id"] for b in boxes]
    wrong, seen = [], collections.Counter()

    def judge(client):
        """Everything in one answer, so in one snapshot."""
        document, _ = client.verification(job["id"])
        gate = document["gate"]
        seen[gate["verdict"]] += 1
        active = "run.active" in codes(gate)
        if gate["verdict"] == "ready_for_dns" and (active or not gate["approval"] or not gate["approval"]["valid"]):
            wrong.append(gate)
        if gate["ready"] != (gate["verdict"] == "ready_for_dns"):
            wrong.append(gate)

    def approve(client):
        document, etag = client.verification(job["id"])
        answer = client.request("POST", f"{base}/approve-gate", {"mailboxes": 2}, {"If-Match": etag})
        seen[f"approve {answer.status}"] += 1
        if answer.status == 200:
            before, after = document["gate"], answer.json
            if before["facts"] != after["facts"] or (after["verdict"] == "ready_for_dns" and "run.active" in codes(after)):
                wrong.append((before, after))

    def start(client, number):
        answer = client.request("POST", f"{base}/sync", {"pass": "final", "mailbox_ids": [ids[number % 2]]})
        seen[f"sync {answer.status}"] += 1
        if answer.status == 202:
            # queued: from this answer on the gate is shut until the run has ended and the facts are new
            gate = client.get(f"/gate?domain={domain}")
            if gate["verdict"] == "ready_for_dns":
                wrong.append((answer.json, gate))
            if number % 3 == 0:
                client.request("POST", f"/runs/{answer.json['runs'][0]['id']}/cancel", {})

    def one(number):
        client = stack.client("lead")
        for turn in range(4):
            if number % 4 == 0:
                start(client, number + turn)
            elif number % 4 == 1:
                approve(client)
            judge(client)
    stack.client("lead")  # signs in once: a hundred log-ins from one address are refused
    parallel([lambda n=n: one(n) for n in range(clients)])
    technician.wait_runs(technician.runs(job["id"]))
    assert not wrong, wrong[:2]
    assert seen["sync 202"] and sum(v for k, v in seen.items() if k.startswith("approve")), seen
    # and afterwards it can be opened as ever
    passed(technician, job, "sync", pass_="final")
    passed(technician, job, "verify")
    assert stack.client("lead").approve(job["id"])["verdict"] == "ready_for_dns"
