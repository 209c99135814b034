"""A private Courier IMAP server: Debian's imapd program behind a small log-in of our own.

Courier's own log-in daemons have their paths compiled in; imapd does not need them: like inetd's
children it takes over a connection that is logged in already. So no root, and users of ours alone.
"""

import json

from . import debs, identity, login, wait
from .process import Process
from .proxy import Proxy

# as Debian's /etc/courier/imapd says, but for emptying the trash, which would remove old mail from it
_SETTINGS = {
    "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE",
    "IMAP_KEYWORDS": "1", "IMAP_ACL": "1", "IMAP_IDLE_TIMEOUT": "60", "IMAP_MAILBOX_SANITY_CHECK": "1",
    "IMAP_DISABLETHREADSORT": "0", "IMAP_CHECK_ALL_FOLDERS": "0", "IMAP_OBSOLETE_CLIENT": "0", "IMAP_UMASK": "022",
    "IMAP_ULIMITD": "131072", "IMAP_USELOCKS": "1", "IMAP_ENHANCEDIDLE": "0", "IMAP_TRASHFOLDERNAME": "Trash",
    "PROTOCOL": "IMAP", "TCPREMOTEIP": "127.0.0.1", "TCPREMOTEPORT": "1", "MAILDIRPATH": "Maildir",
    "AUTHMODULES": "none", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
}


class Courier:
    """tls_port (by a TLS proxy in front) and plain_port. Folders are INBOX.Name, separated by ".";
    no LITERAL+, no MULTIAPPEND, no SPECIAL-USE."""

    name, host = "courier", "127.0.0.1"

    def __init__(self, directory, certificate):
        self._tree = debs.Tree("courier", ["courier-imap", "courier-base", "courier-authlib", "gamin"],
                               ["usr/bin/imapd", "usr/libexec/gam_server"])
        self.directory, self.users = directory, {}
        self.plain_port = wait.free_port()
        self._identity = identity.mail_server()
        directory.mkdir(parents=True, exist_ok=True)
        identity.make_dir(directory / "home", self._identity, mode=0o755)
        identity.own(directory, self._identity, mode=0o755)
        self._proxy = Proxy(directory, self.plain_port, "courier-tls", certificate=certificate)
        self.tls_port = self._proxy.port
        self.process = Process("courier", login.command(directory, directory / "courier.json"),
                               directory / "courier.log", self._identity)
        # imapd waits for locks through it; without it every command would take a second
        self._watcher = Process("gamin", ["/usr/bin/env", *(f"{k}={v}" for k, v in self._tree.environ().items()),
                                          self._tree.root / "usr/libexec/gam_server", "--notimeout", self._client_id],
                                directory / "courier.log", self._identity)

    @property
    def _client_id(self):
        return f"desk{self.plain_port}"

    def add_user(self, user, password):
        self.users[user] = password
        home = identity.make_dir(login.home(self.directory / "home", user), self._identity, mode=0o700)
        if not (home / "Maildir").exists():
            for part in ("", "cur", "new", "tmp"):
                identity.make_dir(home / "Maildir" / part, self._identity, mode=0o700)
        self._write()

    def _write(self):
        settings = {"port": self.plain_port, "home": str(self.directory / "home"), "users": self.users,
                    "capability": _SETTINGS["IMAP_CAPABILITY"] + " AUTH=PLAIN",
                    "argv": [str(self._tree.root / "usr/bin/imapd"), "Maildir"],
                    "environ": {**_SETTINGS, **self._tree.environ(), "GAM_CLIENT_ID": self._client_id}}
        file = self.directory / "courier.json"
        file.write_text(json.dumps(settings))
        identity.own(file, self._identity, mode=0o600)

    def start(self):
        self._write()
        (self.directory / "courier.log").touch()
        self._watcher.start()
        self.process.start()
        self.process.wait_ready(lambda: wait.can_connect(self.plain_port))
        self._proxy.start()
        return self

    def stop(self):
        self._proxy.stop()
        self.process.stop()
        self._watcher.stop()
