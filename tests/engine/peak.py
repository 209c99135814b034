"""What a run takes of the machine while it is at work: memory of each of its processes, and disk."""

import os
import pathlib
import threading


class Watch:
    """Looks at a running mailmover and all below it, and at what they write under `directory`, every 20 ms.

    peaks: {program: VmHWM in MB, of its largest process}; read_mb: {program: what it has read, likewise}; disk_mb: the files under the directory and those that have no
    name any more, at their largest together.
    """

    def __init__(self, started, directory):
        self._started, self._directory = started, pathlib.Path(directory)
        self.peaks, self.read_mb, self.disk_mb = {}, {}, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def __str__(self):
        return ", ".join(f"{name} {mb:.1f} MB" for name, mb in sorted(self.peaks.items())) + f", disk {self.disk_mb:.1f} MB"

    def _look(self):
        while not self._over.wait(0.02):
            first = self._started.pid()
            pids = [first] if first else []
            for pid in pids:
                pids += _children(pid)
                self._memory(pid)
            self.disk_mb = max(self.disk_mb, (_size(self._directory) + sum(map(_nameless, pids))) / (1 << 20))

    def _memory(self, pid):
        try:
            status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
            read = int(pathlib.Path(f"/proc/{pid}/io").read_text().split()[1]) / (1 << 20)
        except (OSError, ValueError):
            return
        if "VmHWM" in status and "python" not in status["Name"]:
            name, mb = status["Name"].strip(), int(status["VmHWM"].split()[0]) / 1024
            self.peaks[name] = max(self.peaks.get(name, 0), mb)
            self.read_mb[name] = max(self.read_mb.get(name, 0), read)


def _children(pid):
    try:
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _size(directory):
    total = 0
    for root, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(f"{root}/{name}").st_blocks * 512
            except OSError:
                pass
    return total


def _nameless(pid):
    """Bytes in files that this process holds open and that nobody can see."""
    total = 0
    try:
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if " (deleted)" in os.readlink(fd) and not os.readlink(fd).startswith("/memfd"):
                total += os.stat(fd).st_blocks * 512
    except OSError:
        pass
    return total
