"""A private Cyrus IMAP server from Debian's packages, unpacked beside (they conflict with Dovecot's)."""

import pwd
import shutil
import subprocess

from . import debs, identity, wait
from .process import ENVIRON, Process, StartError

_SASLPASSWD = "usr/sbin/saslpasswd2"
_MASTER = """\
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="{bin}/imapd -C {dir}/imapd.conf -U 500" listen="127.0.0.1:{plain_port}" prefork=1 babysit=1
  imaps cmd="{bin}/imapd -s -C {dir}/imapd.conf -U 500" listen="127.0.0.1:{tls_port}" prefork=1 babysit=1
}}
EVENTS {{
}}
"""

_IMAPD = """\
configdirectory: {dir}/conf
partition-default: {dir}/spool
cyrus_user: {user}
cyrus_group: {group}
admins: admin
virtdomains: userid
defaultdomain: internal.example
unixhierarchysep: yes
altnamespace: {alt}
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {dir}/sasldb2
sasl_log_level: 1
tls_server_cert: {cert}
tls_server_key: {key}
autocreate_quota: 0
autocreate_users: anyone
maxlogins_per_user: 0
maxlogins_per_host: 0
proc_path: {dir}/run/proc
mboxname_lockpath: {dir}/run/lock
idlesocket: {dir}/run/idle
notifysocket: {dir}/run/notify
lmtpsocket: {dir}/run/lmtp
conversations: no
hashimapspool: no
duplicatesuppression: no
skiplist_unsafe: yes
reject8bit: no
munge8bit: no
"""


class Cyrus:
    """tls_port and plain_port (with STARTTLS; log-in without TLS is allowed). Names are separated by
    "/"; altnamespace: folders beside INBOX, else below INBOX/. Refuses NUL and bare LF."""

    name, host = "cyrus", "127.0.0.1"

    def __init__(self, directory, certificate, altnamespace=True):
        self._tree = debs.Tree("cyrus", ["cyrus-imapd", "cyrus-common", "sasl2-bin", "libsasl2-modules", "libsasl2-modules-db"],
                               ["usr/lib/cyrus/bin/imapd", "usr/sbin/cyrmaster", "usr/lib/cyrus/bin/ctl_cyrusdb", _SASLPASSWD])
        if not identity.is_root():
            raise debs.Unavailable("Cyrus' master starts as root")
        self.directory, self.users = directory, {}
        self.plain_port, self.tls_port = wait.free_port(), wait.free_port()
        self._identity = identity.mail_server()
        self._altnamespace = altnamespace
        for part in ("", "conf", "spool", "run", "run/proc", "run/lock"):
            identity.make_dir(directory / part, self._identity, mode=0o755)
        self._configure(certificate)
        plain, = self._tree.root.rglob("libplain.so")
        self._environ = {**self._tree.environ(), "SASL_PATH": str(plain.parent)}
        environ = [f"{k}={v}" for k, v in self._environ.items()]
        self.process = Process("cyrus", ["/usr/bin/env", *environ, f"CYRUS_USER={self._user}", self._tree.root / "usr/sbin/cyrmaster",
                                         "-D", "-L", directory / "master.log", "-C", directory / "imapd.conf",
                                         "-M", directory / "cyrus.conf", "-p", directory / "run/master.pid"],
                               directory / "cyrus.log")

    @property
    def _user(self):
        return pwd.getpwuid(self._identity.uid).pw_name

    def _configure(self, certificate):
        import grp
        cert, key = (shutil.copy(file, self.directory) for file in certificate)
        identity.own(key, self._identity, mode=0o600)
        values = {"dir": self.directory, "bin": self._tree.root / "usr/lib/cyrus/bin", "user": self._user,
                  "group": grp.getgrgid(self._identity.gid).gr_name, "cert": cert, "key": key,
                  "alt": "yes" if self._altnamespace else "no", "plain_port": self.plain_port,
                  "tls_port": self.tls_port}
        (self.directory / "cyrus.conf").write_text(_MASTER.format(**values))
        (self.directory / "imapd.conf").write_text(_IMAPD.format(**values))

    def add_user(self, user, password):
        name, _, domain = user.partition("@")
        file = self.directory / "sasldb2"
        result = subprocess.run([self._tree.root / _SASLPASSWD, "-p", "-c", "-f", file, "-u", domain or "internal.example", name],
                                input=password, capture_output=True, text=True, check=False,
                                env={**ENVIRON, **self._environ})
        if result.returncode != 0:
            raise StartError(f"saslpasswd2: {result.stderr}")
        identity.own(file, self._identity, mode=0o600)
        self.users[user] = password

    def start(self):
        for name in ("cyrus.log", "master.log"):
            (self.directory / name).touch()
        self.process.start()
        self.process.wait_ready(lambda: wait.can_connect(self.plain_port) and wait.can_connect(self.tls_port))
        return self

    def stop(self):
        self.process.stop()
