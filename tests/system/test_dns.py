"""What name servers say, on real ones: BIND as two authoritative servers and as resolvers."""

import base64
import datetime
import os
import secrets
import socket
import time

import pytest

from stack import wait
from stack.bind import Bind, addresses
from stack.exchanger import Exchanger

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    os.geteuid() != 0, reason="BIND listens only on addresses that an interface has, and adding some to lo needs root")]
HANGING = 50
SECRET = base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture(scope="module")
def net(tmp_path_factory, build_dir):
    """The servers and a stack whose worker asks them."""
    from stack.stack import Stack  # pylint: disable=import-outside-toplevel
    port, at = addresses()
    top = tmp_path_factory.mktemp("bind")
    both = f"@ NS ns1\n@ NS ns2\nns1 A {at(1)}\nns2 A {at(2)}\n"
    usual = both + '@ MX 10 old\nold A 192.0.2.1\n@ TXT "v=spf1 mx " "-all"\n_dmarc TXT "v=DMARC1; p=none"\n'
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((at(88), port))
    first = {"good.test": usual + 's1._domainkey TXT "v=DKIM1; p=abc"\nalias CNAME other.invalid.\nautodiscover CNAME old\n',
             "lame.test": usual, "stale.test": (5, usual), "nomx.test": both, "nullmx.test": both + "@ MX 0 .\n",
             "xn--mller-kva.test": usual, "bogus.test": usual, "move.test": usual,
             "slow.test": usual + f"@ NS ns3\nns3 A {at(88)}\n@ NS ns4\nns4 A {at(77)}\n",
             "new.test": f"@ NS ns1\nns1 A {at(1)}\nmx A {at(5)}\n"}
    second = {k: v for k, v in first.items() if k not in ("lame.test", "new.test")}
    second["stale.test"] = (3, usual)
    alone = usual.replace("@ NS ns2\n", "")
    first.update({name: alone for name in ("move.test", "two.test", "side.test", "back.test", "turn.test", "late.test", "clock.test")})
    split = alone.replace(at(1), at(3))
    smtp = Exchanger(at(5), ["good.test"])
    smtp.start()
    movable = ("move.test", "two.test", "side.test", "back.test", "turn.test", "late.test", "clock.test")
    silent_zones = {f"hang{n}.test": [at(88)] for n in range(HANGING)}
    inside = {"views.test": split.replace("@ MX 10 old", "@ 600 MX 10 inside").replace("old A", "inside A")}
    servers = [Bind(top / "a1", at(1), port, first, {zone: ("move", SECRET) for zone in movable}), Bind(top / "a2", at(2), port, second),
               Bind(top / "a3", at(3), port, {"views.test": split}, seen_by={at(9): inside}),
               Bind(top / "r1", at(9), port, stub={**{zone: [at(1)] for zone in first}, **silent_zones, "views.test": [at(3)]}, bogus=["bogus.test"])]
    try:
        for server in servers:
            server.start()
        with Stack(build_dir, worker_settings={"MIGRATION_DNS_PORT": port, "MIGRATION_DNS_RESOLVERS": at(9),
                                               "MIGRATION_SMTP_PORT": smtp.port, "MIGRATION_DNS_SECONDS": 20, "MIGRATION_WORKER_SLOTS": HANGING + 4},
                   api_settings={"MIGRATION_WEBHOOK_SECRET": "webhook secret of the tests, 32 bytes"}) as stack:
            stack.net = {"port": port, "at": at, "auth": servers[0], "second": servers[1], "smtp": smtp, "secret": SECRET}
            yield stack
        assert not stack.sanitizer_reports(), "\n".join(text for _, text in stack.sanitizer_reports())
    finally:
        for server in servers:
            server.stop()
        silent.close()
        smtp.listener.close()


def read(technician, job):
    """One dns_read run; the document of GET /jobs/{id}/dns by domain."""
    run = technician.post(f"/jobs/{job['id']}/dns/read")
    run, = technician.wait_runs([run], 120)
    assert run["status"] == "succeeded", (run["code"], run["message"])
    return {d["domain"]: d for d in technician.get(f"/jobs/{job['id']}/dns")["domains"]}


def found(domain):
    return {f["code"] for f in domain["last"]["seen"]["findings"]}


def test_each_trouble_is_named(net):
    technician = net.client("technician")
    job = technician.create_job(["good.test", "lame.test", "stale.test", "nomx.test", "nullmx.test", "müller.test",
                                 "bogus.test", "slow.test", "alias.good.test", "nothing.good.test"])
    plan = technician.call("PUT", f"/jobs/{job['id']}/dns", {
        "mx": [{"preference": 10, "host": "mx.new.test"}], "selectors": ["s1"], "low_ttl": 300}).json
    assert plan["domains"][0]["records"] == [{"name": "good.test", "type": "MX", "ttl": 300, "preference": 10, "host": "mx.new.test"}]
    before = time.time()
    seen = read(technician, job)
    good = seen["good.test"]["last"]["seen"]
    assert [s["status"] for s in good["servers"]] == ["ok", "ok", "ok"], good
    assert good["servers"][0]["mx"] == {"rcode": "NOERROR", "ttl": 3600, "cname": None, "values": ["10 old.good.test"]}
    assert good["servers"][0]["spf"]["values"] == ["v=spf1 mx -all"]
    assert found(seen["good.test"]) == set(), seen["good.test"]
    assert good["probe"] == [{"host": "mx.new.test", "address": net.net["at"](5), "status": "accepted", "reply": "250 ok"}]
    assert not any(line.upper().startswith(b"DATA") for line in net.net["smtp"].seen)
    assert "dns.lame" in found(seen["lame.test"])
    assert "dns.stale" in found(seen["stale.test"])
    assert "dns.no_mx" in found(seen["nomx.test"])
    assert "dns.null_mx" in found(seen["nullmx.test"])
    assert seen["xn--mller-kva.test"]["last"]["seen"]["servers"][0]["mx"]["values"] == ["10 old.xn--mller-kva.test"]
    assert "dns.bogus" in found(seen["bogus.test"])
    assert {"dns.timeout", "dns.unreachable"} <= found(seen["slow.test"])
    assert "dns.apex_cname" in found(seen["alias.good.test"])
    assert "dns.nxdomain" in found(seen["nothing.good.test"])
    assert seen["lame.test"]["last"]["seen"]["probe"][0]["status"] == "refused"
    clock = seen["good.test"]["clock"]
    assert (clock["state"], clock["ttl"]) == ("high", 3600)
    assert not seen["good.test"]["last"]["moved"] and seen["good.test"]["resolvers"] == {"asked": 1, "converged": 0}
    assert before < time.time()
    steps = {s["id"]: s for s in technician.get(f"/jobs/{job['id']}/cutover")["steps"]}
    assert steps["ttl_lowered"]["state"] == "waiting" and steps["gate"]["state"] == "waiting"
    # the worst of all the domains: one of those that the new server does not take mail for
    assert steps["new_server_accepts"]["state"] == "failed" and "relay access denied" in steps["new_server_accepts"]["detail"]
    assert steps["name_servers"]["state"] == "failed" and ".test: dns." in steps["name_servers"]["detail"]


def test_views(net):
    """Split DNS: who asks from elsewhere sees other records and another TTL; that is shown, and named."""
    technician = net.client("technician")
    job = technician.create_job("views.test")
    technician.call("PUT", f"/jobs/{job['id']}/dns", {"mx": [{"preference": 10, "host": "mx.new.test"}], "low_ttl": 300})
    seen = read(technician, job)["views.test"]
    by_role = {s["role"]: s["mx"] for s in seen["last"]["seen"]["servers"]}
    assert (by_role["authoritative"]["values"], by_role["authoritative"]["ttl"]) == (["10 old.views.test"], 3600), by_role
    assert by_role["resolver"]["values"] == ["10 inside.views.test"] and by_role["resolver"]["ttl"] <= 600, by_role
    assert "dns.resolver_differs" in found(seen), seen["last"]["seen"]["findings"]
    assert (seen["clock"]["state"], seen["clock"]["ttl"]) == ("high", 3600)  # what the authoritative servers say counts


def epoch(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_clock(net):
    """The TTL is lowered: safe exactly one old TTL after it was first seen low, not a second before."""
    technician = net.client("technician")
    job = technician.create_job("clock.test")
    path = f"/jobs/{job['id']}/dns"
    technician.call("PUT", path, {"mx": [{"preference": 10, "host": "mx.new.test"}], "low_ttl": 2})
    net.net["auth"].set_mx("clock.test", 8, "10 old.clock.test.")
    assert read(technician, job)["clock.test"]["clock"]["state"] == "high"
    net.net["auth"].set_mx("clock.test", 2, "10 old.clock.test.")
    clock = read(technician, job)["clock.test"]["clock"]
    lowered, safe = epoch(clock["lowered_at"]), epoch(clock["safe_at"])
    assert (clock["old_ttl"], safe - lowered) == (8, 8) and not clock["assumed"], clock
    states = []
    while not states or states[-1] != "safe":
        before = time.time()
        state = technician.get(path)["domains"][0]["clock"]["state"]
        after = time.time()
        if after < safe:
            assert state == "waiting", (after, clock)
        elif before >= safe:
            assert state == "safe", (before, clock)
        states.append(state)
    again = read(technician, job)["clock.test"]["clock"]
    assert (again["lowered_at"], again["state"]) == (clock["lowered_at"], "safe")  # a further look starts nothing anew


def latencies(client, domain, count):
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        assert client.gate(domain)["verdict"] == "blocked"
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def described(taken):
    taken = sorted(taken)
    return (f"{len(taken)} times: median {taken[len(taken) // 2]:.1f} ms, p99 {taken[len(taken) * 99 // 100]:.1f} ms, "
            f"slowest {taken[-1]:.1f} ms")


def test_gate_while_lookups_hang(net, domain):
    """Fifty look-ups wait for name servers that say nothing; the gate answers as ever. The figures are printed."""
    technician = net.client("technician")
    technician.create_job(domain)
    alone = latencies(technician, domain, 400)
    jobs = [technician.create_job(f"hang{n}.test") for n in range(HANGING)]
    runs = [technician.post(f"/jobs/{job['id']}/dns/read") for job in jobs]

    def states():
        return [technician.get(f"/runs/{run['id']}")["status"] for run in runs]
    wait.until(lambda: set(states()) == {"running"}, "all look-ups to run at once", 120, 0.2)
    hanging = []
    while len(hanging) < 400:
        some = latencies(technician, domain, 10)
        if technician.get(f"/runs/{runs[-1]['id']}")["status"] != "running":
            break  # what was asked after the last one ended tells nothing
        hanging += some
    print(f"\nGET /gate, {described(alone)}; while look-ups hang, {described(hanging)}")
    assert hanging
    for job, run in zip(jobs, runs):
        ended, = technician.wait_runs([run], 120)
        assert ended["status"] == "succeeded", ended
        seen = technician.get(f"/jobs/{job['id']}/dns")["domains"][0]["last"]["seen"]
        assert seen["findings"], seen
