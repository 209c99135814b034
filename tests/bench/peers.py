"""How each program is told to copy one account to another. One function and one row a program.

Every function gets a Task and answers the command line. State between the phases lies in task.directory.
"""

import dataclasses
import os
import pathlib
import shutil


@dataclasses.dataclass
class Task:
    user: str
    password: str
    source_port: int
    destination_port: int
    tls: bool
    ca_file: pathlib.Path
    directory: pathlib.Path
    mailmover: pathlib.Path
    destination_config: pathlib.Path

    def file(self, name, text, mode=0o600):
        path = self.directory / name
        path.touch(mode)
        path.write_text(text)
        return path


def mailmover(task):
    scheme = "imaps" if task.tls else "imap"
    secret = task.file("secret", task.password)
    return [task.mailmover, "copy", "--from", f"{scheme}://{task.user}@localhost:{task.source_port}",
            "--to", f"{scheme}://{task.user}@localhost:{task.destination_port}", "--from-secret", secret,
            "--to-secret", secret, "--ca-file", task.ca_file, "--state", task.directory / "state.db",
            "--quarantine", task.directory / "quarantine", "--no-progress",
            *([] if task.tls else ["--allow-plaintext"])]


def mbsync(task):
    tls = f"IMAPS\nCertificateFile {task.ca_file}" if task.tls else "None"
    accounts = "".join(f"IMAPAccount {name}\nHost localhost\nPort {port}\nUser {task.user}\nPass {task.password}\n"
                       f"AuthMechs LOGIN\nSSLType {tls}\n\nIMAPStore {name}\nAccount {name}\n\n"
                       for name, port in (("far", task.source_port), ("near", task.destination_port)))
    (task.directory / "mbsync").mkdir(exist_ok=True)
    config = task.file("mbsyncrc", accounts + "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\n"
                       f"CopyArrivalDate yes\nSyncState {task.directory}/mbsync/\n")
    return ["mbsync", "-q", "-c", config, "all"]


def interimap(task):
    if task.tls:
        security = f"type = imaps\nSSL_CAfile = {task.ca_file}\nSSL_verify = YES\n"
    else:
        security = "type = imap\nSTARTTLS = NO\n"
    sides = "".join(f"[{name}]\n{security}host = localhost\nport = {port}\nusername = {task.user}\n"
                    f"password = {task.password}\nauth = LOGIN\n"
                    for name, port in (("local", task.destination_port), ("remote", task.source_port)))
    config = task.file("interimaprc", f"database = {task.directory}/interimap.db\nlist-mailbox = *\n{sides}")
    return ["interimap", "--quiet", f"--config={config}"]


def imapsync(task):
    secret = task.file("secret", task.password)
    tls = ["--ssl1", "--ssl2"] if task.tls else ["--nossl1", "--nossl2", "--notls1", "--notls2"]
    return ["perl", os.environ["IMAPSYNC"], "--nolog", "--noreleasecheck", "--noid", "--tmpdir", task.directory,
            "--host1", "localhost", "--port1", task.source_port, "--user1", task.user, "--passfile1", secret,
            "--host2", "localhost", "--port2", task.destination_port, "--user2", task.user, "--passfile2", secret, *tls]


def doveadm(task):
    """Dovecot's own: it writes the destination's store itself, as only a provider can."""
    options = {"imapc_host": "localhost", "imapc_port": task.source_port, "imapc_user": task.user,
               "imapc_password": task.password, "mail_prefetch_count": 50,
               "imapc_features": "rfc822.size fetch-headers fetch-bodystructure"}
    if task.tls:
        options |= {"imapc_ssl": "imaps", "ssl_client_ca_file": task.ca_file}
    return ["doveadm", "-c", task.destination_config, *(word for k, v in options.items() for word in ("-o", f"{k}={v}")),
            "backup", "-R", "-u", task.user, "imapc:"]


PEERS = {"mailmover": mailmover, "interimap": interimap, "mbsync": mbsync, "doveadm": doveadm, "imapsync": imapsync}
_NEEDS = {"interimap": "interimap", "mbsync": "mbsync", "doveadm": "doveadm"}


def missing(name):
    """Why a peer cannot run here, or None."""
    if name == "imapsync":
        path = os.environ.get("IMAPSYNC")
        return None if path and os.path.exists(path) else "set IMAPSYNC=/path/to/imapsync"
    program = _NEEDS.get(name)
    return None if not program or shutil.which(program) else f"{program} is not installed"
