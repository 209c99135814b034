"""migration-worker, with its settings in a file that only it may read.

As an ordinary user there is nobody to keep the file from, so the settings come through a pipe and are
never in a file that the API's processes could open.
"""

import os

from . import identity
from .process import Process, StartError


class Worker:
    def __init__(self, program, directory, settings, worker_settings, log, name="worker-1"):
        """worker_settings: the text of worker.env."""
        self.name = name
        self._program = program
        self._settings = settings
        self._text = worker_settings
        self._identity = identity.worker()
        self._file = directory / "worker.env"
        self.process = Process(f"migration-worker ({name})", [program], log, self._identity)

    @property
    def pid(self):
        return self.process.pid

    def start(self, *arguments):
        """arguments: beside those that say where the settings are."""
        if not self._program.exists():
            raise StartError(f"{self._program} was not built: scripts/build DIR")
        argv = [self._program, *arguments, "-c", self._settings, "-k"]
        if identity.is_root():
            write_private(self._file, self._text, self._identity)
            self.process.start(argv=[*argv, self._file])
            return self
        reader, writer = os.pipe()  # holds 64 KiB: the settings are far smaller, so writing never waits
        try:
            os.write(writer, self._text.encode())
            os.close(writer)
            self.process.start(argv=[*argv, f"fd:{reader}"], pass_fds=[reader])
        finally:
            os.close(reader)
        return self

    def stop(self):
        return self.process.stop()

    def kill(self):
        return self.process.kill()


def write_private(path, text, reader):
    """A settings file of root that only `reader`'s group may read (0640)."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if identity.is_root():
        os.chown(path, 0, reader.gid)
        os.chmod(path, 0o640)
