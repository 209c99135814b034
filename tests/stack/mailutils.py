"""A private GNU Mailutils imap4d: the poorest IMAP server that Debian has."""

import json

from . import debs, identity, login, wait
from .process import Process
from .proxy import Proxy

_CONFIG = """\
mailbox {{
  mailbox-pattern "mbox:///{home}/INBOX";
  mailbox-type mbox;
}}
namespace personal {{
  prefix "" {{
    directory "{home}/folders";
    mailbox-type mbox;
  }}
}}
logging {{
  syslog no;
}}
preauth stdio;
"""


class Mailutils:
    """tls_port (by a TLS proxy in front) and plain_port. IMAP4rev1 and little more; separator "/"."""

    name, host = "mailutils", "127.0.0.1"

    def __init__(self, directory, certificate):
        self._tree = debs.Tree("mailutils", ["mailutils-imap4d", "libmailutils9", "mailutils-common"],
                               ["usr/sbin/imap4d"])
        self.directory, self.users = directory, {}
        self.plain_port = wait.free_port()
        self._identity = identity.mail_server()
        for part in ("", "home"):
            identity.make_dir(directory / part, self._identity, mode=0o755)
        self._proxy = Proxy(directory, self.plain_port, "mailutils-tls", certificate=certificate)
        self.tls_port = self._proxy.port
        self.process = Process("imap4d", login.command(directory, directory / "mailutils.json"),
                               directory / "imap4d.log", self._identity)

    def add_user(self, user, password):
        home = login.home(self.directory / "home", user)
        for part in ("", "folders"):
            identity.make_dir(home / part, self._identity, mode=0o700)
        config = home / "imap4d.conf"
        config.write_text(_CONFIG.format(home=home))
        identity.own(config, self._identity, mode=0o600)
        self.users[user] = password
        self._write()

    def _write(self):
        file = self.directory / "mailutils.json"
        program = str(self._tree.root / "usr/sbin/imap4d")
        file.write_text(json.dumps({
            "port": self.plain_port, "home": str(self.directory / "home"), "users": self.users, "greets": True,
            "capability": "IMAP4rev1 AUTH=PLAIN", "argv": [program, "--inetd", "--config-file=imap4d.conf"],
            "environ": {**self._tree.environ(), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}))
        identity.own(file, self._identity, mode=0o600)

    def start(self):
        self._write()
        (self.directory / "imap4d.log").touch()
        self.process.start()
        self.process.wait_ready(lambda: wait.can_connect(self.plain_port))
        self._proxy.start()
        return self

    def stop(self):
        self._proxy.stop()
        self.process.stop()
