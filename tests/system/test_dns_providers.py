"""Cloudflare and pfSense, as migration-dns speaks to strict stand-ins: whatever goes wrong leaves the old or the new
set, never a mixture, and says which."""

import json
import os
import subprocess

import pytest

from stack.process import ENVIRON
from stack.providers import TOKEN, Cloudflare, Leave, Pfsense

OLD, NEW = ["10 old.a.example", "20 b.a.example", "30 c.a.example"], ["10 mx.new.example"]


def change(build_dir, leave, kind, server, wanted, token=TOKEN, **provider):
    request = {"action": "apply", "domain": "a.example", "host": "127.0.0.1", "port": server.port, "tls": False,
               "permit_url": f"http://127.0.0.1:{leave.port}/", "permit": "ab" * 16, "api_ca_file": "", "ca_file": "",
               "key": "token", "secret": token, "provider": {"kind": kind, "zone": "a.example", **provider},
               "wanted": {"ttl": 300, "records": wanted}, "deadline_ms": 20000}
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
    for row in server.records.values():
        row["priority"] = int(row["priority"])
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
