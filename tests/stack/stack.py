"""The whole system: mail servers, pools, worker and nginx, and the accounts to use them with.

    with Stack(build="/tmp/build") as stack:
        stack.add_mail_account("ana@a.example", folders)
        client = stack.client("technician")
"""

import dataclasses
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile

from . import certs, identity, imapcheck, imapload, mailgen, settings, tokens, worker
from .client import Client
from .dovecot import Dovecot
from .nginx import Nginx
from .pools import Pools
from .process import ENVIRON, StartError, adopt_orphans, sanitizer_report

TOP = pathlib.Path(__file__).resolve().parents[2]
USERS = {"technician": "technician", "lead": "ops_lead", "admin": "super_admin"}
PROGRAMS = ("migration-fcgi", "migration-worker", "migrationctl", "mailmover", "mailmover-source", "migration-report",
            "migration-dns")
DESK_ROLES = ["super_admin", "ops_lead", "technician", "gate_reader"]


@dataclasses.dataclass
class Paths:
    """Where things are below the private directory."""

    top: pathlib.Path
    etc: pathlib.Path
    data: pathlib.Path
    run: pathlib.Path
    log: pathlib.Path
    runtime: pathlib.Path  # in memory

    @property
    def spool(self):
        return self.data / "spool"

    @property
    def database(self):
        return self.data / "migration.db"

    @property
    def settings(self):
        return self.etc / "migration.env"


class Stack:
    """start() or `with`; stop() ends everything and removes the directory unless keep is true.

    build: where the programs are. keep: leave the directory. directory: use this one (it must not exist or
    be empty). api_settings, worker_settings: MIGRATION_* values beside the usual ones. mail: False starts no
    mail server; with_worker: False no worker. source, destination: arguments of Dovecot."""

    def __init__(self, build, directory=None, keep=False, api_settings=None, worker_settings=None, mail=True, with_worker=True,
                 source=None, destination=None):
        self.build = pathlib.Path(build).resolve()
        self.keep = keep
        self._api_settings = api_settings
        self._worker_settings = worker_settings
        self._with_worker = with_worker
        self._say = lambda text: None
        self._passwords = {}
        self.desk_key = secrets.token_urlsafe(48).encode()
        self.paths = self._make_directories(directory)
        self.ca = certs.Authority(self.paths.top / "ca")
        self.source = self.destination = None
        if mail:
            self.source = self._mail_server("source", {"storage": "maildir", "separator": ".", **(source or {})})
            self.destination = self._mail_server("destination", {"storage": "sdbox", **(destination or {})})
        self.pools = self.worker = self.nginx = None
        self.programs, self.www = self.build, self.build / "www/site"
        self._servers = [s for s in (self.source, self.destination) if s]
        self._workers = []
        self._reports = None
        self._sessions = {}

    # --- life ---------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.keep = True  # the error names a log: leave it
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def start(self, say=None):
        """Starts everything; say(text) hears of each step."""
        self._say = say or self._say
        adopt_orphans()
        for server in self._servers:
            self._say(f"mail server ({server.name}) on port {server.tls_port}")
            server.start()
        self._take_programs()
        self._make_keys()
        self.pools = Pools(self.programs / "migration-fcgi", self.paths.run, self.paths.settings, self.paths.log)
        self.nginx = Nginx(self.paths.top / "nginx", self.paths.log / "nginx.log",
                           TOP / "nginx/desk-migration.conf.in", self.www, self.pools.paths)
        self._say("FastCGI pools: api, worker, upload")
        self.pools.start()
        self._say(f"nginx on port {self.nginx.port}")
        self.nginx.start()
        anonymous = Client(self.nginx.url, timeout=5)  # the socket is there before, and after, its program
        self.pools.processes["api"].wait_ready(lambda: self._ready(anonymous))
        self.worker = self.add_worker("worker-1")
        if self._with_worker:
            self._say("worker")
            self.worker.start()
        return self

    @staticmethod
    def _ready(client):
        """Also ready: switched off by MIGRATION_ENABLED=false, which answers everything but /health so."""
        try:
            answer = client.request("GET", "/ready")
        except OSError:
            return False
        return answer.status == 200 or (answer.status == 503 and answer.json["code"] == "service.disabled")

    def stop(self):
        """Ends everything, newest first. Harmless when it never started."""
        for one in self._workers:
            one.stop()
        if self.nginx:
            self.nginx.stop()
        if self.pools:
            self.pools.close()
        for server in self._servers:
            server.terminate()  # each takes a second: let them end together
        for server in self._servers:
            server.stop()
        self._reports = self.sanitizer_reports()
        shutil.rmtree(self.paths.runtime, ignore_errors=True)
        if not self.keep:
            shutil.rmtree(self.paths.top, ignore_errors=True)

    def processes(self):
        """Every supervised Process."""
        found = [s.process for s in self._servers] + [w.process for w in self._workers]
        found += list(self.pools.processes.values()) if self.pools else []
        found += [self.nginx.process] if self.nginx else []
        return [p for p in found if p is not None]

    def check_alive(self):
        """Raises StartError naming the first program that has died."""
        for process in self.processes():
            process.check_alive()

    def sanitizer_reports(self):
        """[(program or file, report)]: what the sanitizers wrote into the logs of programs and runs. After
        stop(): also what they found when the programs ended."""
        if self._reports is not None:
            return self._reports
        logs = [p.log for p in self.processes() if isinstance(p.log, pathlib.Path)]
        for part in ("artefacts", "spool"):
            logs += [f for f in (self.paths.data / part).rglob("*log*") if f.is_file()]
        reports = [(str(log.relative_to(self.paths.top)), sanitizer_report(log)) for log in dict.fromkeys(logs)]
        return [(name, text) for name, text in reports if text]

    # --- who and what -------------------------------------------------------------------------------

    @property
    def url(self):
        return self.nginx.url

    def password(self, user):
        """Of technician, lead or admin. The account is made when first asked for: hashing a password takes a while."""
        if user not in self._passwords:
            password = secrets.token_urlsafe(12)
            self.ctl("user", "add", user, "--role", USERS[user], given=password + "\n")
            self._passwords[user] = password
        return self._passwords[user]

    def client(self, user=None, **arguments):
        """A client signed in as technician, lead or admin; None: not signed in. One session a user: nginx
        limits how often an address may sign in."""
        client = Client(self.url, **arguments)
        if user and user not in self._sessions:
            self._sessions[user] = Client(self.url).sign_in(user, self.password(user))
        if user:
            client.cookie, client.me = self._sessions[user].cookie, self._sessions[user].me
        return client

    def bearer(self, role, **claims):
        """A client with a token of Desk's issuer."""
        return Client(self.url, token=tokens.hs256(self.desk_key, role, **claims))

    def vm112_token(self):
        """A token of the installation's own issuer, as an administrator makes it for VM112."""
        return self.ctl("token", "issue", "--role", "gate_reader", "--sub", "vm112", "--days", 1,
                        "--key", self._issuer_key).strip()

    def add_worker(self, name, settings_extra=None):
        """Another worker (not started) with a key of its own, known to the API."""
        key = self.paths.etc / f"{name}.key"
        self.ctl("worker", "key", "--out", key)
        identity.own(key, identity.worker(), mode=0o600)
        self.ctl("worker", "add", name, "--public-key", f"{key}.pub")
        runtime = identity.make_dir(self.paths.runtime / name, identity.worker(), mode=0o700)
        values = settings.worker(dataclasses.replace(self.paths, runtime=runtime), self.secret_key,
                                 self.ca.certificate, self.url, self.programs / "mailmover", name, key,
                                 {"MIGRATION_SIGNING_KEY": self.signing_key,
                                  "MIGRATION_REPORT_BIN": self.programs / "migration-report",
                                  **(self._worker_settings or {}), **(settings_extra or {})})
        added = worker.Worker(self.programs / "migration-worker", self.paths.etc, self.paths.settings,
                              settings.text(values, "what only the worker may know"),
                              self.paths.log / f"{name}.log", name)
        self._workers.append(added)
        return added

    def ctl(self, *arguments, given="", expect=0):
        """Runs migrationctl as an administrator; returns what it printed. given: its standard input.
        expect: its exit status (None: any; then the CompletedProcess is returned)."""
        argv = [str(self.programs / "migrationctl"), "-c", str(self.paths.settings),
                "-k", str(self.paths.etc / "worker.env"), *map(str, arguments)]
        result = subprocess.run(argv, env=ENVIRON, input=given, capture_output=True, text=True, check=False)
        if expect is None:
            return result
        if result.returncode != expect:
            raise StartError(f"migrationctl {' '.join(map(str, arguments))}: status {result.returncode}: "
                             f"{result.stderr.strip()}")
        return result.stdout

    # --- mail ---------------------------------------------------------------------------------------

    def add_mail_account(self, user, folders=None):
        """An account on both servers (with different passwords), `folders` delivered to the source."""
        self.source.add_user(user, secrets.token_urlsafe(12))
        self.destination.add_user(user, secrets.token_urlsafe(12))
        return self.deliver(user, folders or [])

    def deliver(self, user, folders, server=None):
        """Puts mailgen folders into an account of the source (or of `server`)."""
        server = server or self.source
        loader = imapload.Loader(server.host, server.tls_port, user, server.users[user], self.ca.certificate)
        try:
            return mailgen.deliver(loader, folders)
        finally:
            loader.close()

    def mailbox_request(self, user, **fields):
        """The body that adds this account's move to a job."""
        return {"source": {"user": user, "secret": self.source.users[user]},
                "destination": {"user": user, "secret": self.destination.users[user]}, **fields}

    def job_servers(self):
        """source and destination of a job."""
        return {"source": {"kind": "imap", "host": "127.0.0.1", "port": self.source.tls_port, "tls": "tls"},
                "destination": {"host": "127.0.0.1", "port": self.destination.starttls_port, "tls": "starttls"}}

    def account(self, server, user):
        """For imapcheck."""
        return imapcheck.Account(server.host, server.tls_port, user, server.users[user], self.ca.certificate)

    def compare(self, user, **arguments):
        """The independent judge's result for one account."""
        return imapcheck.compare(self.account(self.source, user), self.account(self.destination, user), **arguments)

    # --- inside -------------------------------------------------------------------------------------

    def _make_directories(self, directory):
        if directory is None:
            top = pathlib.Path(tempfile.mkdtemp(prefix="desk-migration-"))
        else:
            top = pathlib.Path(directory).resolve()
            top.mkdir(parents=True, exist_ok=True)
            if any(top.iterdir()):
                raise StartError(f"{top} is not empty")
            closed = [d for d in top.parents if identity.is_root() and not d.stat().st_mode & 0o001]
            if closed:
                raise StartError(f"other users cannot reach {top} (see the mode of {closed[0]}): choose another "
                                 "directory, or start as an ordinary user")
        top.chmod(0o711)
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        runtime = pathlib.Path(tempfile.mkdtemp(prefix="desk-migration-", dir=memory))
        runtime.chmod(0o711)
        paths = Paths(top, top / "etc", top / "data", top / "run", top / "log", runtime)
        api, mover = identity.api(), identity.worker()
        identity.make_dir(paths.etc, None, mode=0o755)
        identity.make_dir(paths.run, None, mode=0o755)
        identity.make_dir(paths.log, None, mode=0o755)
        # owners and modes: section 4 of the design, systemd/*.conf for an installed system
        shared = 0o2750 if identity.is_root() else 0o700
        identity.make_dir(paths.data, api, mode=0o711)
        identity.make_dir(paths.data / "artefacts", api, mode=0o700)
        identity.make_dir(paths.data / "uploads", api, "migration-spool", shared)
        identity.make_dir(paths.spool, None, mode=0o755)
        for part in ("tmp", "incoming"):
            identity.make_dir(paths.spool / part, api, "migration-spool", 0o2770 if identity.is_root() else 0o700)
        for part in ("running", "done", "failed", "outbox", "work", "state"):
            identity.make_dir(paths.spool / part, mover, mode=0o700)
        return paths

    def _take_programs(self):
        """As root the programs run as other users, who may not reach a build below /root: then they get copies."""
        missing = [name for name in PROGRAMS if not (self.build / name).exists()]
        if missing:
            raise StartError(f"{', '.join(missing)} not found in {self.build}: scripts/build {self.build}")
        needed = [self.build, *self.build.parents, *(self.build / name for name in PROGRAMS), *(self.www, *self.www.rglob("*"))]
        if not identity.is_root() or all(path.stat().st_mode & (0o001 if path.is_dir() else 0o004) for path in needed):
            return
        self.programs, self.www = self.paths.top / "bin", self.paths.top / "www"
        self.programs.mkdir(mode=0o755)
        for name in PROGRAMS:
            shutil.copy(self.build / name, self.programs / name)
            (self.programs / name).chmod(0o755)
        shutil.copytree(self.build / "www/site", self.www)
        for path in (self.www, *self.www.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def _mail_server(self, name, arguments):
        return Dovecot(name, self.paths.top / name, self.ca.issue(name), **arguments)

    def _make_keys(self):
        # printed, not written: an ordinary user's API must find the secret in no file
        printed = dict(line.split("=", 1) for line in self.ctl("key", "generate").splitlines())
        self.secret_key = printed["MIGRATION_CREDENTIALS_KEY"]
        signing = dict(line.split("=", 1) for line in self.ctl("key", "signing").splitlines())
        self.signing_key = signing["MIGRATION_SIGNING_KEY"]
        desk_key = self.paths.etc / "desk.key"
        worker.write_private(desk_key, self.desk_key.decode(), identity.api())
        self._issuer_key = self.paths.etc / "issuer.key"
        self.ctl("key", "issuer", "--out", self._issuer_key)
        public = self.paths.etc / "issuer.key.pub"
        identity.own(public, identity.api(), mode=0o644)
        issuers = self.paths.etc / "issuers.json"
        rows = [{"iss": "desk", "alg": "HS256", "key_file": str(desk_key), "aud": "desk-migration", "roles": DESK_ROLES},
                {"iss": "desk-migration", "alg": "ES256", "key_file": str(public), "aud": "desk-migration",
                 "roles": ["gate_reader"]}]
        issuers.write_text(json.dumps(rows), encoding="utf-8")
        values = settings.api(self.paths, printed["MIGRATION_SEAL_PUBLIC_KEYS"], self.ca.certificate, issuers,
                              {"MIGRATION_SIGNING_PUBLIC_KEYS": signing["MIGRATION_SIGNING_PUBLIC_KEYS"],
                               **(self._api_settings or {})})
        worker.write_private(self.paths.settings, settings.text(values, "settings of the pools"), identity.api())
