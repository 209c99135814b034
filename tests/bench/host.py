"""What the host of a virtual machine leaves of its processors."""

import hashlib
import os
import threading
import time


def ticks():
    """Of all processors so far: all, idle ones, and those that the host gave to others (proc_stat(5))."""
    with open("/proc/stat", encoding="ascii") as file:
        values = [int(word) for word in file.readline().split()[1:9]]
    return sum(values), values[3] + values[4], values[7]


def shares(before):
    """Since ticks() said that: (idle, stolen), of 1."""
    total, idle, stolen = (now - then for now, then in zip(ticks(), before))
    return (idle / total, stolen / total) if total else (0, 0)


def wait_for_calm(share, patience=300):
    """Until the host takes no more than that share when all are wanted, which an idle machine cannot tell; seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        before = ticks()
        busy = [threading.Thread(target=_be_busy) for _ in range(os.cpu_count())]
        for thread in busy:
            thread.start()
        for thread in busy:
            thread.join()
        if shares(before)[1] <= share:
            return
        time.sleep(3)


def _be_busy():
    """One processor for half a second: hashing does not hold the interpreter's lock."""
    block, until = bytes(1 << 20), time.monotonic() + 0.5
    while time.monotonic() < until:
        hashlib.sha256(block)
