"""The power goes while files come in: what was acknowledged is on the disk of the machine that comes up again.

The service's data lies on a file system of its own, in an image. A copy of the image holds what was written to the disk and
nothing of what the kernel keeps in memory: it is the disk as a power cut leaves it. A service started on the copy must
know all that was acknowledged before. (What the disk itself keeps in a volatile cache is not tested: the file system asks
for its flush together with the sync.)"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from stack import wait
from stack.stack import Stack
from test_upload_trouble import MEGA, digest, part
from tusing import Tus

HERE = pathlib.Path(__file__).parent
SIZE = 24 * MEGA
pytestmark = [pytest.mark.long, pytest.mark.release]


def run(*argv):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True)


class Disk:
    """The folder of the data on a file system whose journal is written only when somebody asks for a sync."""

    def __init__(self, place, folder):
        if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
            pytest.skip("needs root and mkfs.ext4: mounts a file system")
        self.place, self.folder, self.image = place, folder, place / "disk"
        before = folder.with_name(folder.name + ".before")
        run("truncate", "-s", "192M", self.image)
        run("mkfs.ext4", "-q", "-F", self.image)
        folder.rename(before)
        folder.mkdir()
        try:
            self.mount(self.image)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no loop device here: {error.stderr}")
        run("cp", "-a", f"{before}/.", folder)
        run("sync", "-f", folder)

    def mount(self, image):
        run("mount", "-o", "loop,commit=900", image, self.folder)

    def umount(self):
        run("umount", self.folder)

    def copy(self, name):
        copy = self.place / f"disk-{name}"
        run("cp", "--sparse=always", self.image, copy)
        return copy


@contextlib.contextmanager
def standing_still(stack):
    """Nobody writes meanwhile."""
    pids = [pid for pool in stack.pools.processes for pid in (stack.pools.processes[pool].pid, *stack.pools.members(pool))]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


class Machine:
    """The service on such a disk. `acknowledged`: [(name, copy of the disk, bytes)]."""

    def __init__(self, build_dir, place):
        self.stack = Stack(build_dir, mail=False, with_worker=False, api_settings={"MIGRATION_DISK_RESERVE_MB": "1"})
        self.disk = Disk(place, self.stack.paths.data)
        self.stack.start()
        self.tus = Tus(self.stack.bearer("technician"))
        self.acknowledged = []
        self._argv = self.stack.pools.processes["upload"].argv

    def preload(self, library):
        """Until the next boot the pool that takes uploads runs with this library before its own."""
        place = self.stack.paths.etc / library.name
        shutil.copy(library, place)
        place.chmod(0o755)
        pool = self.stack.pools.processes["upload"]
        pool.crash()
        pool.argv = ["/usr/bin/env", f"LD_PRELOAD={place}", *self._argv]
        self.stack.pools.restart("upload")

    def power_cut(self, name, offset):
        with standing_still(self.stack):
            self.acknowledged.append((name, self.disk.copy(name), offset))

    def boot(self, image):
        for process in self.stack.pools.processes.values():
            process.crash()
        self.disk.umount()
        self.disk.mount(image)
        self.stack.pools.processes["upload"].argv = self._argv
        for pool in self.stack.pools.processes:
            self.stack.pools.restart(pool)
        self.tus.until_it_answers()

    def stop(self):
        for process in self.stack.pools.processes.values():
            process.crash()
        self.disk.umount()
        self.stack.stop()


def upload(machine):
    """A file in three parts, the second of which breaks off; the power goes after each word that was given."""
    tus = machine.tus
    path = tus.new(SIZE)
    machine.power_cut("created", 0)
    assert tus.patch(path, 0, part(0, 5 * MEGA)).status == 204
    machine.power_cut("part", 5 * MEGA)
    line = tus.line(path, 5 * MEGA, SIZE - 5 * MEGA)
    line.send(part(5 * MEGA, 11 * MEGA))
    file = machine.stack.paths.data / path.lstrip("/")
    wait.until(lambda: file.stat().st_size == 16 * MEGA, "the bytes that came")
    assert tus.offset(path) == 16 * MEGA  # takes the file over, and has it made safe
    machine.power_cut("broken-off", 16 * MEGA)
    line.close()
    assert tus.patch(path, 16 * MEGA, part(16 * MEGA, SIZE - 16 * MEGA)).status == 204
    machine.power_cut("complete", SIZE)
    return path


def check_after(machine, path, image, offset):
    """What was acknowledged is there, byte for byte, and from there it goes on to its end."""
    machine.boot(image)
    tus, file = machine.tus, machine.stack.paths.data / path.lstrip("/")
    answer = tus.head(path)
    assert answer.status == 200, f"HEAD answers {answer.status}"
    found = int(answer.headers["Upload-Offset"])
    assert found >= offset, f"{offset} bytes were acknowledged, {found} are said to be here"
    if offset < SIZE:
        answer = tus.patch(path, found, part(found, SIZE - found))
        assert answer.status == 204, f"PATCH at {found} answers {answer.status} {answer.text}"
    seen = tus.client.get(path)
    assert (seen["status"], tus.sha256(path)) == ("complete", digest(SIZE))
    assert file.read_bytes() == part(0, SIZE), "the bytes on the disk are others"


def test_power_cut(build_dir, tmp_path):
    machine = Machine(build_dir, tmp_path)
    try:
        path = upload(machine)
        for _, image, offset in machine.acknowledged:
            check_after(machine, path, image, offset)
    finally:
        machine.stop()


def test_it_would_be_seen(build_dir, tmp_path):
    """The same with a service that leaves the sync before its answer out: the test above must fail then."""
    library = tmp_path / "no_sync.so"
    compiled = subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE / "no_sync.c", "-ldl"], check=False, capture_output=True)
    if compiled.returncode:
        pytest.skip("no C compiler here")
    machine = Machine(build_dir, tmp_path)
    lost = []
    try:
        machine.preload(library)
        path = upload(machine)
        for name, image, offset in machine.acknowledged:
            try:
                check_after(machine, path, image, offset)
            except AssertionError as error:
                lost.append((name, str(error).splitlines()[0]))
    finally:
        machine.stop()
    assert {"part", "broken-off", "complete"} >= {name for name, _ in lost} >= {"part", "complete"}, lost
