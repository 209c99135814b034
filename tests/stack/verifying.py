"""Runs mailmover verify and check against two private mail servers, and spoils the destination for them."""

import dataclasses
import imaplib
import json
import ssl
import subprocess

from . import mailgen
from .imapload import Loader
from .process import ENVIRON

PASSWORD = "a secret with spaces"


@dataclasses.dataclass
class Outcome:
    """What a run of mailmover said."""

    status: int
    events: list
    output: str

    def of(self, kind):
        return [e for e in self.events if e["t"] == kind]

    @property
    def done(self):
        return self.of("done")[-1]

    def folder(self, name):
        return next(e for e in self.of("verify_folder") if e["folder"] == name)

    def findings(self):
        """(event, folder, uid, what) of everything that was named, sorted."""
        word = {"missing": lambda e: e["class"], "differing": lambda e: "+".join(e["what"]),
                "changed": lambda e: e["rung"]}
        return sorted((e["t"], e["folder"], e["uid"], word[e["t"]](e)) for e in self.events if e["t"] in word)


class Pair:
    """A source and a destination, each a Dovecot; accounts filled alike. To be made before the servers start:
    Dovecot reads its list of users at most once a second."""

    ACCOUNTS = 200

    def __init__(self, program, directory, authority, source, destination):
        self.program = program
        self.directory = directory
        self.authority = authority
        self.source, self.destination = source, destination
        self.secret = directory / "secret"
        self.secret.write_text(PASSWORD)
        self.secret.chmod(0o600)
        self._serial = 0
        for number in range(1, self.ACCOUNTS + 1):
            for server in (source, destination):
                server.add_user(f"user{number}@example.net", PASSWORD)

    def account(self, messages=200, both=True, seed=1, biggest=200_000, change=None):
        """A user with a generated mailbox at the source and, with `both`, the same mail at the destination;
        change(message) -> message alters what the destination gets. Returns (user, folders)."""
        self._serial += 1
        assert self._serial <= self.ACCOUNTS
        user = f"user{self._serial}@example.net"
        folders = mailgen.Generator("someone", seed).mailbox(messages, biggest) if messages else []
        mailgen.deliver(self.loader(self.source, user), folders)
        if both:
            there = folders if change is None else [
                mailgen.Folder(f.path, f.subscribed, [change(m) for m in f.messages]) for f in folders]
            mailgen.deliver(self.loader(self.destination, user), there)
        return user, folders

    def loader(self, server, user):
        return Loader("127.0.0.1", server.tls_port, user, PASSWORD, self.authority.certificate)

    def imap(self, server, user):
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        client = imaplib.IMAP4_SSL("127.0.0.1", server.tls_port, ssl_context=context)
        client.login(user, PASSWORD)
        return client

    def url(self, server, user, port=None):
        return f"imaps://{user.replace('@', '%40')}@127.0.0.1:{port or server.tls_port}"

    def command(self, verb, user, *arguments, source_port=None, destination_port=None):
        self._serial += 1
        events = self.directory / f"events-{self._serial}.jsonl"
        return events, [
            self.program, verb, "--from", self.url(self.source, user, source_port), "--from-secret", self.secret,
            "--to", self.url(self.destination, user, destination_port), "--to-secret", self.secret,
            "--ca-file", self.authority.certificate, "--events", events, *arguments]

    def run(self, verb, user, *arguments, **ports):
        events, command = self.command(verb, user, *arguments, **ports)
        ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, check=False,
                             env=ENVIRON)
        assert "Sanitizer" not in ran.stderr and "runtime error" not in ran.stderr, ran.stderr
        lines = events.read_text().splitlines() if events.exists() else []
        return Outcome(ran.returncode, [json.loads(line) for line in lines], ran.stdout + ran.stderr)


class Vandal:
    """Edits one account as careless tools and people do. Messages are named by folder and position (from 0)."""

    def __init__(self, pair, server, user, folders):
        self._client = pair.imap(server, user)
        self._loader = pair.loader(server, user)
        self._messages = {f.path: f.messages for f in folders}

    def message(self, path, index):
        return self._messages[path][index]

    def messages(self, path):
        return self._messages[path]

    def name(self, path):
        return self._loader.name(path).decode()

    def _do(self, method, *arguments):
        kind, data = getattr(self._client, method)(*arguments)
        assert kind == "OK", (method, arguments, data)
        return data

    def _select(self, path):
        self._do("select", self.name(path))

    def remove(self, path, index):
        self._select(path)
        self._do("uid", "STORE", str(index + 1), "+FLAGS", "(\\Deleted)")
        self._do("uid", "EXPUNGE", str(index + 1))

    def add(self, path, message):
        self._loader.append(path, [(message.data, message.internal_date, message.flags)])

    def replace(self, path, index, data=None, date=None):
        old = self.message(path, index)
        self.remove(path, index)
        self.add(path, mailgen.Message(old.data if data is None else data, date or old.date, old.flags))

    def store(self, path, index, change, flags):
        self._select(path)
        self._do("uid", "STORE", str(index + 1), change, f"({flags})")

    def move(self, path, index, target):
        self._select(path)
        self._do("uid", "MOVE", str(index + 1), self.name(target))

    def delete_folder(self, path):
        self._do("select", "INBOX")
        self._do("delete", self.name(path))

    def close(self):
        self._client.logout()
        self._loader.close()


