"""Around the switch, end to end: apply at a real BIND, the webhook, stragglers, the way back."""

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import time

import pytest

from stack import imapcheck, mailgen, wait
from stack.relay import Held
from stack.watching import ProcWatch, needles
from test_dns import epoch, net, read  # noqa: F401  pylint: disable=unused-import
from test_gate import passed, proven
from test_report import files, make_report

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    os.geteuid() != 0, reason="BIND listens only on addresses that an interface has, and adding some to lo needs root")]
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
    other = technician.create_job(f"other.{domain}")
    answer = signed(net, {**message, "domain": f"other.{domain}"})
    assert (answer.status, answer.json["code"]) == (409, "conflict"), answer.json  # the same id with another body
    assert signed(net, {**message, "extra": 1}).status in (409, 422)
    assert technician.get(f"/jobs/{other['id']}/dns")["events"] == []
    logged = "".join(path.read_text(errors="replace") for path in net.paths.log.rglob("*") if path.is_file())
    assert logged.count("webhook refused") >= 6
    gate = technician.gate(domain)
    assert "dns.applied_without_gate" in {r["code"] for r in gate["reasons"]}
    job = next(j for j in technician.get("/jobs")["items"] if j["domains"][0] == domain)
    assert len(technician.get(f"/jobs/{job['id']}/dns")["events"]) == 1


def plan(stack, secret, ttl=1, **provider):
    return {"mx": [{"preference": 10, "host": "mx.new.test"}], "ttl": ttl, "low_ttl": 300,
            "provider": {"kind": "rfc2136", "host": stack.net["at"](1), "port": stack.net["port"], "key": "move",
                         "secret": secret, **provider}}


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
    # new mail at the new server; the way back takes it along, once, and puts the records back
    deliver(net, user, 3, net.destination, seed=21)
    answer = lead.post(path + "/rollback", {"reason": "rehearsal"})
    assert answer["dns"] and not answer["dns_why"], answer
    back = technician.wait_runs([*answer["runs"], answer["dns"]], 120)
    assert [r["status"] for r in back] == ["succeeded", "succeeded"], back
    assert net.compare(user).equal, net.compare(user).differences
    gate = technician.gate("move.test")
    assert gate["verdict"] == "blocked" and "rolled_back" in {r["code"] for r in gate["reasons"]}
    detail, = {r["detail"] for r in lead.verification(job["id"])[0]["gate"]["reasons"] if r["code"] == "rolled_back"}
    assert "rehearsal" in detail and "lead" in detail, detail
    said = [e for e in technician.get(path + "/dns")["events"] if e["what"] == "rolled_back"]
    assert (said[0]["reason"], bool(said[0]["by"])) == ("rehearsal", True), said
    assert any(row["action"] == "dns.rolled_back" and "rehearsal" in json.dumps(row) for row in lead.get("/audit")["items"])
    assert bind.mx("move.test") == old
    # nobody has to undo it twice
    answer = lead.post(path + "/rollback", {"reason": "once more"})
    again = technician.wait_runs([*answer["runs"], answer["dns"]], 120)
    assert [r["status"] for r in again] == ["succeeded", "succeeded"], again
    assert net.compare(user).equal and bind.mx("move.test") == old


def job_to_move(net, domain, counts, **fields):
    """proven() and approved, with a plan: (technician, lead, job, users)."""
    technician, job, _, users = proven(net, domain, counts)
    technician.call("PUT", f"/jobs/{job['id']}/dns", plan(net, net.net["secret"], **fields))
    lead = net.client("lead")
    lead.approve(job["id"])
    return technician, lead, job, users


def test_several_domains_and_secrets(net):
    """All domains of a job are moved and moved back; the token stands in no file, argument or environment."""
    technician, bind = net.client("technician"), net.net["auth"]
    user = "u0@two.test"
    net.add_mail_account(user, [mailgen.Folder("INBOX", True, [mailgen.Generator(user, 1).message(attachment=0, flags=())])])
    job = technician.create_job(["two.test", "side.test"], **net.job_servers())
    technician.add_mailboxes(job["id"], [net.mailbox_request(user)])
    passed(technician, job, "sync", pass_="final")
    passed(technician, job, "verify")
    old = {d: bind.mx(d) for d in ("two.test", "side.test")}
    pids = [net.worker.pid, *(process.pid for process in net.pools.processes.values())]
    watches = [ProcWatch(pid, [net.net["secret"]]) for pid in pids]
    line, lead = Held((net.net["at"](1), net.net["port"])), net.client("lead")
    technician.call("PUT", f"/jobs/{job['id']}/dns", plan(net, net.net["secret"], host="127.0.0.1", port=line.port))
    lead.approve(job["id"])
    run = apply(lead, job).json
    assert line.reached.wait(60)  # it holds the token now, and waits for the name server
    wait.until(lambda: "migration-dns" in watches[0].programs, "its program to be seen", 60)
    line.go()
    run, = technician.wait_runs([run], 60)
    assert run["status"] == "succeeded" and run["result"]["dns"]["set"] == "new", run
    assert [d["domain"] for d in run["result"]["dns"]["domains"]] == ["two.test", "side.test"]
    assert bind.mx("two.test") == (["10 mx.new.test."], 1) == bind.mx("side.test")
    texts = needles([net.net["secret"]])
    held = [(path, needle) for path in net.paths.top.rglob("*") if path.is_file() for data in [path.read_bytes()]
            for needle in texts if needle in data]
    assert not held, held  # the database with its WAL, the spool, logs, artefacts
    answer = lead.post(f"/jobs/{job['id']}/rollback", {"reason": "both back"})
    ended = technician.wait_runs([*answer["runs"], answer["dns"]], 120)
    assert all(r["status"] == "succeeded" for r in ended), ended
    assert {d: bind.mx(d) for d in old} == old
    line.close()
    for watch in watches:
        watch.stop()


@pytest.mark.parametrize("turn", ["a pass", "revoked", "rolled back"])
def test_gate_turns_while_it_runs(net, turn):
    """The provider is slow; before it answers the gate is another one: nothing is changed, and the run says why."""
    bind, domain = net.net["auth"], "turn.test"
    technician, job, _, _ = proven(net, domain, [2])
    line, lead = Held((net.net["at"](1), net.net["port"])), net.client("lead")
    old = bind.mx(domain)
    try:
        technician.call("PUT", f"/jobs/{job['id']}/dns", plan(net, net.net["secret"], host="127.0.0.1", port=line.port))
        lead.approve(job["id"])
        run = apply(lead, job).json
        assert line.reached.wait(60)
        if turn == "a pass":
            assert technician.do(job["id"], "sync", pass_="delta")[0]["status"] == "succeeded"
        elif turn == "revoked":
            lead.post(f"/jobs/{job['id']}/revoke-gate", {"reason": "wait"})
        else:
            answer = lead.post(f"/jobs/{job['id']}/rollback", {"reason": "stop"})
            assert answer["dns"] is None and answer["dns_why"], answer
        line.go()
        ended, = technician.wait_runs([run], 60)
        assert ended["status"] in ("failed", "cancelled"), ended
        if turn != "rolled back":
            assert (ended["code"], ended["result"]["dns"]["set"]) == ("precondition.failed", "old"), ended
        assert bind.mx(domain) == old
        assert technician.gate(domain)["verdict"] != "dns_applied"
        if turn == "a pass":  # the approval was of other facts
            answer = apply(lead, job)
            assert (answer.status, answer.json["code"]) == (409, "gate.closed"), answer.json
    finally:
        line.close()
        technician.wait_runs(technician.runs(job["id"]))
        technician.delete(f"/jobs/{job['id']}")


def test_late_mail_for_a_while(net):
    """The old server goes on receiving: each late message arrives once, the watch waits for quiet and says when it was."""
    technician, lead, job, (user,) = job_to_move(net, "late.test", [3], ttl=3)
    path = f"/jobs/{job['id']}/dns"
    other = technician.create_job("quiet.test", **net.job_servers())
    assert signed(net, {"event": "dns.applied", "id": "m-quiet", "domain": "quiet.test"}).status == 200
    assert technician.wait_runs([apply(lead, job).json], 60)[0]["status"] == "succeeded"

    def watch():
        return technician.get(path)["stragglers"]
    for n in range(1, 6):
        deliver(net, user, 1, seed=100 + n)
        wait.until(lambda n=n: watch()["arrived"] == n, f"late message {n} to arrive", 60, 0.2)
        assert watch()["ended_at"] is None
    wait.until(lambda: watch()["ended_at"], "the watch to end", 120, 0.5)
    end = watch()
    assert (end["why"], end["arrived"], end["quiet_seconds"], end["old_server_may_go"]) == ("quiet", 5, 9, True), end
    assert epoch(end["ended_at"]) - epoch(end["last_new_at"]) >= 9
    assert net.compare(user).equal, net.compare(user).differences
    events = {name: technician.get(f"/jobs/{one['id']}/dns")["events"] for name, one in (("late", job), ("quiet", other))}
    assert [e["was_ready"] for e in events["late"]] == [True] and [e["was_ready"] for e in events["quiet"]] == [False]
    # the report tells it
    seen = read(technician, job)["late.test"]
    assert seen["last"]["moved"], seen
    make_report(technician, job, "pt")
    made = files(technician, job)
    dns = json.loads(made["certificate.json"])["sections"]["dns"]
    assert dns["stragglers"]["arrived"] == 5 and dns["changes"][0]["detail"]["before"]["records"] == ["10 old.late.test"]
    assert dns["domains"][0]["after"]["moved"] and dns["planned"]["mx"][0]["host"] == "mx.new.test"
    if shutil.which("pdftotext"):
        file = net.paths.top / "late.pdf"
        file.write_bytes(made["report.pdf"])
        text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
        for words in ("DNS antes e depois", "10 mx.new.test", "Vigia de correio tardio", "5 mensagens chegaram tarde"):
            assert words in text, (words, text)


def test_way_back_rehearsed(net):
    """A company of three, as in the demo: moved, switched, mail at both servers meanwhile, and back: nothing is lost on
    either side, nothing is there twice."""
    technician, lead, bind = net.client("technician"), net.client("lead"), net.net["auth"]
    users = [f"{name}@back.test" for name in ("ana", "joao.conceicao", "zoe")]
    generators = {user: mailgen.Generator(user, 2026) for user in users}
    for user in users:
        net.add_mail_account(user, generators[user].mailbox(150))
    job = technician.create_job("back.test", **net.job_servers())
    technician.add_mailboxes(job["id"], [net.mailbox_request(user) for user in users])
    technician.call("PUT", f"/jobs/{job['id']}/dns", plan(net, net.net["secret"]))
    old = bind.mx("back.test")
    for kind, body in (("sync", {"pass_": "initial"}), ("sync", {"pass_": "final"}), ("verify", {})):
        passed(technician, job, kind, **body)
    lead.approve(job["id"])
    assert technician.wait_runs([apply(lead, job).json], 60)[0]["status"] == "succeeded"
    for number, user in enumerate(users):  # late at the old one, and what is written at the new one, in old and new folders
        deliver(net, user, 2, seed=31 + number)
        net.deliver(user, [mailgen.Folder("INBOX", True, generators[user].new_mail()),
                           mailgen.Folder("Clientes/Só no novo", True, [generators[user].message()])], net.destination)
    answer = lead.post(f"/jobs/{job['id']}/rollback", {"reason": "the new server cannot send"})
    ended = technician.wait_runs([*answer["runs"], answer["dns"]], 240)
    assert all(r["status"] == "succeeded" for r in ended), [(r["status"], r["code"], r["message"]) for r in ended]
    assert bind.mx("back.test") == old
    again = lead.post(f"/jobs/{job['id']}/rollback", {"reason": "what came until the records were old everywhere"})
    ended = technician.wait_runs([*again["runs"], again["dns"]], 240)
    assert all(r["status"] == "succeeded" for r in ended), ended
    for user in users:
        there, here = (imapcheck.read(net.account(server, user)).folders for server in (net.source, net.destination))
        for folder, content in here.items():  # whatever the new server has, the old one has as often
            assert all(there.get(folder, {}).get(key) == count for key, count in content.items()), (user, folder)
        late = sum(sum(c.values()) for c in there.values()) - sum(sum(c.values()) for c in here.values())
        assert 0 <= late <= 2, (user, late)  # late mail that no look had brought over before the way back
    passed(technician, job, "sync", pass_="final")
    passed(technician, job, "verify")
    for user in users:
        assert net.compare(user).equal, net.compare(user).differences
    assert technician.gate("back.test")["verdict"] == "warning"  # a final pass since: ready to be approved anew
