"""mailmover verify when a side cannot be read, a line breaks, a server is poor, or mail comes and goes meanwhile."""

import json
import random
import subprocess

import pytest

from stack import mailgen, process, wait
from stack.proxy import Proxy
from stack.verifying import Vandal
from .verify_case import find, mode, pair, plain  # noqa: F401: fixtures

# --- sides that cannot be read ------------------------------------------------------------------------

@pytest.mark.long
def test_a_message_the_source_cannot_deliver(pair, mode):
    user, folders = pair.account(60)
    index = find(folders, "INBOX", plain)[2]
    box = pair.source.directory / "home" / user / "mail/mailboxes/INBOX/dbox-Mails"
    (box / f"u.{index + 1}").write_bytes(b"")
    vandal = Vandal(pair, pair.destination, user, folders)
    vandal.remove("INBOX", index)
    vandal.close()
    got = pair.run("verify", user, *mode)
    assert got.status == 1, got.output
    missing = [(e["folder"], e["uid"]) for e in got.of("missing")]
    assert missing in ([("INBOX", index + 1)], [])  # Dovecot may expunge what it finds damaged
    others = sum(len(f.messages) for f in folders) - 1
    assert got.done["found"] == others


def test_wrong_password_and_closed_port(pair):
    user, _ = pair.account(0)
    wrong = pair.directory / "wrong"
    wrong.write_text("not it")
    got = pair.run("verify", user, "--to-secret", wrong)
    assert got.status == 77 and got.done["code"] == "auth.rejected" and got.done["complete"] is False
    got = pair.run("verify", user, source_port=1)
    assert got.status == 69 and got.done["code"] == "host.refused"


def test_terminate_is_clean(pair):
    user, _ = pair.account(200)
    events, command = pair.command("verify", user, "--deep")
    with subprocess.Popen([str(part) for part in command], env=process.ENVIRON, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as running:
        while not events.exists() or b'"plan"' not in events.read_bytes():
            assert running.poll() is None
        running.terminate()
        _, errors = running.communicate(timeout=60)
    done = json.loads(events.read_text().splitlines()[-1])
    assert done["t"] == "done"
    assert (running.returncode, done["status"]) in ((75, "cancelled"), (0, "succeeded")), errors


# --- bad lines and poor servers -----------------------------------------------------------------------

def spoiled(pair, seed):
    user, folders = pair.account(200, seed=seed)
    vandal = Vandal(pair, pair.destination, user, folders)
    gone, moved = find(folders, "INBOX", plain)[3:5]
    vandal.remove("INBOX", gone)
    vandal.move("INBOX", moved, "Archive")
    vandal.store("Sent", 2, "+FLAGS", "Novo")
    vandal.close()
    return user, sorted([("missing", "INBOX", gone + 1, "unexplained"), ("missing", "INBOX", moved + 1, "misplaced"),
                         ("differing", "Sent", 3, "keywords")])


POOR = {
    "no LIST-STATUS": ["LIST-STATUS"],
    "no LIST-EXTENDED": ["LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE"],
    "almost nothing": ["LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE", "NAMESPACE", "LITERAL+", "ESEARCH", "CONDSTORE",
                       "QRESYNC", "UIDPLUS", "UNSELECT", "STATUS=SIZE", "SASL-IR", "ENABLE", "ID"],
}


def plain_pair(proxies, pair, user):
    source, destination = proxies
    return ["--allow-plaintext", "--from", pair.url(pair.source, user, source.port).replace("imaps:", "imap:"),
            "--to", pair.url(pair.destination, user, destination.port).replace("imaps:", "imap:")]


@pytest.mark.long
@pytest.mark.parametrize("kind", POOR)
def test_poor_servers(pair, tmp_path, kind, mode):
    user, expected = spoiled(pair, 3)
    options = {"strip": POOR[kind], "upstream_ca": pair.authority.certificate}
    with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
            Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
        got = pair.run("verify", user, *plain_pair((source, destination), pair, user), *mode)
        assert got.status == 1, got.output
        assert got.findings() == expected
        assert source.violations() == destination.violations() == []
        got = pair.run("check", user, *plain_pair((source, destination), pair, user))
        assert got.status == 0, got.output
        assert source.violations() == destination.violations() == []


@pytest.mark.sample("0")
@pytest.mark.parametrize("seed", range(3))
def test_lines_that_break(pair, tmp_path, seed, long):
    """Cut after random numbers of bytes: connected again, and the same outcome."""
    user, expected = spoiled(pair, 4)
    for attempt in range(8 if long else 1):
        rnd = random.Random(f"{seed}/{attempt}")
        options = {"drop_after": [rnd.randrange(3_000, 3_000_000) for _ in range(4)],
                   "upstream_ca": pair.authority.certificate}
        with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
                Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
            got = pair.run("verify", user, *plain_pair((source, destination), pair, user), "--deep")
            assert got.status == 1 and got.findings() == expected, (options, got.output)
            assert got.done["complete"] and got.of("reconnect")


@pytest.mark.long
def test_byte_by_byte_over_a_long_line(pair, tmp_path):
    user, expected = spoiled(pair, 5)
    options = {"pieces": 7, "delay_ms": 20, "upstream_ca": pair.authority.certificate}
    with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
            Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
        got = pair.run("verify", user, *plain_pair((source, destination), pair, user))
    assert got.status == 1 and got.findings() == expected


def test_nothing_is_written_anywhere(pair, tmp_path):
    user, _ = spoiled(pair, 6)
    options = {"strip": ["X-NONE"], "record": True, "upstream_ca": pair.authority.certificate}
    with Proxy(tmp_path, pair.source.tls_port, "from", **options) as source, \
            Proxy(tmp_path, pair.destination.tls_port, "to", **options) as destination:
        pair.run("verify", user, *plain_pair((source, destination), pair, user), "--deep")
        words = {e["text"].split()[0].upper() for p in (source, destination) for e in p.events()
                 if e["event"] == "command"}
    assert "EXAMINE" in words
    assert not words & {"SELECT", "STORE", "APPEND", "CREATE", "DELETE", "RENAME", "EXPUNGE", "CLOSE", "SUBSCRIBE"}


@pytest.mark.long
def test_mail_that_comes_and_goes_meanwhile(pair, tmp_path):
    """New mail at the source is late, not missing; mail deleted there is said to have left."""
    user, folders = pair.account(300)
    with Proxy(tmp_path, pair.source.tls_port, "slow", rate=400_000, upstream_ca=pair.authority.certificate) as slow:
        events, command = pair.command("verify", user, "--deep")
        command += ["--allow-plaintext", "--from", pair.url(pair.source, user, slow.port).replace("imaps:", "imap:")]
        with subprocess.Popen([str(part) for part in command], env=process.ENVIRON, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as running:
            wait.until(lambda: events.exists() and '"plan"' in events.read_text(), "the plan")
            loader = pair.loader(pair.source, user)
            loader.append("INBOX", [(m.data, m.internal_date, m.flags) for m in mailgen.Generator(user, 9).new_mail(4)])
            loader.close()
            output, _ = running.communicate(timeout=200)
    done = json.loads(events.read_text().splitlines()[-1])
    assert running.returncode == 0, output
    assert done["expected"] == done["found"] == sum(len(f.messages) for f in folders)
