"""Who each process runs as.

As root each part has the user that it has on a real machine. The accounts need not exist: where the
package has not created them, fixed numbers without a name stand in, so that a demo adds no account
to the machine. As an ordinary user everything is that user.
"""

import dataclasses
import grp
import os
import pwd

# numbers that no distribution hands out (systemd's list of ranges calls 60514-60577 unused)
_STAND_IN = {"migration": 60531, "migration-worker": 60532, "migration-spool": 60533}


@dataclasses.dataclass(frozen=True)
class Identity:
    """A user to run as. uid None: stay who we are."""

    name: str
    uid: int | None = None
    gid: int | None = None
    groups: tuple = ()

    def popen_arguments(self):
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": list(self.groups)}


def is_root():
    return os.geteuid() == 0


def group_id(name):
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return _STAND_IN[name]


def _account(name, groups=()):
    if not is_root():
        return Identity(pwd.getpwuid(os.geteuid()).pw_name)
    try:
        entry = pwd.getpwnam(name)
        uid, gid = entry.pw_uid, entry.pw_gid
    except KeyError:
        uid = gid = _STAND_IN[name]
    return Identity(name, uid, gid, tuple(group_id(g) for g in groups))


def api():
    """The FastCGI pools."""
    return _account("migration", ["migration-spool"])


def worker():
    return _account("migration-worker", ["migration-spool"])


def web():
    """nginx."""
    return _account("www-data")


def mail_server():
    """The two Dovecots; never root, whoever starts them."""
    return _account("dovecot")


def own(path, identity, group=None, mode=None):
    """Gives path to identity (and to the group of that name); without root only the mode changes."""
    if is_root():
        uid = identity.uid if identity is not None else 0
        gid = group_id(group) if group is not None else (identity.gid if identity is not None else 0)
        os.chown(path, uid, gid)
    if mode is not None:
        os.chmod(path, mode)


def make_dir(path, identity, group=None, mode=0o700):
    path.mkdir(parents=True, exist_ok=True)
    own(path, identity, group, mode)
    return path
