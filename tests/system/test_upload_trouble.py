"""Uploads and what breaks around them: processes killed, a disk that fills, many at once. The bytes arrive all the same."""

import concurrent.futures
import hashlib
import http.client
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest

from stack import wait
from tusing import Tus

MEGA = 1 << 20
BLOCK = random.Random(11).randbytes(MEGA)


def part(at, size):
    """Bytes at..at+size of an endless file whose every mebibyte differs."""
    out = bytearray()
    while len(out) < size:
        number, inside = divmod(at + len(out), MEGA)
        block = number.to_bytes(8, "big") + BLOCK[8:]
        out += block[inside:inside + size - len(out)]
    return bytes(out)


def digest(size):
    h = hashlib.sha256()
    for at in range(0, size, MEGA):
        h.update(part(at, min(MEGA, size - at)))
    return h.hexdigest()


def send_once(tus, path, size, sent):
    """From where the service says on, until it ends or the line breaks."""
    at = tus.offset(path)
    line = tus.line(path, at, size - at)
    try:
        while at < size:
            data = part(at, min(MEGA, size - at))
            line.send(data)
            at += len(data)
            sent[0] = at
        return line.getresponse().status
    finally:
        line.close()


def send(tus, path, size, sent):
    """As a client over a bad line: again and again."""
    while True:
        try:
            status = send_once(tus, path, size, sent)
            if status == 204:
                return
            assert status in (409, 423, 502, 503, 504), status
        except (OSError, http.client.HTTPException, TypeError):  # no answer, or one without an offset
            pass
        time.sleep(0.1)


def kill_while_sending(stack, size, kills):
    tus = Tus(stack.bearer("technician"))
    path = tus.new(size)
    sent = [0]
    sender = threading.Thread(target=send, args=(tus, path, size, sent), daemon=True)
    sender.start()
    for number in range(kills):
        goal = size * (number + 1) // (kills + 1)
        wait.until(lambda: sent[0] >= goal or not sender.is_alive(), f"{goal} bytes to be sent", 600)
        assert sender.is_alive(), "the upload ended before it was disturbed often enough"
        if number % 2:
            stack.nginx.process.kill()
            stack.nginx.start()
        else:
            for pid in stack.pools.members("upload"):
                os.kill(pid, signal.SIGKILL)
        sent[0] = 0
    sender.join(900)
    assert not sender.is_alive()
    seen = tus.client.get(path)
    assert (seen["status"], seen["received"]) == ("complete", size)
    assert tus.sha256(path) == digest(size)
    with open(stack.paths.data / "uploads" / seen["token"], "rb") as file:
        for at in range(0, size, MEGA):
            assert file.read(MEGA) == part(at, min(MEGA, size - at)), f"the bytes at {at}"
        assert not file.read(1)


def test_killed_while_sending(new_stack):
    kill_while_sending(new_stack(mail=False, with_worker=False, api_settings={"MIGRATION_DISK_RESERVE_MB": "1"}), 90 * MEGA, 2)


@pytest.mark.long
def test_five_gigabytes_killed_twenty_times(new_stack):
    kill_while_sending(new_stack(mail=False, with_worker=False, api_settings={"MIGRATION_DISK_RESERVE_MB": "1"}), 5 << 30, 20)


def private_kb(pid):
    """Memory that is this process's own, shared with no other of the pool."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))


def send_with_stop(tus, path, size, stop):
    """In one request, of which half is held back until all others are as far."""
    line = tus.line(path, 0, size)
    try:
        for at in range(0, size, MEGA):
            if at == size // 2:
                stop.wait(300)
                stop.wait(300)
            line.send(part(at, min(MEGA, size - at)))
        return line.getresponse().status
    finally:
        line.close()


def twenty(stack, tus, size):
    """Twenty uploads of this size at once; the most private memory of each process in the middle and after."""
    paths = [tus.new(size) for _ in range(20)]
    stop = threading.Barrier(21)
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        sending = [threads.submit(send_with_stop, tus, path, size, stop) for path in paths]
        stop.wait(300)
        files = [stack.paths.data / "uploads" / path.rsplit("/", 1)[1] for path in paths]
        wait.until(lambda: all(f.stat().st_size >= size // 2 - MEGA for f in files), "half of all twenty to be written", 120)
        middle = {pid: private_kb(pid) for pid in stack.pools.members("upload")}
        stop.wait(300)
        assert [one.result(300) for one in sending] == [204] * 20
    after = {pid: private_kb(pid) for pid in stack.pools.members("upload")}
    want = digest(size)
    for path, file in zip(paths, files):
        assert tus.sha256(path) == want
        with open(file, "rb") as written:
            assert hashlib.file_digest(written, "sha256").hexdigest() == want
        assert tus.delete(path).status == 204
    assert middle.keys() == after.keys()
    return {pid: max(middle[pid], after[pid]) for pid in after}


@pytest.mark.release
@pytest.mark.long
def test_twenty_at_once(new_stack):
    """Twenty uploads at once to the pool as it is installed: what a process needs does not depend on how much comes."""
    stack = new_stack(mail=False, with_worker=False, api_settings={
        "MIGRATION_DISK_RESERVE_MB": "1", "MIGRATION_UPLOAD_PROCESSES": "24"})  # as by default: tests have fewer
    tus = Tus(stack.bearer("technician"))
    twenty(stack, tus, 4 * MEGA)  # the input buffers, the pages of code used for the first time
    small, big = twenty(stack, tus, 4 * MEGA), twenty(stack, tus, 160 * MEGA)
    assert small.keys() == big.keys(), "a process died"
    print(f"private memory: at most {max(small.values())} KiB with 4 MiB each, {max(big.values())} KiB with 160 MiB each")
    assert max(big.values()) < max(small.values()) + 256, (small, big)
    assert max(big.values()) < 8 * 1024, big


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root: mounts a file system of 24 MB")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", place], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("may not mount here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_fills(new_stack, small_disk):
    stack = new_stack(mail=False, with_worker=False, api_settings={"MIGRATION_DISK_RESERVE_MB": "2"})
    uploads = stack.paths.data / "uploads"
    subprocess.run(["mount", "--bind", small_disk, uploads], check=True)
    try:
        os.chown(uploads, stack.paths.data.stat().st_uid, -1)
        tus = Tus(stack.bearer("technician"))
        answer = tus.create(30 * MEGA)
        assert answer.status == 507 and answer.json["code"] == "disk.low" and not list(uploads.iterdir())
        first = tus.new(16 * MEGA)
        assert tus.create(8 * MEGA).status == 507  # what is promised to the first counts
        assert tus.patch(first, 0, part(0, 4 * MEGA)).status == 204
        (uploads / "other").write_bytes(bytes(12 * MEGA))  # somebody else fills it
        answer = tus.patch(first, 4 * MEGA, part(4 * MEGA, 12 * MEGA))
        assert answer.status == 507 and answer.json["code"] == "disk.low", answer.text
        kept = int(answer.headers["Upload-Offset"])
        assert 4 * MEGA <= kept < 16 * MEGA and tus.offset(first) == kept
        assert tus.client.get(first)["status"] == "receiving"
        assert tus.patch(first, kept, part(kept, 16 * MEGA - kept)).status == 507 and tus.offset(first) == kept
        (uploads / "other").unlink()
        assert tus.patch(first, kept, part(kept, 16 * MEGA - kept)).status == 204
        assert tus.client.get(first)["sha256"] == digest(16 * MEGA)
    finally:
        subprocess.run(["umount", "-l", uploads], check=True)
