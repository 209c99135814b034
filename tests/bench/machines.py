"""The two servers of the benchmark, users on them, and the line between."""

import os
import shutil
import subprocess

from stack import certs, identity, imapcheck, imapload, wait
from stack.dovecot import Dovecot
from stack.process import Process
from . import host

PASSWORD = "benchmark"
# as cheap as a server can be, so that the clients are what is measured
_MORE = """
ssl = yes
disable_plaintext_auth = no
auth_cache_size = 1M
mail_save_crlf = yes
mail_max_userip_connections = 1000
default_client_limit = 5000
default_vsz_limit = 2G
service imap {
  process_limit = 500
  process_min_avail = 2
}
"""


class Machines:
    """Two sdbox Dovecots. `users` users exist on both; a corpus is loaded once and then cloned."""

    def __init__(self, directory, delay_program, users=1500):
        self.directory = directory
        directory.chmod(0o755)
        self.authority = certs.Authority(directory / "ca")
        self.source, self.destination = (Dovecot(name, directory / name, self.authority.issue(name), more=_MORE)
                                         for name in ("source", "destination"))
        self._delay_program, self._delays = delay_program, {}
        self._free = [f"b{n}" for n in range(users, 0, -1)]
        self._corpora = {}
        for server in (self.source, self.destination):
            for user in self._free:
                server.users[user] = PASSWORD

    def start(self):
        self.source.start()
        self.destination.start()
        return self

    def stop(self):
        for process in self._delays.values():
            process[0].stop()
        self.source.stop()
        self.destination.stop()

    def ports(self, rtt=0, tls=False):
        """(source, destination) as a client of that distance connects."""
        ports = [server.tls_port if tls else server.starttls_port for server in (self.source, self.destination)]
        if not rtt:
            return ports
        if (rtt, tls) not in self._delays:
            far = [wait.free_port(), wait.free_port()]
            process = Process(f"delay {rtt}", [self._delay_program, str(rtt / 2), *(f"{a}:{b}" for a, b in zip(far, ports))],
                              self.directory / "delay.log").start()
            process.wait_ready(lambda: all(wait.can_connect(port) for port in far))
            self._delays[(rtt, tls)] = (process, far)
        return self._delays[(rtt, tls)][1]

    def corpus(self, name, corpus):
        """The user that holds this corpus at the source; loaded at the first call."""
        if name not in self._corpora:
            self._corpora[name] = self._free.pop()
            self.deliver(self._corpora[name], corpus)
        return self._corpora[name]

    def deliver(self, user, corpus):
        loader = self._loader(user)
        for folder in corpus.folders():
            loader.create(folder, True)
        waiting, held = {}, 0
        for folder, data, date, flags in corpus.messages():
            waiting.setdefault(folder, []).append((data, date, flags))
            held += len(data)
            if held > 32 << 20:
                self._flush(loader, waiting)
                held = 0
        self._flush(loader, waiting)
        loader.close()

    @staticmethod
    def _flush(loader, waiting):
        for folder, messages in waiting.items():
            loader.append(folder, messages)
        waiting.clear()

    def _loader(self, user):
        return imapload.Loader("127.0.0.1", self.source.tls_port, user, PASSWORD, self.authority.certificate)

    def fresh_user(self, like):
        """A user with a clone of that one's mail at the source and none at the destination. Messages of
        sdbox never change: hard links do; indexes are copied."""
        user = self._free.pop()
        source = self.directory / "source/home" / like
        target = self.directory / "source/home" / user
        shutil.copytree(source, target, copy_function=_link_or_copy)
        who = identity.mail_server()
        if who.uid is not None:
            for folder, _, files in os.walk(target):
                os.chown(folder, who.uid, who.gid)
                for file in files:
                    os.chown(os.path.join(folder, file), who.uid, who.gid)
        return user

    def forget(self, user):
        for name in ("source", "destination"):
            shutil.rmtree(self.directory / name / "home" / user, ignore_errors=True)

    def read(self, server, user):
        return imapcheck.read(imapcheck.Account("127.0.0.1", server.tls_port, user, PASSWORD, self.authority.certificate))


def _link_or_copy(source, target):
    if os.path.basename(source).startswith("u."):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def run_measured(argv, directory, cap, environ):
    """Wall, CPU and peak memory (of the largest process) of a program and its children, and the share of the
    machine's processors that its host took away meanwhile. A small process starts it: a child's peak counts its
    parent's before exec."""
    result = directory / "usage"
    before = host.ticks()
    with open(directory / "output", "ab") as output:
        subprocess.run(["/usr/bin/python3", "-SEc", _LAUNCH, str(cap), result, *map(str, argv)], cwd=directory, check=True,
                       stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ)
    _, stolen = host.shares(before)
    wall, cpu, peak, capped, status = result.read_text().split()
    return {"wall": float(wall), "cpu": float(cpu), "peak_mb": int(peak) / 1024, "capped": capped == "1",
            "status": int(status), "stolen": stolen}


_LAUNCH = """
import os, signal, sys, time
cap, out, argv = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
began, pid, capped = time.monotonic(), os.fork(), 0
if pid == 0:
    os.setsid()
    os.execvp(argv[0], argv)
def stop(*_):
    global capped
    capped = 1
    os.killpg(pid, signal.SIGKILL)
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, cap)
_, status, use = os.wait4(pid, 0)
wall = time.monotonic() - began
with open(out, "w") as file:
    file.write("%f %f %d %d %d" % (wall, use.ru_utime + use.ru_stime, use.ru_maxrss, capped, os.waitstatus_to_exitcode(status)))
"""
