"""A private Dovecot that behaves like a real mail server and needs no root.

It listens on 127.0.0.1 only: one port with TLS from the first byte, one with STARTTLS (which refuses
passwords before it). Certificates, users and mail live below one directory.
"""

import grp
import imaplib
import os
import pwd
import re
import shutil
import signal
import ssl

from . import identity, wait
from .process import Process, StartError

_CONFIG = """\
protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log/server.log
instance_name = {name}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
default_process_limit = 200

ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
auth_verbose = yes

auth_username_chars =
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/users/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/home/%u
}}

mail_location = {location}
mail_fsync = {fsync}
mailbox_list_index = yes
namespace inbox {{
  inbox = yes
  separator = {separator}
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Archive {{
    special_use = \\Archive
  }}
}}
{quota}
service anvil {{
  chroot =
  # no growing delay for the address that mistyped a password: all tests share 127.0.0.1
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""

_QUOTA = """\
mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = count:User quota
  quota_rule = *:storage={quota}
  quota_vsizes = yes
}}
"""

LOCATIONS = {"maildir": "maildir:~/Maildir", "sdbox": "sdbox:~/mail", "mdbox": "mdbox:~/mail"}


class Dovecot:
    """One mail server. `host` is always 127.0.0.1 (the certificate is also good for localhost)."""

    host = "127.0.0.1"

    def __init__(self, name, directory, certificate, storage="sdbox", separator="/", quota=None, fsync="never",
                 more=""):
        """more: settings that go before those above (Dovecot's own syntax)."""
        self.name = name
        self.directory = directory
        self.users = {}
        self.tls_port = wait.free_port()
        self.starttls_port = wait.free_port()
        self._identity = identity.mail_server()
        self._certificate = certificate
        self._settings = {"storage": storage, "separator": separator, "quota": quota, "fsync": fsync, "more": more}
        self._process = None

    @property
    def process(self):
        return self._process

    def add_user(self, user, password):
        """Adds a user or changes the password; once started, returns when the server knows it."""
        if any(c in user + password for c in ":\n") or "/" in user:
            raise ValueError("a colon or a line end has no place in Dovecot's passwd-file, a slash none in its name")
        self.users[user] = password
        if self._process is not None:
            self._write_users()
            wait.until(lambda: self._accepts(user), f"{self.name} to know {user}", alive=self._process.check_alive)

    def _accepts(self, user):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # not the default one: reading the system's CAs takes long
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with imaplib.IMAP4_SSL(self.host, self.tls_port, ssl_context=context, timeout=30) as connection:
            try:
                connection.authenticate("PLAIN", lambda _: f"\0{user}\0{self.users[user]}".encode())
                return True
            except imaplib.IMAP4.error:
                return False

    def start(self):
        program = shutil.which("dovecot", path="/usr/sbin:/usr/bin:/sbin")
        if program is None:
            raise StartError("dovecot is not installed: scripts/install-packages run")
        for part in ("run", "state", "log", "home"):
            identity.make_dir(self.directory / part, self._identity, mode=0o755)
        identity.own(self.directory, self._identity, mode=0o755)
        self._write_users()
        self._write_config()
        self._process = Process(f"dovecot ({self.name})", [program, "-F", "-c", self.directory / "dovecot.conf"],
                                self.directory / "log/server.log", self._identity, cwd=self.directory)
        self._touch_log()
        self._process.start()
        self._process.wait_ready(lambda: wait.can_connect(self.tls_port) and wait.can_connect(self.starttls_port))
        return self

    def terminate(self):
        """Asks it to end, without waiting; stop() waits."""
        if self._process is not None and self._process.alive():
            self._process.signal(signal.SIGTERM)

    def stop(self):
        if self._process is not None:
            self._process.stop()

    def change(self, **settings):
        """Starts anew with other arguments, at the same ports."""
        self._settings.update(settings)
        self.stop()
        self.start()

    def crash(self):
        """Every process of it dies at once, as in a power cut without one."""
        self._process.crash()

    def log(self):
        return (self.directory / "log/server.log").read_text("utf-8", "replace")

    def _touch_log(self):
        log = self.directory / "log/server.log"
        log.touch()
        identity.own(log, self._identity, mode=0o644)

    def _write_users(self):
        # A file each: Dovecot looks whether a passwd-file has changed at most once a second.
        identity.make_dir(self.directory / "users", self._identity, mode=0o700)
        for user, password in self.users.items():
            known_as = re.sub(r"(['\"\\])", r"\\\1", user)  # as Dovecot expands %u inside
            text = f"{known_as}:{{PLAIN}}{password}::::::\n"
            users = self.directory / "users" / user
            if users.exists() and users.read_text("utf-8") == text:
                continue
            fresh = self.directory / "users.new"
            fresh.touch(mode=0o600)
            fresh.write_text(text, encoding="utf-8")
            identity.own(fresh, self._identity, mode=0o600)
            fresh.rename(users)

    def _write_config(self):
        uid = self._identity.uid if self._identity.uid is not None else os.geteuid()
        gid = self._identity.gid if self._identity.gid is not None else os.getegid()
        cert, key = self._copy_certificate()
        quota = self._settings["quota"]
        text = _CONFIG.format(
            dir=self.directory, name=self.name, user=pwd.getpwuid(uid).pw_name, group=grp.getgrgid(gid).gr_name,
            uid=uid, gid=gid, cert=cert, key=key, location=LOCATIONS[self._settings["storage"]],
            separator=self._settings["separator"], fsync=self._settings["fsync"],
            quota=_QUOTA.format(quota=quota) if quota else "", starttls_port=self.starttls_port,
            tls_port=self.tls_port)
        (self.directory / "dovecot.conf").write_text(text + self._settings["more"], encoding="utf-8")

    def _copy_certificate(self):
        """The server's own copies: its user must be able to read the key."""
        copies = []
        for source, mode in zip(self._certificate, (0o644, 0o600)):
            copy = self.directory / source.name
            shutil.copyfile(source, copy)
            identity.own(copy, self._identity, mode=mode)
            copies.append(copy)
        return copies

