"""Tries, as each process's user, what the table of owners and modes denies it. Needs root."""

import dataclasses
import os

from . import identity


@dataclasses.dataclass(frozen=True)
class Denied:
    """Something that must not be possible."""

    who: str
    action: str  # read, list or write
    path: str    # below the private directory


DENIED = [
    Denied("migration", "read", "etc/worker.env"),
    Denied("migration", "read", "etc/worker-1.key"),
    Denied("migration", "list", "data/spool/running"),
    Denied("migration", "list", "data/spool/work"),
    Denied("migration", "list", "data/spool/state"),
    Denied("migration", "list", "data/spool/outbox"),
    Denied("migration", "write", "data/spool/done"),
    Denied("migration-worker", "read", "data/migration.db"),
    Denied("migration-worker", "read", "data/progress.db"),
    Denied("migration-worker", "list", "data/artefacts"),
    Denied("migration-worker", "write", "data/uploads"),
    Denied("migration-worker", "write", "data"),
    Denied("migration-worker", "read", "etc/desk.key"),
    Denied("migration-worker", "read", "etc/migration.env"),
    Denied("www-data", "read", "etc/migration.env"),
    Denied("www-data", "read", "etc/worker.env"),
    Denied("www-data", "read", "data/migration.db"),
    Denied("www-data", "list", "data/spool/incoming"),
]


def attempt(top, case):
    """"denied", "allowed" or "absent": what happens when that user tries."""
    who = {"migration": identity.api, "migration-worker": identity.worker, "www-data": identity.web}[case.who]()
    path = top / case.path
    if not path.exists():
        return "absent"
    child = os.fork()
    if child == 0:
        code = 3
        try:
            os.setgroups(who.groups)
            os.setgid(who.gid)
            os.setuid(who.uid)
            _try(path, case.action)
            code = 0
        except PermissionError:
            code = 1
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {0: "allowed", 1: "denied"}.get(code, "failed otherwise")


def _try(path, action):
    if action == "read":
        with open(path, "rb") as file:
            file.read(1)
    elif action == "list":
        os.listdir(path)
    else:
        probe = path / ".permission-probe"
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(probe)
