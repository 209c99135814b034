"""Cloudflare and pfSense, as migration-dns speaks to strict stand-ins, and dynamic updates at a real BIND: whatever goes
wrong leaves the old or the new set, of all domains, never a mixture, and says which."""

import base64
import json
import os
import socket
import subprocess
import threading

import pytest

from stack.bind import Bind, addresses
from stack.process import ENVIRON
from stack.providers import TOKEN, Cloudflare, Leave, Pfsense

OLD, NEW = ["10 old.a.example", "20 b.a.example", "30 c.a.example"], ["10 mx.new.example"]


def change(build_dir, leave, kind, server, wanted, token=TOKEN, domains=("a.example",), key="token", **provider):
    request = {"action": "apply", "host": getattr(server, "address", "127.0.0.1"), "port": server.port, "tls": False,
               "permit_url": f"http://127.0.0.1:{leave.port}/", "permit": "ab" * 16, "api_ca_file": "", "ca_file": "",
               "key": key, "secret": token, "provider": {"kind": kind, **provider},
               "domains": [{"domain": d, "zone": d, "wanted": {"ttl": 300, "records": wanted}} for d in domains],
               "deadline_ms": 20000}
    give, put = os.pipe()
    take, say = os.pipe()
    os.write(put, json.dumps(request).encode())
    os.close(put)
    with subprocess.Popen([build_dir / "migration-dns", "--request", f"fd:{give}", "--events", f"fd:{say}"],
                          pass_fds=(give, say), env=ENVIRON) as process:
        os.close(give)
        os.close(say)
        with os.fdopen(take, "rb") as events:
            done = json.loads(events.read())
    assert (process.returncode == 0) == (done["status"] == "succeeded")
    return done


@pytest.fixture
def leave():
    server = Leave()
    yield server
    server.shutdown()


@pytest.fixture
def cloudflare():
    server = Cloudflare("a.example", [row.split(" ") for row in OLD])
    server.add_zone("b.example", [("5", "mail.b.example")])
    yield server
    server.shutdown()


def test_cloudflare_there_and_back(build_dir, leave, cloudflare):
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW)
    assert done["status"] == "succeeded" and done["dns"]["set"] == "new", done
    assert cloudflare.set() == NEW and sorted(done["dns"]["before"]["records"]) == OLD  # three records, two pages
    back = change(build_dir, leave, "cloudflare", cloudflare, done["dns"]["before"]["records"])
    assert back["dns"]["set"] == "new" and cloudflare.set() == OLD


@pytest.mark.parametrize("trouble, code", [("429", "throttled"), ("cut", "line.lost")])
def test_cloudflare_before_the_change(build_dir, leave, cloudflare, trouble, code):
    cloudflare.trouble = trouble
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW)
    assert (done["code"], done["dns"]["set"], cloudflare.set()) == (code, "old", OLD), done


def test_cloudflare_refuses(build_dir, leave, cloudflare):
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW, token="wrong")
    assert (done["code"], cloudflare.set()) == ("auth.rejected", OLD), done
    cloudflare.trouble = "half"
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW)
    assert (done["code"], done["dns"]["set"], cloudflare.set()) == ("dns.refused", "old", OLD), done


def test_gate_says_no(build_dir, leave, cloudflare):
    leave.reply = (412, {"code": "precondition.failed", "detail": "the gate has changed since"})
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW)
    assert (done["code"], done["dns"]["set"], cloudflare.set()) == ("precondition.failed", "old", OLD), done
    assert all(method == "GET" for method, _, _ in cloudflare.requests)


@pytest.fixture
def pfsense():
    server = Pfsense([{"host": f"h{i}", "domain": "a.example", "ip": [f"10.0.1.{i}"], "descr": "", "aliases": []}
                      for i in range(120)] +
                     [{"host": "mail", "domain": "a.example", "ip": ["10.0.0.1"], "descr": "", "aliases": []},
                      {"host": "after", "domain": "a.example", "ip": ["10.0.0.9"], "descr": "", "aliases": []}])
    yield server
    server.shutdown()


def ips(overrides):
    return {o["host"]: o["ip"] for o in overrides}


def test_pfsense_there_and_back(build_dir, leave, pfsense):
    done = change(build_dir, leave, "pfsense", pfsense, ["10.0.0.5"], name="mail")
    assert done["dns"]["set"] == "new", done
    assert ips(pfsense.live)["mail"] == ["10.0.0.5"] and ips(pfsense.live)["after"] == ["10.0.0.9"]
    change(build_dir, leave, "pfsense", pfsense, done["dns"]["before"]["records"], name="mail")
    assert ips(pfsense.live)["mail"] == ["10.0.0.1"]


def test_pfsense_made_and_removed(build_dir, leave, pfsense):
    done = change(build_dir, leave, "pfsense", pfsense, ["10.0.0.5"], name="imap")
    assert ips(pfsense.live)["imap"] == ["10.0.0.5"] and done["dns"]["before"]["records"] == []
    change(build_dir, leave, "pfsense", pfsense, [], name="imap")
    assert "imap" not in ips(pfsense.live)


def test_pfsense_ids_shift(build_dir, leave, pfsense):
    pfsense.trouble = "shift"
    done = change(build_dir, leave, "pfsense", pfsense, ["10.0.0.5"], name="mail")
    assert (done["code"], done["dns"]["set"]) == ("dns.changed", "old"), done
    assert ips(pfsense.overrides)["mail"] == ["10.0.0.1"] and ips(pfsense.overrides)["after"] == ["10.0.0.9"]
    assert ips(pfsense.live)["after"] == ["10.0.0.9"]


@pytest.mark.parametrize("away", [0, 3])
def test_cloudflare_answer_lost(build_dir, leave, cloudflare, away):
    """Done, and nobody was told: what stands is read, also when the provider is away for a while."""
    cloudflare.trouble, cloudflare.away = "lost", away
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW)
    assert (done["status"], done["dns"]["set"], cloudflare.set()) == ("succeeded", "new", NEW), done


def test_several_domains(build_dir, leave, cloudflare):
    """Each is changed, with leave for each; the saved sets go back to where they came from."""
    both = ("a.example", "b.example")
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW, domains=both)
    assert (done["status"], done["dns"]["set"]) == ("succeeded", "new"), done
    assert [d["set"] for d in done["dns"]["domains"]] == ["new", "new"]
    assert cloudflare.set("a.example") == NEW == cloudflare.set("b.example")
    asked = [body["records"]["domains"] for _, _, body in leave.requests]
    assert len(asked) == 2 and asked[0] == asked[1]
    assert [sorted(d["records"]) for d in asked[0]] == [OLD, ["5 mail.b.example"]]


@pytest.mark.parametrize("why", ["refused", "gate"])
def test_several_domains_all_or_none(build_dir, leave, cloudflare, why):
    """The second cannot be changed: the first is put back."""
    if why == "gate":
        leave.later = [(412, {"code": "precondition.failed", "detail": "the gate has changed since"})]
    else:
        cloudflare.trouble = "half b.example"
    done = change(build_dir, leave, "cloudflare", cloudflare, NEW, domains=("a.example", "b.example"))
    assert (done["status"], done["dns"]["set"]) == ("failed", "old"), done
    assert done["code"] == ("precondition.failed" if why == "gate" else "dns.refused") and "old records stand" in done["message"]
    assert (cloudflare.set("a.example"), cloudflare.set("b.example")) == (OLD, ["5 mail.b.example"])


@pytest.mark.parametrize("trouble", ["lost PATCH host_override", "lost POST apply"])
def test_pfsense_answer_lost(build_dir, leave, pfsense, trouble):
    """Entered is not applied: neither is taken for the other, and nothing is left waiting to be applied."""
    pfsense.trouble = trouble
    done = change(build_dir, leave, "pfsense", pfsense, ["10.0.0.5"], name="mail")
    stands = ips(pfsense.live)["mail"]
    assert done["dns"]["set"] == {"10.0.0.1": "old", "10.0.0.5": "new"}[stands[0]], done
    assert (done["status"] == "succeeded") == (done["dns"]["set"] == "new")
    assert not pfsense.dirty and ips(pfsense.overrides)["mail"] == stands


def test_pfsense_left_unapplied(build_dir, leave, pfsense):
    """Somebody's changes wait there: ours would make them real too."""
    pfsense.dirty = True
    done = change(build_dir, leave, "pfsense", pfsense, ["10.0.0.5"], name="mail")
    assert (done["status"], done["code"], done["dns"]["set"]) == ("failed", "conflict", "old"), done
    assert not [r for r in pfsense.requests if r[0] != "GET"] and not leave.requests


class Lossy(threading.Thread):
    """Passes DNS over TCP on to a name server; the answer to the connection number `lose` never arrives."""

    def __init__(self, to, lose):
        super().__init__(daemon=True)
        self.to, self.lose, self.seen = to, lose, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            with client, socket.create_connection(self.to) as server:
                server.sendall(client.recv(65536))
                answer = server.recv(65536)
                if self.seen != self.lose:
                    client.sendall(answer)


@pytest.mark.skipif(os.geteuid() != 0, reason="BIND needs addresses of its own: root")
def test_rfc2136_answer_lost(build_dir, leave, tmp_path):
    port, at = addresses()
    secret = base64.b64encode(b"k" * 32).decode()
    bind = Bind(tmp_path, at(1), port, {"a.example": f"@ NS ns1\nns1 A {at(1)}\n@ MX 10 old\nold A 192.0.2.1\n"},
                {"a.example": ("move", secret)})
    bind.start()
    line = Lossy((at(1), port), 2)
    try:
        done = change(build_dir, leave, "rfc2136", line, NEW, token=secret, key="hmac-sha256:move")
        assert (done["status"], done["dns"]["set"]) == ("succeeded", "new"), done
        assert line.seen == 3 and bind.mx("a.example") == (["10 mx.new.example."], 300)
        line.seen = 0
        back = change(build_dir, leave, "rfc2136", line, done["dns"]["before"]["records"], token=secret, key="hmac-sha256:move")
        assert back["dns"]["set"] == "new" and bind.mx("a.example")[0] == ["10 old.a.example."]
    finally:
        bind.stop()
        line.listener.close()
