#!/usr/bin/python3
"""Stands in for mailmover where a test needs a tool that misbehaves; never part of the product.

It speaks the events of migration-events.7. The name before the @ of the source account says what it does:
steady, slow, slower, hang, flood, grandchild, daemon, killed, memory, liar, silent, longline, secret.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse

TOTAL = 50
PAUSES = {"slow": 0.1, "slower": 0.3}  # seconds between two of them


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


class Events:
    def __init__(self):
        self._file = os.fdopen(int(option("--events").removeprefix("fd:")), "w", encoding="utf-8")

    def __call__(self, kind, **fields):
        self._file.write(json.dumps({"v": 1, "t": kind, "at": int(time.time() * 1000), **fields}) + "\n")
        self._file.flush()


def secret(side):
    with os.fdopen(int(option(f"--{side}-secret").removeprefix("fd:")), "rb") as pipe:
        return pipe.read().decode()


def progress(event, done):
    event("progress", messages_total=TOTAL, messages_done=done, bytes_total=TOTAL * 1000, bytes_done=done * 1000,
          refused=0, folder="INBOX", folders_total=1, folders_done=int(done == TOTAL))


def finish(event, status="succeeded", code="", message="", status_code=0):
    if sys.argv[1] == "copy":
        event("pass", folders=[{"folder": "INBOX", "dest": "INBOX", "uidvalidity": 1, "uidnext": TOTAL + 1,
                                "messages": TOTAL, "bytes": TOTAL * 1000}])
    event("done", status=status, code=code, message=message, exit=status_code, messages_total=TOTAL,
          messages_copied=TOTAL, messages_present=0, refused=0, bytes_copied=TOTAL * 1000, complete=True,
          expected=TOTAL, found=TOTAL, found_weak=0, missing=0, late=0, excluded=0, differing=0, extra=0)
    sys.exit(status_code)


def copy(event, pause):
    """A run with an end, that may be told to stop before it."""
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    for done in range(TOTAL + 1):
        progress(event, done)
        if stop:
            event("done", status="cancelled", code="run.cancelled", message="stopped", exit=75)
            sys.exit(75)
        time.sleep(pause)
    finish(event)


def wait_for_ever():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def main():
    user = urllib.parse.unquote(re.match(r"imaps?://([^@]*)@", option("--from")).group(1))
    secrets = [secret("from"), secret("to")]
    event = Events()
    event("start", command=sys.argv[1], version="fake")
    event("plan", folders=1, messages=TOTAL, bytes=TOTAL * 1000, messages_present=0)
    what = user.split("@")[0]
    print(f"fake tool: {what}", flush=True)
    if what in PAUSES:
        copy(event, PAUSES[what])
    elif what == "hang":
        wait_for_ever()
    elif what == "flood":
        for number in range(200_000):
            print(f"line {number}: " + "x" * 100)
    elif what == "grandchild":
        subprocess.Popen(["/bin/sleep", "1000000"])  # keeps our output open
    elif what == "daemon":
        subprocess.Popen(["/bin/sleep", "1000001"], start_new_session=True)
    elif what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "memory":
        bytearray(64 << 30)
    elif what == "liar":
        print("ERROR: everything went wrong", file=sys.stderr)
        sys.exit(0)
    elif what == "silent":
        sys.exit(3)
    elif what == "longline":
        os.write(1, b"y" * 3_000_000)
    elif what == "secret":
        for one in secrets:  # a tool that is careless with what it was given
            print(f"logging in with {one} ({urllib.parse.quote(one)})", flush=True)
            os.write(2, one[:3].encode())
            time.sleep(0.1)
            os.write(2, one[3:].encode() + b"\n")
        event("warning", code="protocol", message=f"the server said: {secrets[0]}")
    copy(event, 0)


main()
