#!/usr/bin/python3
"""Stands in for imapsync, readpst, imap_upload.py or ssh (by the name it is called by) where a test needs one that
misbehaves; never part of the product.

The name before the @ of its user says what it does; for readpst, which has none, the words after "behaves:" in its file:
steady, hang, flood, longline, grandchild, daemon, killed, memory, liar, silent, usage.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys

NAME = pathlib.Path(sys.argv[0]).name
ARGUMENTS = sys.argv[1:]
MAIL = "From rui@a.example Thu Jan  2 10:00:00 2020\nFrom: rui@a.example\nSubject: n\n\nbody\n\n"
WORDS_OF_USAGE = {"imapsync": ("Unknown option: useheader", 64), "readpst": ("readpst: invalid option -- 'D'", 1),
                  "imap_upload.py": ("imap_upload.py: error: no such option: --error", 2),
                  "ssh": ("ERROR: zclient.CLIENT_ERROR (unknown command: getRestURL)", 1)}


def option(name):
    return ARGUMENTS[ARGUMENTS.index(name) + 1]


def say(text, file=sys.stdout):
    print(text, file=file, flush=True)


def behaviour():
    if NAME == "readpst":
        return re.search(rb"behaves:(\w+)", pathlib.Path(ARGUMENTS[-1]).read_bytes()).group(1).decode()
    if NAME == "ssh":
        return re.search(r" -m (\w+)@", ARGUMENTS[-1]).group(1)
    return option("--user1" if NAME == "imapsync" else "--user").split("@")[0]


def imapsync():
    for host in (1, 2):
        say(f"Host{host} Nb messages:            2 messages\nHost{host} Total size:           200 bytes (0.2 KiB)")
    if "--justfoldersizes" in ARGUMENTS:
        return
    say("++++ Statistics\nMessages transferred : 2\nMessages skipped : 0\nDetected 0 errors\n"
        "The sync looks good, all 2 identified messages in host1 are on host2.\n"
        "Exiting with return value 0 (EX_OK: successful termination) 0/100 nb_errors/max_errors PID 301")


def readpst():
    folder = pathlib.Path(option("-o")) / "Store/Inbox"
    folder.mkdir(parents=True)
    (folder / "mbox").write_text(2 * MAIL)
    say('Processing Folder "Inbox"\n\t"Inbox" - 2 items done, 0 items skipped.\n\t"Store" - 1 items done, 0 items skipped.')


def imap_upload():
    with open("/dev/tty", "r+b", buffering=0) as terminal:
        terminal.write(b"Password: ")
        terminal.readline()
    count = pathlib.Path(ARGUMENTS[-1]).read_text().count("\nSubject:")
    say("Uploading to INBOX...")
    for number in range(count):
        say(f"  {number + 1}/{count}   3.1 kB  n  OK (1 sec)")
    say(f"Done. (OK: {count}, WARNING: 0, ERROR: 0)")


def ssh():
    os.write(1, b"no archive")


def out():
    """Where its words go: what ssh prints on standard output is the archive."""
    return sys.stderr if NAME == "ssh" else sys.stdout


def misbehave(what):
    if what == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(f"{NAME} hangs", out())
        while True:
            signal.pause()
    elif what == "flood":
        for number in range(200_000):
            print(f"line {number}: " + "x" * 100, file=out())
    elif what == "longline":
        os.write(out().fileno(), b"y" * 3_000_000 + b"\n")
    elif what == "grandchild":
        subprocess.Popen(["/bin/sleep", "1000000"])  # keeps our output open
    elif what == "daemon":
        subprocess.Popen(["/bin/sleep", "1000001"], start_new_session=True)
    elif what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "memory":
        bytearray(64 << 30)
    elif what == "liar":
        say("Error: everything went wrong", out())
        sys.exit(0)
    elif what == "silent":
        sys.exit(3)
    elif what == "usage":
        words, status = WORDS_OF_USAGE[NAME]
        say(words, sys.stderr)
        sys.exit(status)


misbehave(behaviour())
{"imapsync": imapsync, "readpst": readpst, "imap_upload.py": imap_upload, "ssh": ssh}[NAME]()
