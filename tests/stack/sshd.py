"""A real sshd on 127.0.0.1, for one user and one key, with an optional forced command."""

import getpass
import json
import os
import pathlib
import shutil
import socket
import subprocess

from stack import identity
from stack.process import Process

SSHD = "/usr/sbin/sshd"


def available():
    return os.access(SSHD, os.X_OK)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class Sshd:
    """directory: its own. client_key: the public key that may log in. forced: a command for authorized_keys."""

    def __init__(self, name, directory, client_key, forced=None):
        self.name, self.directory = name, pathlib.Path(directory)
        self.directory.mkdir(mode=0o755)
        self.home = self.directory / "home"
        self.home.mkdir(mode=0o755)
        self.port = free_port()
        self.user = getpass.getuser()
        self.host_key = key(self.directory / "host_key")
        (self.home / "bin").mkdir()
        for program in ("zmmailbox", "zmprov"):
            shutil.copy(pathlib.Path(__file__).with_name(program), self.home / "bin" / program)
        (self.home / ".bash_profile").write_text(f'PATH="{self.home}/bin:$PATH"\n')
        options = f'restrict,command="{forced}" ' if forced else "restrict "
        (self.directory / "authorized_keys").write_text(options + pathlib.Path(f"{client_key}.pub").read_text())
        (self.directory / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.host_key}\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.directory}/authorized_keys\nStrictModes no\nPasswordAuthentication no\n"
            f"PermitRootLogin prohibit-password\nLogLevel VERBOSE\nSetEnv HOME={self.home} CARBONIO_SHELL_USER={self.user}\n")
        self.process = Process(f"sshd ({name})", [SSHD, "-D", "-e", "-f", str(self.directory / "sshd_config")],
                               self.directory / "log")

    def start(self):
        if identity.is_root():
            os.makedirs("/run/sshd", exist_ok=True)
        self.process.start()
        self.process.wait_ready(self._accepts)
        return self

    def _accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.process.stop()

    def known_hosts(self):
        """Its line of a known_hosts file."""
        return f"[127.0.0.1]:{self.port} " + pathlib.Path(f"{self.host_key}.pub").read_text()

    def mailboxes(self, server, ca_file, faults=None):
        """What its zmmailbox knows: the accounts of a mail server."""
        accounts = {user: {"password": password, "faults": (faults or {}).get(user, [])}
                    for user, password in server.users.items()}
        (self.home / "zmmailbox.json").write_text(json.dumps(
            {"host": server.host, "port": server.tls_port, "ca": str(ca_file), "accounts": accounts}))
