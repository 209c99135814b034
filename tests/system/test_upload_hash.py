"""The SHA-256 of what came faster than it could be computed: the keeper goes on with it after the answer, whatever happens
to it or to the upload meanwhile. How far behind it is, is written into the upload's state, as a fast line leaves it."""

import contextlib
import fcntl
import hashlib
import os
import signal
import struct
import subprocess

import pytest

from stack import wait
from tusing import Tus, on_disk

API_SETTINGS = {"MIGRATION_DISK_RESERVE_MB": "1"}
F_OFD_SETLK = 37  # fcntl(2)
MEGA = 1 << 20
START = "0 6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19 -"  # SHA-256 before its first byte


@pytest.fixture
def tus(api):
    return Tus(api.bearer("technician"))


def all_but_one(api, tus, size):
    """An upload of zeros of which all but the last byte came, and the hash has seen none."""
    path = tus.new(size)
    file = on_disk(api, path)
    os.truncate(file, size - 1)
    file.with_suffix(".state").write_text(f"{START} {size - 1}\n", encoding="ascii")
    assert tus.offset(path) == size - 1
    return path


def digest(size):
    """Of zeros, and an x."""
    h = hashlib.sha256()
    for at in range(0, size - 1, MEGA):
        h.update(bytes(min(MEGA, size - 1 - at)))
    h.update(b"x")
    return h.hexdigest()


def hashed(api, path):
    """Bytes that the hash of an upload has seen, as its state says."""
    return int(on_disk(api, path).with_suffix(".state").read_text(encoding="ascii").split()[0])


def said(api, action, upload):
    return [entry["detail"] for entry in api.bearer("ops_lead").get("/audit?limit=200")["items"]
            if entry["action"] == action and entry["subject"] == f"upload:{upload['id']}"]


def test_known_with_the_answer(tus):
    """What is hardly behind is hashed before the answer."""
    seen = tus.send(bytes(3 * MEGA - 1) + b"x")
    assert seen["status"] == "complete" and seen["sha256"] == digest(3 * MEGA)


def test_known_after_the_answer(api, tus):
    path = all_but_one(api, tus, 64 * MEGA)
    assert tus.patch(path, 64 * MEGA - 1, b"x").status == 204
    seen = tus.client.get(path)
    assert seen["status"] == "complete" and seen["kind"] == "unknown" and seen["sha256"] in (None, digest(64 * MEGA))
    assert tus.sha256(path) == digest(64 * MEGA)
    assert said(api, "upload.complete", seen) == [{"kind": "unknown", "sha256": None}]
    assert said(api, "upload.hash", seen) == [{"sha256": digest(64 * MEGA)}]


@contextlib.contextmanager
def asked_for(api, path):
    """As while somebody waits for the file: whoever has it puts it down after a step."""
    with open(on_disk(api, path), "rb+") as file:
        second_byte = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
        fcntl.fcntl(file, F_OFD_SETLK, second_byte)
        yield


def end_keeper(api, tus, path, how):
    """Killed, it is replaced at once; or the service starts anew. Bytes hashed when it had ended."""
    if how == "killed":
        os.kill(sorted(api.pools.members("api"))[0], signal.SIGKILL)
    else:
        assert api.pools.processes["api"].stop() in (0, None)
    seen = hashed(api, path)
    if how == "restarted":
        api.pools.restart("api")
        tus.until_it_answers()
    return seen


@pytest.mark.parametrize("how", ["killed", "restarted"])
def test_goes_on_where_it_was(api, tus, how):
    size = 256 * MEGA
    path = all_but_one(api, tus, size)
    with asked_for(api, path):
        assert tus.patch(path, size - 1, b"x").status == 204
        wait.until(lambda: hashed(api, path) > 0, "a step of the keeper")
        assert hashed(api, path) in range(8 * MEGA, size, 8 * MEGA) and tus.client.get(path)["sha256"] is None
        assert 0 < end_keeper(api, tus, path, how) < size
    assert tus.sha256(path) == digest(size)
    assert len(said(api, "upload.hash", tus.client.get(path))) == 1


@pytest.mark.long
@pytest.mark.parametrize("how", ["killed", "restarted"])
def test_ended_while_hashing(api, tus, how):
    """In the middle of a turn; eight gigabytes take seconds."""
    size = (8 << 30) + 5
    path = all_but_one(api, tus, size)
    assert tus.patch(path, size - 1, b"x").status == 204
    wait.until(lambda: hashed(api, path) > 0, "the keeper to begin", 60, step=0.001, longest=0.001)
    assert 0 < end_keeper(api, tus, path, how) < size, "it was at its end before"
    assert tus.sha256(path) == digest(size)


def test_deleted_while_hashing(api, tus, long):
    """Who hashes puts the file down for DELETE, and goes on with the next one."""
    size = (8 if long else 1) << 30
    path = all_but_one(api, tus, size)
    file = on_disk(api, path)
    assert tus.patch(path, size - 1, b"x").status == 204
    wait.until(lambda: hashed(api, path) > 0, "the keeper to begin", 60, step=0.001, longest=0.001)
    assert tus.delete(path).status == 204
    assert not file.exists() and not file.with_suffix(".state").exists()
    assert tus.client.request("GET", path).status == 410
    after = all_but_one(api, tus, 64 * MEGA)
    assert tus.patch(after, 64 * MEGA - 1, b"x").status == 204
    assert tus.sha256(after) == digest(64 * MEGA)


def test_lost_on_the_disk(api, tus):
    """A file that is not what was acknowledged gets no hash, is said once, cut nowhere, and holds nobody else up."""
    lost, unknown = all_but_one(api, tus, 64 * MEGA), all_but_one(api, tus, 64 * MEGA)
    api.pools.processes["api"].stop()
    for path in (lost, unknown):
        os.truncate(on_disk(api, path), 64 * MEGA)
    subprocess.run(["sqlite3", api.paths.database, "UPDATE uploads SET status = 'complete', kind = 'unknown' WHERE token IN"
                    f" ('{on_disk(api, lost).name}', '{on_disk(api, unknown).name}')"], check=True)
    on_disk(api, lost).with_suffix(".state").write_text(f"{START} {64 * MEGA}\n", encoding="ascii")
    on_disk(api, unknown).with_suffix(".state").unlink()
    os.truncate(on_disk(api, lost), MEGA)
    api.pools.restart("api")
    tus.until_it_answers()
    good = all_but_one(api, tus, 64 * MEGA)
    assert tus.patch(good, 64 * MEGA - 1, b"x").status == 204
    assert tus.sha256(good) == digest(64 * MEGA)
    for path, size in ((lost, MEGA), (unknown, 64 * MEGA)):
        assert tus.client.get(path)["sha256"] is None and on_disk(api, path).stat().st_size == size
    log = (api.paths.log / "fcgi-api.log").read_text(encoding="utf-8")
    assert log.count(f"has {MEGA} bytes, {64 * MEGA} were safe") == 1
    assert log.count(f"0 of its {64 * MEGA} bytes are safe") == 1
