"""mailmover check: the preflight against real servers. It must say which side fails at which step, try the other
side all the same, and leave nothing behind."""

import json
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from imapd.server import Server
from imapd.store import Store
from stack import certs, process, wait
from stack.dovecot import Dovecot
from stack.proxy import Proxy
from stack.verifying import Pair
from . import mailmover

PROBE = "desk-migration-probe-"


@pytest.fixture(scope="module")
def pair(program):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="desk-check-"))
    directory.chmod(0o755)
    authority = certs.Authority(directory / "ca")
    source = Dovecot("source", directory / "source", authority.issue("source"))
    destination = Dovecot("destination", directory / "destination", authority.issue("destination"), storage="maildir",
                          separator=".", quota="2M")
    both = Pair(program, directory, authority, source, destination)
    try:
        source.start()
        destination.start()
        yield both
    finally:
        source.stop()
        destination.stop()
        shutil.rmtree(directory)


def steps(outcome, side):
    return [(e["name"], e["ok"], e["code"]) for e in outcome.of("check") if e["side"] == side]


def step(outcome, side, name):
    return next(e for e in outcome.of("check") if (e["side"], e["name"]) == (side, name))


GOOD = [("connect", True, ""), ("tls", True, ""), ("auth", True, ""), ("capability", True, ""), ("list", True, ""),
        ("quota", True, "")]


def folders_of(pair, server, user):
    return [line.decode() for line in pair.imap(server, user).list()[1]]


def test_all_is_well(pair):
    user, folders = pair.account(60, both=False, biggest=100_000)
    before = folders_of(pair, pair.destination, user)
    got = pair.run("check", user)
    assert got.status == 0, got.output
    assert steps(got, "source") == GOOD
    assert steps(got, "destination") == GOOD + [("write", True, "")]
    listed = step(got, "source", "list")
    assert listed["messages"] == sum(len(f.messages) for f in folders)
    assert listed["bytes"] == sum(len(m.data) for f in folders for m in f.messages)
    assert listed["folders"] >= len(folders)
    quota = step(got, "destination", "quota")
    assert (quota["quota_used"], quota["quota_limit"]) == (0, 2 << 20)
    write = step(got, "destination", "write")
    assert (write["rung"], write["keeps_date"], write["keeps_flags"], write["keeps_keywords"]) == (
        "exact", True, True, True)
    assert folders_of(pair, pair.destination, user) == before
    assert got.done["status"] == "succeeded" and got.done["exit"] == 0


def test_without_the_write_probe(pair):
    user, _ = pair.account(5, both=False, biggest=0)
    got = pair.run("check", user, "--no-write-probe")
    assert got.status == 0 and steps(got, "destination") == GOOD


def test_empty_source_is_a_warning(pair):
    user, _ = pair.account(0)
    got = pair.run("check", user)
    assert got.status == 0
    assert [e["code"] for e in got.of("warning")] == ["source.empty"]


def test_wrong_password_at_the_source_and_the_other_side_all_the_same(pair):
    user, _ = pair.account(0)
    wrong = pair.directory / "wrong"
    wrong.write_text("not the password")
    got = pair.run("check", user, "--from-secret", wrong)
    assert got.status == 77 and got.done["code"] == "auth.rejected"
    assert steps(got, "source") == GOOD[:2] + [("auth", False, "auth.rejected")]
    assert steps(got, "destination") == GOOD + [("write", True, "")]
    assert "not the password" not in got.output


def test_each_way_not_to_get_in(pair):
    user, _ = pair.account(0)
    other = certs.Authority(pair.directory / "other-ca")
    cases = [
        ({"source_port": wait.free_port()}, [], "source", "connect", "host.refused", 69),
        ({"destination_port": wait.free_port()}, [], "destination", "connect", "host.refused", 69),
        ({}, ["--ca-file", other.certificate], "source", "tls", "tls.untrusted", 76),
        ({}, ["--from-tls-fingerprint", "00" * 32], "source", "tls", "tls.untrusted", 76),
        ({}, ["--from", f"imaps://{user.replace('@', '%40')}@no-such-host.invalid"], "source", "connect",
         "host.unknown", 68),
    ]
    for ports, arguments, side, name, code, status in cases:
        got = pair.run("check", user, *arguments, **ports)
        assert (got.status, got.done["code"]) == (status, code), got.output
        assert steps(got, side)[-1] == (name, False, code)
        assert got.of("check")[-1]["side"] == "destination"


def test_a_full_destination(pair):
    user, _ = pair.account(40, both=False, biggest=3_000_000)
    got = pair.run("check", user)
    assert got.status == 69 and got.done["code"] == "quota.exceeded"
    assert step(got, "destination", "quota")["code"] == "quota.exceeded"
    assert step(got, "destination", "write")["ok"]


def test_a_probe_that_was_left_is_taken_away(pair):
    user, _ = pair.account(5, both=False, biggest=0)
    client = pair.imap(pair.destination, user)
    client.create(PROBE + "0123456789abcdef")
    client.create(PROBE + "holiday")  # not one of ours: the name is another
    assert pair.run("check", user).status == 0
    left = [line for line in folders_of(pair, pair.destination, user) if PROBE in line]
    assert len(left) == 1 and "holiday" in left[0]


def test_terminated_it_leaves_nothing(pair):
    user, _ = pair.account(5, both=False, biggest=0)
    before = folders_of(pair, pair.destination, user)
    for until in ('"start"', '"side":"source"', '"side":"destination"', '"quota"'):
        events, command = pair.command("check", user)
        with subprocess.Popen([str(part) for part in command], env=process.ENVIRON, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as running:
            while not events.exists() or until not in events.read_text():
                if running.poll() is not None:
                    break
            running.terminate()
            _, errors = running.communicate(timeout=60)
        assert running.returncode in (0, 75), errors
        last = json.loads(events.read_text().splitlines()[-1])
        assert last["t"] == "done" and last["exit"] == running.returncode
    assert folders_of(pair, pair.destination, user) == before


# --- in plain words ---------------------------------------------------------------------------------------

def advice(outcome):
    return {e["code"]: e["detail"] for e in outcome.of("advice")}


def test_nothing_to_say(pair):
    user, _ = pair.account(20, both=False, biggest=0)
    got = pair.run("check", user)
    said = advice(got)
    said.pop("line.far", None)  # on a busy machine even a server beside us answers late
    assert got.status == 0 and said == {}, got.output


def test_what_would_surprise_is_said_beforehand(pair, tmp_path):
    """Names that change, names that differ in case, messages over the limit, a destination in use and nearly full."""
    user, folders = pair.account(60, both=False, biggest=300_000)
    loader = pair.loader(pair.source, user)
    for path in ("Versão 2.0", "Pasta", "PASTA"):
        loader.create(path)
    loader.close()
    mail = [m for f in folders for m in f.messages]
    pair.loader(pair.destination, user).append("INBOX", [(m.data, m.internal_date, ()) for m in mail[:3]])
    limit = sorted(len(m.data) for m in mail)[-4]
    with Proxy(tmp_path, pair.destination.tls_port, "to", strip=["X-NONE"], add=[f"APPENDLIMIT={limit}"],
               upstream_ca=pair.authority.certificate) as proxy:
        to = pair.url(pair.destination, user, proxy.port).replace("imaps:", "imap:")
        plain = pair.url(pair.source, user, pair.source.starttls_port).replace("imaps:", "imap:")
        got = pair.run("check", user, "--from", plain, "--to", to, "--allow-plaintext", "--language", "pt")
    found = advice(got)
    assert "Versão 2.0 → Versão 2_0" in found["folders.renamed"]
    assert set(found["folders.case"].split(" / ")) == {"Pasta", "PASTA"}
    assert found["messages.too_large"] == f"3 (> {limit} bytes)"
    assert found["destination.not_empty"] == "3"
    assert "O que convém saber" in got.output and "quarentena" in got.output
    assert all(e["message"] and e["message_pt"] for e in got.of("advice"))


def test_folders_with_a_purpose_and_views(program, tmp_path):
    """Enviados is \\Sent here and Sent there: --automap is named. All Mail would be copied twice."""
    stores = Store(), Store()
    stores[0].create(b"Enviados", "Sent").add(b"Subject: x\r\n\r\ny\r\n", " 1-Jan-2020 00:00:00 +0000")
    stores[0].create(b"[Gmail]/All Mail", "All").add(b"Subject: x\r\n\r\ny\r\n", " 1-Jan-2020 00:00:00 +0000")
    stores[1].create(b"Sent", "Sent")
    servers = [Server(store, {"ana": "secret"}) for store in stores]
    try:
        got = mailmover.Engine(program, tmp_path / "run", *(
            mailmover.Endpoint(server.port, "ana", "secret", "imap", True) for server in servers)).run(command="check")
    finally:
        for server in servers:
            server.stop()
    found = {e["code"]: e["detail"] for e in got.of("advice")}
    assert found == {"folders.special": "Enviados (\\Sent: Sent)", "folders.views": "[Gmail]/All Mail"}, got


@pytest.mark.parametrize("language, words", [("pt", "O servidor recusou o utilizador"), ("en", "refused user name or password")])
def test_a_failure_says_what_to_do(pair, language, words):
    user, _ = pair.account(0)
    wrong = pair.directory / "wrong"
    wrong.write_text("not the password")
    got = pair.run("check", user, "--from-secret", wrong, "--language", language)
    assert got.status == 77 and words in got.output, got.output
