"""The demo: a company of three people moves to a new mail server, through nginx and the public API only.

Started by scripts/demo, which installs and builds first.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

from . import identity, mailgen, permissions
from .client import ApiError, parallel
from .imapcheck import CheckError
from .imapload import LoadError
from .process import StartError
from .stack import TOP, USERS, Stack
from .terminal import Terminal, size
from .wait import Timeout

DOMAIN = "acme.example"
PEOPLE = ("ana", "joao.conceicao", "zoe")
ROLES = {"technician": "technician", "lead": "ops lead (approves the gate)", "admin": "super admin"}


class DemoFailed(Exception):
    """Something did not hold; the text says what."""


class Demo:
    def __init__(self, options):
        self._out = Terminal()
        self._messages = options.messages
        self._stack = Stack(options.build, directory=options.keep, keep=bool(options.keep))
        self._users = [f"{person}@{DOMAIN}" for person in PEOPLE]
        self._generators = {user: mailgen.Generator(user, 2026) for user in self._users}
        self._technician = self._job = self._token = None

    def run(self):
        self._start()
        if identity.is_root():
            self._show_permissions()
        else:
            self._out.note("(all processes run as you; started as root, each gets a user of its own)")
        self._migrate()
        self._judge()

    def stop(self, keep=False):
        self._stack.keep = self._stack.keep or keep
        self._stack.stop()
        return self._stack.paths.top if self._stack.keep else None

    def wait_for_interrupt(self):
        out, stack = self._out, self._stack
        out.title("The page")
        out.note(f"{stack.url}/")
        for name in USERS:
            out.note(f"  {name:<11} {stack.password(name):<18} {ROLES[name]}")
        out.note(f"The gate, as VM112 asks: scripts/vm112-gate --url {stack.url} --token-file {self._token} {DOMAIN}")
        out.note("An administrator's check, here as on any installation:")
        out.note("  " + " ".join(str(word) for word in self._probe()))
        out.note(f"Logs: {stack.paths.log}")
        out.note("Ctrl-C ends the demo and removes everything.")
        while True:
            time.sleep(1)
            stack.check_alive()

    def _probe(self):
        """scripts/verify-migration.sh with a small mailbox of its own, and its passwords in files."""
        stack, user = self._stack, "probe@check.example"
        generator = mailgen.Generator(user, 1)
        stack.add_mail_account(user, [mailgen.Folder("INBOX", True, [generator.message(attachment=0) for _ in range(5)])])
        words = [TOP / "scripts/verify-migration.sh", "--url", stack.url, "--domain", "check.example", "--login", "lead"]
        for option, secret in (("password", stack.password("lead")), ("source-password", stack.source.users[user]),
                               ("destination-password", stack.destination.users[user])):
            words += [f"--{option}-file", self._secret_file(option, secret)]
        for side, server in (("source", stack.source), ("destination", stack.destination)):
            words += [f"--{side}", f"127.0.0.1:{server.tls_port}", f"--{side}-user", user]
        return words

    def _secret_file(self, name, text):
        path = self._stack.paths.etc / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return path

    # --- steps --------------------------------------------------------------------------------------

    def _start(self):
        out, stack = self._out, self._stack
        out.title(f"Starting everything in {stack.paths.top}")
        stack.start(lambda text: out.busy("starting", text))
        out.step("mail servers", f"two Dovecots: source on port {stack.source.tls_port}, "
                                 f"destination (empty) on port {stack.destination.tls_port}")
        out.step("FastCGI pools", "api, worker, upload")
        out.step("nginx", stack.url)
        out.step("worker", f"pid {stack.worker.pid}")
        messages = total = folders = 0
        for user, generator in self._generators.items():
            out.busy("mail", f"writing {user}'s mail into the source")
            boxes = generator.mailbox(self._messages)
            counted = stack.add_mail_account(user, boxes)
            messages, total, folders = messages + counted[0], total + counted[1], folders + len(boxes)
        out.step("mail", f"{len(self._users)} mailboxes, {folders} folders, {messages} messages, {size(total)}, 1994 to 2026")
        self._token = self._secret_file("vm112.token", stack.vm112_token())

    def _show_permissions(self):
        out = self._out
        out.title("Each process is refused what it must not touch")
        for case in permissions.DENIED:
            result = permissions.attempt(self._stack.paths.top, case)
            line = f"cannot {case.action} {case.path}"
            if result == "denied":
                out.step(case.who, line)
            elif result == "absent":
                out.note(f"{case.who}: {case.path} does not exist")
            else:
                out.failed(case.who, f"{case.action} {case.path}: {result}")
                raise DemoFailed(f"{case.who} may {case.action} {case.path}")

    def _migrate(self):
        out, stack = self._out, self._stack
        out.title("The migration, as a technician does it")
        self._technician = technician = stack.client("technician")
        out.step("sign in", f"{technician.me['name']}, {technician.me['role']}")
        self._job = technician.create_job(DOMAIN, ticket="DESK-1042", title="ACME moves to the new server",
                                          **stack.job_servers())
        out.step("job", f"#{self._job['id']} for {DOMAIN}, ticket {self._job['ticket']}")
        technician.add_mailboxes(self._job["id"], [stack.mailbox_request(user) for user in self._users])
        out.step("mailboxes", ", ".join(self._users))
        self._show_gate()
        self._run("preflight")
        self._run("sync", "initial")
        self._show_gate()
        self._new_mail()
        self._run("sync", "delta")
        self._run("verify")
        self._show_gate()
        self._run("sync", "final")
        self._run("verify")
        self._show_gate()
        lead = stack.client("lead")
        lead.approve(self._job["id"])
        out.step("approve", f"by {lead.me['name']}, {lead.me['role']}")
        verdict = self._show_gate()
        self._ask_as_vm112()
        if verdict != "ready_for_dns":
            raise DemoFailed(f"the gate says {verdict} at the end")

    def _run(self, kind, pass_=None):
        name = f"{kind} {pass_}" if pass_ else kind
        begun = time.monotonic()
        runs = self._technician.do(self._job["id"], kind, watch=lambda now: self._progress(name, now),
                                   alive=self._stack.check_alive, **({"pass_": pass_} if pass_ else {}))
        bad = [r for r in runs if r["status"] != "succeeded"]
        for run in bad:
            self._out.failed(name, f"run {run['id']}: {run['status']} {run.get('code') or ''}: {run.get('message') or ''}")
            if run.get("remedy"):
                self._out.note(run["remedy"])
        if bad:
            raise DemoFailed(f"{name}: {len(bad)} of {len(runs)} runs did not succeed")
        self._out.step(name, f"{self._summary(kind)}  {time.monotonic() - begun:.1f} s")

    def _progress(self, name, runs):
        seen = [r["progress"] for r in runs if r.get("progress")]
        done = sum(p.get("messages_done") or 0 for p in seen)
        total = sum(p.get("messages_total") or 0 for p in seen)
        moved = sum(p.get("bytes_done") or 0 for p in seen)
        rate = sum(p.get("rate_bytes") or 0 for r in runs for p in [r.get("progress") or {}] if r["status"] == "running")
        if total:
            self._out.bar(name, done, total, f"{done}/{total} messages  {size(moved)}" + (f"  {size(rate)}/s" if rate else ""))
        else:
            states = [r["status"] for r in runs]
            self._out.busy(name, ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states)))

    def _summary(self, kind):
        if kind == "preflight":
            return f"{len(self._users)} mailboxes can be read and written"
        boxes = self._technician.get(f"/jobs/{self._job['id']}/mailboxes")["items"]
        if kind == "sync":
            passes = [b["state"]["last_pass"] for b in boxes]
            return (f"{sum(p['copied'] for p in passes)} copied, {sum(p['present'] for p in passes)} already there, "
                    f"{sum(p['refused'] for p in passes)} refused")
        checks = [b["state"]["verification"] for b in boxes]
        return (f"{sum(v['found'] for v in checks)} of {sum(v['expected'] for v in checks)} found, "
                f"{sum(v['missing'] for v in checks)} missing")

    def _new_mail(self):
        count = 0
        for user, generator in self._generators.items():
            mail = [mailgen.Folder("INBOX", True, generator.new_mail()),
                    mailgen.Folder("Clientes/Novo às pressas", True, [generator.message()])]
            count += self._stack.deliver(user, mail)[0]
        self._out.step("new mail", f"{count} messages arrive at the source, some in a new folder")

    def _show_gate(self):
        gate = self._technician.gate(DOMAIN)
        codes = [r["code"] for r in gate["reasons"]]
        self._out.gate(gate["verdict"], ", ".join(f"{c} ({codes.count(c)})" if codes.count(c) > 1 else c
                                                  for c in dict.fromkeys(codes)))
        return gate["verdict"]

    def _ask_as_vm112(self):
        result = subprocess.run([TOP / "scripts/vm112-gate", "--url", self._stack.url, "--token-file", self._token,
                                 DOMAIN], capture_output=True, text=True, check=False)
        line = (result.stdout + result.stderr).strip().splitlines()
        if result.returncode != 0:
            raise DemoFailed(f"scripts/vm112-gate: status {result.returncode}: {' '.join(line)}")
        self._out.step("VM112 asks", f"{line[0]} (exit status 0)")

    def _judge(self):
        out = self._out
        out.title("An independent check over IMAP (Python's imaplib)")
        for user in self._users:
            out.busy(user, "reading both sides")
        unequal = 0
        for user, result in zip(self._users, parallel([lambda u=u: self._stack.compare(u) for u in self._users])):
            if result.equal:
                out.step("equal", f"{user}: {result.messages} messages, {size(result.bytes)}, {result.folders} folders")
            else:
                unequal += 1
                out.failed("different", f"{user}: {len(result.differences)} differences")
                for line in result.differences[:30]:
                    out.note(line)
        if unequal:
            raise DemoFailed(f"{unequal} of {len(self._users)} mailboxes differ")


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--once", action="store_true",
                        help="end after the migration; status 0 only if both sides are equal and the gate is open")
    parser.add_argument("--keep", metavar="DIR", help="use DIR (empty or new) and leave it there")
    parser.add_argument("--messages", type=int, default=1000, help="messages a mailbox (default %(default)s)")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    demo = None
    status, finished, evidence = 1, False, False
    try:
        demo = Demo(options)
        demo.run()
        finished = True
        if not options.once:
            demo.wait_for_interrupt()
        status = 0
    except KeyboardInterrupt:
        print()
        status = 0 if finished else 130
    except (DemoFailed, StartError, ApiError, Timeout, CheckError, LoadError, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        evidence = True  # the logs say why: leave them
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the end must not be interrupted half-way
        kept = demo.stop(keep=evidence) if demo else None
    if kept:
        print(f"demo: everything is still in {kept}, the logs in {kept}/log", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
