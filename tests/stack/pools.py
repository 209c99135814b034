"""The three FastCGI pools: each one parent process, its listening socket on descriptor 0 as systemd does it."""

import os
import socket

from . import identity
from .process import Process, StartError, children_of

POOLS = ("api", "worker", "upload")


class Pools:
    """migration-fcgi -p api, -p worker and -p upload. The sockets outlive a restart of the programs."""

    def __init__(self, program, directory, settings, log_directory, processes=None):
        self.paths = {pool: directory / f"{pool}.sock" for pool in POOLS}
        self._program = program
        self._directory = directory
        self._sockets = {}
        self._identity = identity.api()
        self.processes = {}
        for pool in POOLS:
            argv = [program, "-p", pool, "-c", settings]
            if processes:
                argv += ["-n", processes]
            self.processes[pool] = Process(f"migration-fcgi -p {pool}", argv, log_directory / f"fcgi-{pool}.log",
                                           self._identity, umask=0o027)

    def start(self):
        if not self._program.exists():
            raise StartError(f"{self._program} was not built: scripts/build DIR")
        for pool in POOLS:
            if pool not in self._sockets:
                self._sockets[pool] = self._listen(pool)
            self.processes[pool].start(stdin=self._sockets[pool].fileno())
        return self

    def stop(self):
        for process in self.processes.values():
            process.stop()

    def close(self):
        self.stop()
        for listener in self._sockets.values():
            listener.close()

    def restart(self, pool):
        self.processes[pool].start(stdin=self._sockets[pool].fileno())

    def members(self, pool):
        """Process ids of a pool's children."""
        return children_of(self.processes[pool].pid)

    def _listen(self, pool):
        path = self.paths[pool]
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        if identity.is_root():  # as the systemd unit: owner migration, group of nginx
            os.chown(path, self._identity.uid, identity.web().gid)
        path.chmod(0o660)
        listener.listen(512)
        return listener
