"""The reference engine on live servers: a real imapsync between two real Dovecots, judged by an independent client."""

import base64
import os
import secrets
import time

import jwt
import pytest

from faking import files_with
from stack import mailgen, reference
from stack.watching import ProcWatch, needles

IMAPSYNC = reference.find("imapsync", "MIGRATION_IMAPSYNC_BIN")
needed = pytest.mark.skipif(IMAPSYNC is None, reason="imapsync is not on this machine (MIGRATION_IMAPSYNC_BIN)")


@pytest.fixture
def stack(new_stack):
    one = new_stack(with_worker=False, destination={"quota": "2M"})
    settings = {}
    if IMAPSYNC:
        settings["MIGRATION_IMAPSYNC_BIN"] = reference.place(IMAPSYNC, one.paths.top / "tools")
    one.worker = one.add_worker("imapsync-1", settings)
    one.worker.start()
    return one


def account(stack, user, messages=40, distinct=False):
    folders = mailgen.Generator(user, 3).mailbox(messages, 60_000) if messages else []
    if distinct:
        for folder in folders:
            seen = set()
            folder.messages[:] = [m for m in folder.messages if not (known(m) in seen or seen.add(known(m)))]
    stack.add_mail_account(user, folders)
    return folders


def known(message):
    for line in message.data.split(b"\r\n\r\n")[0].split(b"\r\n"):
        if line.lower().startswith(b"message-id:"):
            return line
    return message.data


def start(stack, domain, *users, **fields):
    technician = stack.client("technician")
    job = technician.create_job(domain, engine="reference", **{**stack.job_servers(), **fields})
    technician.add_mailboxes(job["id"], [stack.mailbox_request(user) for user in users])
    return technician, job


@needed
def test_counts(stack):
    """Preflight, two passes: the counts are those that a client sees, secrets stand in no /proc, and a mail that shares
    its Message-Id with another is said to be missing although imapsync says that all is well."""
    users = ["ana@is.example", "rui@is.example"]
    account(stack, users[0])
    account(stack, users[1], 25, distinct=True)
    technician, job = start(stack, "is.example", *users)
    watch = ProcWatch(stack.worker.pid, [stack.source.users[u] for u in users] + [stack.destination.users[u] for u in users])
    for run in technician.do(job["id"], "preflight"):
        assert run["status"] == "succeeded", (run["code"], run["message"], technician.request("GET", f"/runs/{run['id']}/log").text[-2500:])
        assert {"quota", "list"} <= {check["name"] for check in run["result"]["checks"]}
    for pass_ in ("initial", "delta"):
        runs = technician.do(job["id"], "sync", pass_=pass_)
        for run, user in zip(sorted(runs, key=lambda r: r["mailbox_id"]), users):
            found = messages(stack, user)
            result = run["result"]
            assert result["messages_copied"] == (found[1] if pass_ == "initial" else 0), run
            assert result["messages_total"] == found[0]
            assert result["messages_copied"] + result["messages_present"] == found[1]
            assert run["status"] == ("partial" if found[0] != found[1] else "succeeded"), run
    watch.stop()
    assert "imapsync" in watch.programs
    log = technician.request("GET", f"/runs/{runs[0]['id']}/log").text
    assert "++++ Statistics" in log and stack.source.users[users[0]] not in log
    assert not list(stack.paths.runtime.rglob("secret*"))


def messages(stack, user):
    """(source, destination) as an independent client counts them."""
    import imaplib
    import ssl
    counts = []
    for server in (stack.source, stack.destination):
        context = ssl.create_default_context(cafile=str(stack.ca.certificate))
        with imaplib.IMAP4_SSL(server.host, server.tls_port, ssl_context=context) as imap:
            imap.login(user, server.users[user])
            total = 0
            for line in imap.list()[1]:
                name = line.split(b'" ', 1)[1].decode()
                name = name if name.startswith('"') else f'"{name}"'
                total += int(imap.select(name, readonly=True)[1][0])
            counts.append(total)
    return tuple(counts)


@needed
@pytest.mark.long
def test_failures(stack):
    """A wrong password, a certificate of nobody's, a mailbox that cannot fit: each by its name, before a byte moves."""
    user = "eva@no.example"
    stack.add_mail_account(user, mailgen.Generator(user, 4).mailbox(60, 3_000_000))
    technician, job = start(stack, "no.example", user)
    source, destination = messages(stack, user)
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    assert (run["status"], run["code"]) == ("failed", "quota.exceeded"), run
    assert messages(stack, user) == (source, destination)
    box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]
    etag = technician.request("GET", f"/mailboxes/{box['id']}").etag
    technician.patch(f"/mailboxes/{box['id']}", {"source": {"secret": "not the password"}}, etag)
    run = technician.do(job["id"], "preflight")[0]
    assert (run["status"], run["code"]) == ("failed", "auth.rejected"), run


OAUTH = """
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {0}/oauth2.conf
}}
"""
OAUTH_FILE = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={0}/keys/
username_attribute = sub
"""


def take_tokens(server, key):
    """This server takes XOAUTH2 too: tokens signed with the key."""
    place = server.directory / "oauth"
    keys = place / "keys/default/HS256"
    keys.mkdir(parents=True)
    (keys / "default").write_bytes(base64.b64encode(key))
    (place / "oauth2.conf").write_text(OAUTH_FILE.format(place))
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    server.change(more=OAUTH.format(place))


@needed
@pytest.mark.long
def test_tokens(stack):
    """XOAUTH2 at both servers: the token reaches imapsync in a file, and stands in no /proc and in no log."""
    user, key = "lia@token.example", secrets.token_bytes(32)
    account(stack, user, 20, distinct=True)
    for server in (stack.source, stack.destination):
        take_tokens(server, key)
    tokens = {side: jwt.encode({"sub": user, "iss": side, "iat": int(time.time()), "exp": int(time.time()) + 3600}, key, algorithm="HS256")
              for side in ("source", "destination")}
    technician = stack.client("technician")
    job = technician.create_job("token.example", engine="reference", **stack.job_servers())
    technician.add_mailboxes(job["id"], [{side: {"user": user, "secret": token, "auth": "xoauth2"} for side, token in tokens.items()}])
    watch = ProcWatch(stack.worker.pid, tokens.values())
    for kind, more in (("preflight", {}), ("sync", {"pass_": "initial"})):
        run = technician.do(job["id"], kind, **more)[0]
        assert run["status"] == "succeeded", (run["code"], run["message"], technician.request("GET", f"/runs/{run['id']}/log").text[-2500:])
        log = technician.request("GET", f"/runs/{run['id']}/log").text
        assert not any(token in log for token in tokens.values())
    watch.stop()
    assert "imapsync" in watch.programs and any("--oauthaccesstoken1" in words for words in watch.arguments)
    there = messages(stack, user)
    assert there[0] == there[1] > 0
    for server in (stack.source, stack.destination):
        assert "method=XOAUTH2" in server.log()
    assert not list(stack.paths.runtime.rglob("secret*"))
    assert not files_with(stack.paths.data, needles(tokens.values()))


def test_missing(new_stack):
    """No imapsync on the machine: told at preflight, with what to install."""
    stack = new_stack(with_worker=False)
    stack.worker = stack.add_worker("none-1", {"MIGRATION_TOOLS_PATH": stack.paths.top / "nothing"})
    stack.worker.start()
    user = "ivo@none.example"
    account(stack, user, 0)
    technician, job = start(stack, "none.example", user)
    run = technician.do(job["id"], "preflight")[0]
    assert (run["status"], run["code"]) == ("failed", "tool.missing")
    assert "install-migration-tools.sh" in run["message"]
    assert os.path.basename(run["message"].split()[0]) == "imapsync"
