"""Around the switch, end to end: apply at a real BIND, the webhook, stragglers, the way back."""

import hashlib
import hmac
import json
import os
import time

import pytest

from stack import mailgen, wait
from test_dns import net, read  # noqa: F401  pylint: disable=unused-import
from test_gate import proven

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.geteuid() != 0, reason="BIND needs addresses of its own: root")]
WEBHOOK = b"webhook secret of the tests, 32 bytes"


def signed(stack, document, at=None, key=WEBHOOK):
    body = json.dumps(document).encode()
    stamp = str(int(at if at is not None else time.time()))
    mac = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return stack.client().request("POST", "/webhooks/dns", body, {"X-Migration-Timestamp": stamp,
                                                                  "X-Migration-Signature": f"sha256={mac}"})


def test_webhook(net, domain):
    technician = net.client("technician")
    technician.create_job(domain)
    message = {"event": "dns.applied", "id": f"m-{domain}", "domain": domain}
    assert signed(net, message, key=b"another").status == 401
    assert signed(net, message, at=time.time() - 400).status == 401
    assert signed(net, message, at=time.time() + 400).status == 401
    assert signed(net, {**message, "domain": "nobody.example"}).status == 404
    assert technician.gate(domain)["verdict"] == "blocked"
    first = signed(net, message)
    assert (first.status, first.json["repeated"]) == (200, False)
    again = signed(net, message)
    assert (again.status, again.json["repeated"]) == (200, True)
    assert signed(net, {**message, "extra": 1}).status == 422 or signed(net, {**message, "extra": 1}).status == 409
    gate = technician.gate(domain)
    assert "dns.applied_without_gate" in {r["code"] for r in gate["reasons"]}
    job = next(j for j in technician.get("/jobs")["items"] if j["domains"][0] == domain)
    assert len(technician.get(f"/jobs/{job['id']}/dns")["events"]) == 1


def plan(stack, secret):
    return {"mx": [{"preference": 10, "host": "mx.new.test"}], "ttl": 1, "low_ttl": 300,
            "provider": {"kind": "rfc2136", "host": stack.net["at"](1), "port": stack.net["port"], "zone": "move.test",
                         "key": "move", "secret": secret}}


def apply(lead, job, etag=None):
    if etag is None:
        etag = lead.verification(job["id"])[1]
    return lead.request("POST", f"/jobs/{job['id']}/dns/apply", {}, {"If-Match": etag})


def deliver(stack, user, n, server=None, seed=7):
    generator = mailgen.Generator(user + str(seed), seed)
    stack.deliver(user, [mailgen.Folder("INBOX", True, [generator.message(attachment=0, flags=()) for _ in range(n)])], server)


def test_switch_and_way_back(net):
    technician, lead, bind = net.client("technician"), net.client("lead"), net.net["auth"]
    technician, job, _, (user,) = proven(net, "move.test", [4])
    path = f"/jobs/{job['id']}"
    old = bind.mx("move.test")
    assert old[0] == ["10 old.move.test."]
    # a token sealed away from the API; a wrong one is refused by the server
    technician.call("PUT", path + "/dns", plan(net, "d3Jvbmc="))
    assert net.net["secret"].encode() not in net.paths.database.read_bytes()
    assert technician.get(path + "/dns")["token"] is True and "secret" not in json.dumps(technician.get(path + "/dns"))
    # not ready, not seen
    assert apply(lead, job).status == 409
    lead.approve(job["id"])
    assert apply(lead, job, "stale").status == 412
    assert bind.mx("move.test") == old
    refused, = technician.wait_runs([apply(lead, job).json], 60)
    assert (refused["status"], refused["code"]) == ("failed", "dns.refused"), refused
    assert refused["result"]["dns"]["set"] == "old" and bind.mx("move.test") == old
    technician.call("PUT", path + "/dns", plan(net, net.net["secret"]))
    # twice at once: one of them
    etag = lead.verification(job["id"])[1]
    answers = [apply(lead, job, etag), apply(lead, job, etag)]
    assert sorted(a.status for a in answers) == [202, 409]
    run, = technician.wait_runs([next(a.json for a in answers if a.status == 202)], 60)
    assert run["status"] == "succeeded" and run["result"]["dns"]["set"] == "new", run
    assert bind.mx("move.test") == (["10 mx.new.test."], 1)
    assert technician.gate("move.test")["verdict"] == "dns_applied"
    assert apply(lead, job).status == 409
    # late mail at the old server arrives once, and the watch ends by itself
    for seed in (11, 12):
        deliver(net, user, 2, seed=seed)
    wait.until(lambda: technician.get(path + "/dns")["stragglers"]["ended_at"], "the watch to end", 120, 0.5)
    watch = technician.get(path + "/dns")["stragglers"]
    assert (watch["why"], watch["arrived"], watch["old_server_may_go"]) == ("quiet", 4, True), watch
    assert net.compare(user).equal, net.compare(user).differences
    # new mail at the new server; the way back takes it along, once
    deliver(net, user, 3, net.destination, seed=21)
    back = technician.wait_runs(lead.post(path + "/rollback", {"reason": "rehearsal"})["runs"], 120)
    assert [r["status"] for r in back] == ["succeeded"], back
    assert net.compare(user).equal, net.compare(user).differences
    assert technician.gate("move.test")["verdict"] == "blocked"
    assert "rolled_back" in {r["code"] for r in technician.gate("move.test")["reasons"]}
    restored, = technician.wait_runs([lead.post(path + "/dns/rollback")], 60)
    assert restored["status"] == "succeeded", restored
    assert bind.mx("move.test") == old
