"""Writes mail into the files that people bring: mbox in its dialects, Maildir, zip, Zimbra's TGZ.

A Mail is what an IMAP server would hold of a message; `data` has CRLF at every line's end.
"""

import calendar
import dataclasses
import re
import time


@dataclasses.dataclass
class Mail:
    data: bytes
    date: int = 1_400_000_000  # received, seconds since 1970
    flags: tuple = ()


def lf(data):
    return data.replace(b"\r\n", b"\n")


def asctime(seconds):
    return time.asctime(time.gmtime(seconds))


_STATUS = {"\\Seen": ("Status", "R"), "\\Answered": ("X-Status", "A"), "\\Flagged": ("X-Status", "F"),
           "\\Deleted": ("X-Status", "D"), "\\Draft": ("X-Status", "T")}


def with_status(mail):
    """The same mail with the header fields that mbox programs keep flags in."""
    fields = {}
    for flag in mail.flags:
        name, letter = _STATUS[flag]
        fields[name] = fields.get(name, "") + letter
    head = "".join(f"{name}: {letters}\r\n" for name, letters in sorted(fields.items())).encode()
    return Mail(head + mail.data, mail.date, mail.flags)


def mbox(mails, dialect="mboxrd", crlf=False):
    """The bytes of an mbox file. dialect: mboxo, mboxrd, mboxcl, mboxcl2."""
    out = []
    for mail in mails:
        data = mail.data if crlf else lf(mail.data)
        end = b"\r\n" if crlf else b"\n"
        if dialect in ("mboxo", "mboxcl"):
            data = re.sub(rb"(?m)^From ", b">From ", data)
        elif dialect == "mboxrd":
            data = re.sub(rb"(?m)^(>*From )", rb">\1", data)
        if dialect in ("mboxcl", "mboxcl2"):
            head, gap, body = data.partition(end + end)
            data = head + end + b"Content-Length: %d" % len(body) + gap + body
        out.append(b"From sender@a.example " + asctime(mail.date).encode() + end + data +
                   (b"" if data.endswith(b"\n") else end) + end)
    return b"".join(out)


def imap_date(seconds):
    """What imapcheck calls the INTERNALDATE of a message that was received then."""
    return seconds


def seconds(text):
    """Seconds since 1970 of "2014-05-13 16:53:20"."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
