"""Large files as the source (release build): every process stays small and next to nothing is written beside the mail.

The long form has a PST of 10 GB, an mbox of 20 GB and a TGZ of 5 GB with 200,000 entries, the quick one a hundredth or less.
Filters leave one message in twenty to be moved, so that both reading over and moving are at work.
"""

import json
import os
import struct
import zlib

import pytest

from . import containers, filecase, peak
from .containers import Mail
from .pstfile import Writer

pytestmark = pytest.mark.release
OLD, NEW = containers.seconds("2015-05-05 05:05:05"), containers.seconds("2031-05-05 05:05:05")
LINE = b"a line of text that is there to fill the file with\r\n"
LIMIT_MB = 64


def measured(case, kind, file, count, moved, *arguments, allowed_mb=LIMIT_MB):
    """Moves what the filter leaves; afterwards a second run moves nothing."""
    engine = filecase.engine(case, kind, file)
    size = file.stat().st_size
    for copied in (moved, 0):
        started = engine.start(*arguments)
        with peak.Watch(started, engine.directory) as watch:
            run = started.wait(3000)
        print(f"{kind}: {size / 1e9:.2f} GB, {count} messages, {copied} of them moved: {watch}, wait4 {run.peak_kb / 1024:.1f} MB")
        assert run.status == 0 and run.done["messages_total"] == count and run.done["messages_copied"] == copied, run
        assert max(watch.peaks.values()) < allowed_mb and run.peak_kb / 1024 < allowed_mb, (str(watch), run)
        assert watch.disk_mb * (1 << 20) < max(size // 100, 4 << 20), watch
    file.unlink()


def test_mbox(case, tmp_path, long):
    file, count, size = tmp_path / "x.mbox", 0, 20 << 30 if long else 100 << 20
    big = containers.mbox([Mail(b"Subject: grande\r\n\r\n" + LINE * 20_000, OLD)] * 19)
    with open(file, "wb") as out:
        while out.tell() < size:
            out.write(containers.mbox([Mail(b"Subject: n%d\r\n\r\n" % count + LINE * 1000, OLD + count)]))
            out.write(big)
            count += 1
    measured(case, "mbox", file, count * 20, count, "--max-size", "100k")


def test_pst(case, tmp_path, long):
    """libpst keeps its index in memory: 48 bytes a block and 300 a message, stated here and in the manual."""
    file, size, count = tmp_path / "x.pst", 10 << 30 if long else 100 << 20, 0
    body = LINE * (250_000 // len(LINE))
    with Writer(file) as pst:
        folders = [pst.folder(name) for name in ("Inbox", "Projetos", "Itens enviados")]
        while count * len(body) < size or count % 20:
            pst.message(folders[count % 3], f"From: a@a.example\r\nSubject: n{count}\r\nMessage-ID: <{count}@a.example>\r\n",
                        body, OLD if count % 20 else NEW)
            count += 1
        index_mb = (len(pst._bids) * 48 + count * 300) / (1 << 20)
    print(f"pst: libpst's index may take {index_mb:.1f} MB")
    measured(case, "pst", file, count, count // 20, "--since", "2030-01-01", allowed_mb=LIMIT_MB + index_mb)


def tar_entry(name, data):
    """An entry of GNU tar, padded."""
    head = bytearray(512)
    struct.pack_into("100s8s8s8s12s12s8s1s", head, 0, name.encode(), b"0000644\0", b"0000000\0", b"0000000\0",
                     b"%011o\0" % len(data), b"%011o\0" % OLD, b" " * 8, b"0")
    head[257:265] = b"ustar  \0"
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + data + b"\0" * (-len(data) % 512)


class Gzip:
    """One gzip member put together from deflated pieces: a piece that comes again is deflated once."""

    def __init__(self, out):
        self._out, self._crc, self._size, self._known = out, 0, 0, {}
        out.write(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")

    def add(self, data, again=False):
        self._crc, self._size = zlib.crc32(data, self._crc), self._size + len(data)
        if again and id(data) in self._known:
            self._out.write(self._known[id(data)][1])
            return
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
        if again:
            self._known[id(data)] = data, packed
        self._out.write(packed)

    def end(self):
        self._out.write(b"\x03\0" + struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))


def write_tgz(file, count, size, folders, sorted_by_folder, new=20):
    """An export of so many messages of so many bytes in so many folders, interleaved or one after the other."""
    body = os.urandom(size // 2).hex().encode() + b"\r\n"
    body = b"\r\n".join(body[i:i + 76] for i in range(0, len(body), 76))
    with open(file, "wb") as out:
        packed = Gzip(out)
        for n in range(count):
            folder = n * folders // count if sorted_by_folder else n % folders
            head = b"From: b@b.example\r\nSubject: n%d\r\nMessage-ID: <%d@b.example>\r\n\r\n" % (n, n)
            whole = len(head) + len(body)
            meta = {"type": 5, "id": n + 300, "Path": f"/Pasta {folder * 7919 % folders:03}/", "date": OLD if n % new else NEW,
                    "size": whole, "FlagStr": "", "flags": 0}
            entry = tar_entry(f"Pasta/{n:06}.eml", head + body)
            packed.add(tar_entry(f"Pasta/{n:06}.eml.meta", json.dumps(meta).encode()) + entry[:512] + head)
            packed.add(body, again=True)
            packed.add(b"\0" * (-whole % 512))
        packed.add(b"\0" * 10240)
        packed.end()


@pytest.mark.sample("True")
@pytest.mark.parametrize("sorted_by_folder", [False, True])
def test_tgz(case, tmp_path, long, sorted_by_folder):
    count, size = (100_000, 100_000) if long else (500, 100_000)
    write_tgz(tmp_path / "x.tgz", count, size, 20, sorted_by_folder)
    measured(case, "tgz", tmp_path / "x.tgz", count, count // 20, "--since", "2030-01-01")


@pytest.mark.sample("True")
@pytest.mark.parametrize("sorted_by_folder", [False, True])
def test_tgz_of_many_folders(case, tmp_path, long, sorted_by_folder):
    """However the folders lie, the file is unpacked twice: to list it, and to move it."""
    count, size, folders = (20_000, 20_000, 200) if long else (750, 20_000, 30)
    file = tmp_path / "x.tgz"
    write_tgz(file, count, size, folders, sorted_by_folder)
    engine = filecase.engine(case, "tgz", file)
    started = engine.start()
    with peak.Watch(started, engine.directory) as watch:
        run = started.wait(3000)
    times = watch.read_mb["mailmover-sourc"] / (file.stat().st_size / (1 << 20))
    print(f"{count} messages in {folders} folders, {file.stat().st_size / 1e6:.0f} MB: read {times:.1f} times, {run.cpu:.1f} s of CPU, {watch}")
    filecase.moved(run, count)
    assert times < 4, run
    got = case.read(case.destination)
    assert sum(n for path, mails in got.folders.items() for n in mails.values()) == count and len(got.folders) >= folders
    filecase.again(engine, count)
    file.unlink()
