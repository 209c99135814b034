"""What the scripted server holds: one account's mailboxes and messages, in memory."""

import collections
import dataclasses
import datetime
import re
import threading

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclasses.dataclass
class Message:
    uid: int
    data: bytes
    date: str  # as IMAP writes it: " 1-Jan-2020 00:00:00 +0000"
    flags: tuple = ()
    modseq: int = 1


class Mailbox:
    def __init__(self, uidvalidity, special=None):
        self.uidvalidity, self.special = uidvalidity, special
        self.messages, self.uidnext, self.modseq = [], 1, 1
        self.selectable, self.subscribed = True, False

    def add(self, data, date, flags=()):
        self.modseq += 1
        self.messages.append(Message(self.uidnext, data, date, tuple(flags), self.modseq))
        self.uidnext += 1
        return self.messages[-1].uid

    def remove(self, uid):
        self.modseq += 1
        self.messages = [m for m in self.messages if m.uid != uid]


class Store:
    """One account. Names are bytes as they stand on the wire, separated by `separator`."""

    def __init__(self, separator=b"/"):
        self.lock = threading.RLock()
        self.separator = separator
        self._validity = 1700000000
        self.mailboxes = {}
        self.create(b"INBOX")

    def create(self, name, special=None):
        name = canonical(name)
        if name in self.mailboxes:
            return self.mailboxes[name]
        parent = name.rpartition(self.separator)[0]
        if parent and parent not in self.mailboxes:
            self.create(parent)
        self._validity += 1
        self.mailboxes[name] = Mailbox(self._validity, special)
        return self.mailboxes[name]

    def get(self, name):
        return self.mailboxes.get(canonical(name))

    def renew(self, name):
        """As a server does that has rebuilt a folder: other UIDs, another UIDVALIDITY, the same mail."""
        old = self.get(name)
        self._validity += 1
        fresh = Mailbox(self._validity, old.special)
        fresh.subscribed = old.subscribed
        fresh.uidnext = 1001
        for message in old.messages:
            fresh.add(message.data, message.date, message.flags)
        self.mailboxes[canonical(name)] = fresh

    def contents(self):
        """{name: Counter of (bytes, instant, flags)} of what can be selected, for comparing two stores."""
        with self.lock:
            return {name: collections.Counter((m.data, instant(m.date), normal_flags(m.flags)) for m in box.messages)
                    for name, box in self.mailboxes.items() if box.selectable}


def canonical(name):
    return b"INBOX" if name.upper() == b"INBOX" else name


def normal_flags(flags):
    return tuple(sorted(f.lower() if f.startswith("\\") else f for f in flags if f.lower() != "\\recent"))


def instant(text):
    day, month, year, hour, minute, second, sign, zone_hour, zone_minute = re.match(
        r" ?(\d+)-(\w+)-(\d+) (\d+):(\d+):(\d+) ([+-])(\d\d)(\d\d)", text).groups()
    offset = datetime.timedelta(hours=int(zone_hour), minutes=int(zone_minute)) * (1 if sign == "+" else -1)
    date = datetime.datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second),
                             tzinfo=datetime.timezone(offset))
    return date.astimezone(datetime.timezone.utc)
