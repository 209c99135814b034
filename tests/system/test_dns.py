"""What name servers say, on real ones: BIND as two authoritative servers and as resolvers."""

import base64
import os
import secrets
import socket
import threading
import time

import pytest

from stack.bind import Bind, addresses

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.geteuid() != 0, reason="BIND needs addresses of its own: root")]
SECRET = base64.b64encode(secrets.token_bytes(32)).decode()


class Smtp(threading.Thread):
    """A mail exchanger that takes mail for `domains` and refuses it for others (RFC 5321)."""

    def __init__(self, address, domains):
        super().__init__(daemon=True)
        self.domains = domains
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        self.seen = []

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as line:
                line.write(b"220 mx ESMTP\r\n")
                line.flush()
                for words in line:
                    self.seen.append(words)
                    verb = words[:4].upper()
                    known = any(b"@" + d.encode() + b">" in words for d in self.domains)
                    line.write(b"250-mx\r\n250 8BITMIME\r\n" if verb == b"EHLO" else b"221 bye\r\n" if verb == b"QUIT" else
                               b"550 5.7.1 relay access denied\r\n" if verb == b"RCPT" and not known else b"250 ok\r\n")
                    line.flush()
                    if verb == b"QUIT":
                        break


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
    second = {k: v for k, v in first.items() if k not in ("lame.test", "move.test", "new.test")}
    second["stale.test"] = (3, usual)
    first["move.test"] = usual.replace("@ NS ns2\n", "")
    smtp = Smtp(at(5), ["good.test"])
    smtp.start()
    servers = [Bind(top / "a1", at(1), port, first, {"move.test": ("move", SECRET)}), Bind(top / "a2", at(2), port, second),
               Bind(top / "r1", at(9), port, stub={zone: [at(1)] for zone in first}, bogus=["bogus.test"])]
    try:
        for server in servers:
            server.start()
        with Stack(build_dir, worker_settings={"MIGRATION_DNS_PORT": port, "MIGRATION_DNS_RESOLVERS": at(9),
                                               "MIGRATION_SMTP_PORT": smtp.port, "MIGRATION_DNS_SECONDS": 20},
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
    steps = {s["id"]: s["state"] for s in technician.get(f"/jobs/{job['id']}/cutover")["steps"]}
    assert steps["ttl_lowered"] == "waiting" and steps["new_server_accepts"] == "done" and steps["gate"] == "waiting"
