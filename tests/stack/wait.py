"""Waiting for something to become true, with a deadline instead of a guess."""

import fcntl
import os
import random
import socket
import time

# not below a run's own temporary folder: runs beside each other share the machine's ports
_PORTS = f"/tmp/desk-ports-{os.getuid()}"
_held = []


class Timeout(Exception):
    pass


def until(condition, what, seconds=60.0, step=0.02, alive=None, longest=0.2):
    """Returns condition()'s first true value. `alive` (if given) is called between tries and may raise,
    e.g. because the process that we wait for has died. The longer it has taken, the less often it asks: up to
    `step` apart at first, then a tenth of what it has waited, at most `longest`."""
    began = time.monotonic()
    deadline = began + seconds
    while True:
        value = condition()
        if value:
            return value
        if alive is not None:
            alive()
        now = time.monotonic()
        if now > deadline:
            raise Timeout(f"{what}: not within {seconds:.0f} s")
        time.sleep(max(step, min(longest, (now - began) / 10)))


def can_connect(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=2).close()
        return True
    except OSError:
        return False


def free_port():
    """A TCP port of 127.0.0.1 that nobody listens on, outside of the range that the kernel gives to
    outgoing connections, so that none of those can take it before its server does; and that no other
    process of the tests has been given: each is locked as long as the process lives that asked for it."""
    os.makedirs(_PORTS, exist_ok=True)
    for _ in range(200):
        port = random.SystemRandom().randrange(12000, 32000)
        lock = os.open(f"{_PORTS}/{port}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
            _held.append(lock)
            return port
        except OSError:
            os.close(lock)
    raise RuntimeError("no free TCP port between 12000 and 32000")
