"""Zimbra's archives over real ssh: a stand-in for zmmailbox before a real Dovecot on either side, failures included."""

import os
import pathlib
import shutil
import subprocess

import pytest

from stack import files, identity, imapcheck, mailgen, sshd
from stack.stack import Stack
from stack.watching import ProcWatch

pytestmark = pytest.mark.skipif(not sshd.available(), reason="sshd is not on this machine (openssh-server)")
SHELL = pathlib.Path(__file__).parents[2] / "scripts/carbonio-shell"
GOOD = {"aspose_ZimbraSample.tgz": 2, "aspose_ZimbraSample.tar": 2, "variant_500batch-flags-tags-nonascii.tgz": None,
        "variant_gzip-multimember_ZimbraSample.tgz": 2, "variant_nometa-eml-only.tgz": None}
DAMAGED = ["carbonio_Truncated.tgz", "damaged_gzip-bitflip_ZimbraSample.tgz"]


@pytest.fixture(scope="module")
def stack(build_dir):
    with Stack(build_dir, with_worker=False, destination={"quota": "3M"}) as one:
        top = one.paths.top / "ssh"
        top.mkdir(mode=0o755)
        own = identity.worker()
        tools = [ssh_for(own, top)] if own.uid is not None else []
        client = sshd.key(top / "id")
        shell = top / "carbonio-shell"
        shutil.copy(SHELL, shell)
        shell.chmod(0o755)
        one.old = sshd.Sshd("old", top / "old", client).start()
        one.new = sshd.Sshd("new", top / "new", client, forced=shell).start()
        known = top / "known_hosts"
        known.write_text(one.old.known_hosts() + one.new.known_hosts())
        identity.own(client, own, mode=0o600)
        one.worker = one.add_worker("zm-1", {
            "MIGRATION_CARBONIO_SSH": f"{one.new.user}@127.0.0.1:{one.new.port}", "MIGRATION_ZMMAILBOX_USER": one.new.user,
            "MIGRATION_TOOLS_PATH": ":".join([*tools, "/usr/bin"]), "MIGRATION_SSH_KNOWN_HOSTS": known, "MIGRATION_SSH_KEY_FILE": client})
        one.client_key, one.known = client, known
        one.worker.start()
        yield one
        one.old.stop()
        one.new.stop()
        one.worker.process.check_alive()
    assert not one.sanitizer_reports(), one.sanitizer_reports()


def ssh_for(own, top):
    """A folder with an ssh for a user that the system does not know by name: ssh refuses to work for one."""
    wrapper = next(pathlib.Path("/usr/lib").glob("*/libnss_wrapper.so"), None)
    if wrapper is None:
        pytest.skip("libnss-wrapper is not on this machine, and the worker's user has no name")
    folder = top / "bin"
    folder.mkdir(mode=0o755)
    program = folder / "ssh"
    program.write_text(f"""#!/bin/sh
# confined as it is, the tool may read and write its current folder only
echo 'migration-worker:x:{own.uid}:{own.gid}::/nonexistent:/usr/sbin/nologin' > "$HOME/passwd"
echo 'migration-worker:x:{own.gid}:' > "$HOME/group"
LD_PRELOAD={wrapper} NSS_WRAPPER_PASSWD="$HOME/passwd" NSS_WRAPPER_GROUP="$HOME/group" exec /usr/bin/ssh "$@"
""")
    program.chmod(0o755)
    return str(folder)


def refresh(stack, faults=None):
    stack.old.mailboxes(stack.source, stack.ca.certificate, faults)
    stack.new.mailboxes(stack.destination, stack.ca.certificate, faults)


def prepare(stack, user, source, faults=()):
    refresh(stack, {user: list(faults)})
    technician = stack.client("technician")
    server = {"host": "127.0.0.1", "port": stack.destination.tls_port, "tls": "tls"}
    job = technician.create_job(user.split("@")[1], engine="reference", source={"kind": "tgz"}, destination=server)
    technician.add_mailboxes(job["id"], [{"source": {"kind": "tgz", **source},
                                          "destination": {"user": user, "secret": stack.destination.users[user]}}])
    return technician, job


def old_server(stack, user):
    return {"host": f"{stack.old.user}@127.0.0.1", "port": stack.old.port, "user": user}


def log(technician, run):
    return technician.request("GET", f"/runs/{run['id']}/log").text[-2000:]


def count(stack, server, user):
    return sum(sum(content.values()) for content in imapcheck.read(stack.account(server, user)).folders.values())


@pytest.mark.long
def test_server_to_server(stack):
    """Preflight, export, import, and a second pass that adds nothing; no secret in /proc, the work folder left empty."""
    user = "ana@zm.example"
    stack.add_mail_account(user, mailgen.Generator(user, 7).mailbox(12, 20_000))
    technician, job = prepare(stack, user, old_server(stack, user))
    watch = ProcWatch(stack.worker.pid, [stack.source.users[user], stack.destination.users[user]])
    run = technician.do(job["id"], "preflight")[0]
    assert run["status"] == "succeeded", (run["code"], run["message"], log(technician, run))
    for pass_ in ("initial", "delta"):
        run = technician.do(job["id"], "sync", pass_=pass_)[0]
        assert run["status"] == "succeeded", (run["code"], run["message"], run["result"].get("short_folders"))
        distinct = count(stack, stack.destination, user)
        assert 0 < distinct <= count(stack, stack.source, user) == run["result"]["messages_total"]
    watch.stop()
    assert "ssh" in watch.programs
    assert not list((stack.paths.spool / "work").iterdir())


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n == "aspose_ZimbraSample.tgz" else pytest.mark.long)
                                  for n in [*GOOD, *DAMAGED]])
def test_samples(stack, name):
    found = files.samples("tgz", name)
    if not found:
        pytest.skip("the shared samples are not on this machine (DESK_SHARED_DATA)")
    user = f"eva@t{abs(hash(name)) % 10**8}.example"
    stack.destination.add_user(user, "x")
    technician, job = prepare(stack, user, {"upload_id": files.upload(stack, found[0], "tgz")})
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    there = count(stack, stack.destination, user)
    if name in GOOD:
        assert run["status"] == "succeeded", (run["code"], run["message"], log(technician, run))
        # of equal messages in one folder Zimbra keeps one
        total = GOOD[name] if GOOD[name] is not None else run["result"]["messages_total"]
        assert total - 1 <= there <= total and there > 0
    else:
        assert (run["status"], run["code"]) == ("failed", "source.damaged"), run["message"]
        assert "nothing was imported" in run["message"] and there == 0


@pytest.mark.long
@pytest.mark.parametrize("fault, status, code", [
    ("drop", "partial", "partial"), ("quota", "failed", "quota.exceeded"), ("truncate", "failed", "source.damaged"),
    ("down", "failed", "tool.failed")])
def test_faults(stack, fault, status, code):
    """What goes wrong on a server is told; above all an import that answers well and has lost an item."""
    user = f"rui@{fault}.example"
    stack.add_mail_account(user, mailgen.Generator(user, 8).mailbox(8, 5_000))
    technician, job = prepare(stack, user, old_server(stack, user), [fault])
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    assert (run["status"], run["code"]) == (status, code), run["message"]


@pytest.mark.long
def test_quota(stack):
    """An archive that does not fit is told before a byte of it is imported."""
    user = "eva@full-zm.example"
    stack.add_mail_account(user, mailgen.Generator(user, 4).mailbox(60, 3_000_000))
    technician, job = prepare(stack, user, old_server(stack, user))
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    assert (run["status"], run["code"]) == ("failed", "quota.exceeded") and str(3 << 20) in run["message"], run["message"]
    assert count(stack, stack.destination, user) == 0


@pytest.mark.long
def test_accounts(stack):
    """The new server's own list of accounts: who has been forgotten stands at the gate; a domain it lacks is named."""
    stack.add_mail_account("ana@list.example", [])
    stack.destination.add_user("forgotten@list.example", "x")
    stack.destination.add_user("bo@list-two.example", "x")
    refresh(stack)
    technician = stack.client("technician")
    job = technician.create_job(["list.example", "list-two.example"], **stack.job_servers())
    technician.add_mailboxes(job["id"], [stack.mailbox_request("ana@list.example")])
    path = f"/jobs/{job['id']}/accounts"
    run, = technician.wait_runs([technician.post(path + "/read", {})])
    assert run["status"] == "succeeded", (run["code"], run["message"], log(technician, run))
    listed = technician.get(path)
    assert (listed["how"], listed["listed"]) == ("server", 3), listed
    assert {a["account"] for a in listed["not_in_job"]} == {"forgotten@list.example", "bo@list-two.example"}
    assert "account.not_in_job" in {r["code"] for r in technician.gate("list.example")["reasons"]}
    job = technician.create_job("nowhere.example", **stack.job_servers())
    run, = technician.wait_runs([technician.post(f"/jobs/{job['id']}/accounts/read", {})])
    assert (run["status"], run["code"]) == ("failed", "not_found") and "nowhere.example" in run["message"], run
    assert technician.get(f"/jobs/{job['id']}/accounts")["listed"] == 0


def test_host_key(stack):
    """A server with another key than the pinned one is not spoken to."""
    user = "ivo@pin.example"
    stack.add_mail_account(user, [])
    technician, job = prepare(stack, user, old_server(stack, user))
    before = stack.known.read_text()
    key = sshd.key(stack.paths.top / "ssh/other")
    stack.known.write_text(f"[127.0.0.1]:{stack.old.port} " + pathlib.Path(f"{key}.pub").read_text())
    try:
        run = technician.do(job["id"], "preflight")[0]
    finally:
        stack.known.write_text(before)
    assert (run["status"], run["code"]) == ("failed", "tls.untrusted"), run["message"]


REFUSED = ["", "id", "bash", "zmmailbox", "zmmailbox -z -m a@b.example -t 0 emptyFolder /Inbox",
           "zmmailbox -z -m a@b.example -t 0 postRestURL '//?fmt=tgz&resolve=reset' /dev/stdin",
           "zmmailbox -z -m a@b.example -t 0 postRestURL '//?fmt=tgz&resolve=skip' /etc/passwd",
           "zmmailbox -z -m a@b.example -t 0 getRestURL '//?fmt=tgz'; id", "zmmailbox -z -m $(id)@b -t 0 getMailboxSize",
           "zmmailbox -z -m -f@b.example -t 0 getMailboxSize", "zmmailbox -z -m a@b.example -t 0 getMailboxSize\nid",
           "su - zextras -c \"zmmailbox -z -m a@b.example -t 0 getMailboxSize\"; id", "carbonio prov da a@b.example",
           "zmprov -l gaa", "zmprov -l gaa -v", "zmprov -l gaa a.example; id", "zmprov -l da a.example",
           "bash -lc \"id\"", "zmmailbox -z -m a@b.example -t 0 getRestURL -o /etc/x '//?fmt=tgz'", "scp -t /tmp"]


@pytest.mark.parametrize("command", REFUSED)
def test_shell_refuses(command, tmp_path):
    environment = {**os.environ, "SSH_ORIGINAL_COMMAND": command, "HOME": str(tmp_path)}
    done = subprocess.run([SHELL], env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (126, "") and "may not" in done.stderr
