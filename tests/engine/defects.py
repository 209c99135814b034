"""What careless tools and people do to a mailbox, and what verify must say of each."""

import collections
import datetime
import re

from stack import mailgen
from .verify_case import find, message_id, plain

HOUR = datetime.timedelta(hours=1)


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


class Defects:
    """Twenty-three of them, each on mail of its own; expected = what --deep must name, quick = what quick does."""

    def __init__(self, vandal, folders):
        self.vandal = vandal
        self.folders = folders
        self.expected, self.quick, self.extra = [], [], 0
        self._used = set()
        self._ids = collections.Counter(message_id(m) for f in folders for m in f.messages)

    def pick(self, path, wanted=plain):
        """A message that no other defect uses, from the end of the folder."""
        for i in reversed(find(self.folders, path, wanted)):
            one = message_id(self.vandal.message(path, i))
            if (path, i) not in self._used and (one is None or self._ids[one] == 1):
                self._used.add((path, i))
                return i
        raise AssertionError(f"{path} is too small for all defects")

    def finds(self, kind, path, index, what, quick=True):
        self.expected.append((kind, path, index + 1, what))
        if quick:
            self.quick.append(self.expected[-1] if quick is True else (quick[0], path, index + 1, quick[1]))

    def plant(self):
        for name in sorted(n for n in dir(self) if n.startswith("defect_")):
            getattr(self, name)(self.vandal)

    def defect_message_removed(self, v):
        i = self.pick("INBOX")
        v.remove("INBOX", i)
        self.finds("missing", "INBOX", i, "unexplained")

    def defect_byte_changed(self, v):
        i = self.pick("INBOX")
        data = v.message("INBOX", i).data
        v.replace("INBOX", i, flip(data, data.index(b"\r\n\r\n") + 6))
        self.finds("changed", "INBOX", i, "header", quick=False)

    def defect_byte_changed_in_attachment(self, v):
        big = max(range(len(v.messages("Sent"))), key=lambda k: len(v.message("Sent", k).data))
        data = v.message("Sent", big).data
        v.replace("Sent", big, flip(data, len(data) - 5000))
        self.finds("changed", "Sent", big, "header", quick=False)

    def defect_header_byte_changed(self, v):
        i = self.pick("INBOX")
        data = v.message("INBOX", i).data
        v.replace("INBOX", i, flip(data, data.index(b"Received: from mx") + 17))
        self.finds("changed", "INBOX", i, "header")

    def defect_twin_lost(self, v):
        copies = collections.Counter(m.data for m in v.messages("INBOX") if message_id(m))
        data = next(d for d, n in copies.items() if n == 4)
        twins = find(self.folders, "INBOX", lambda m: m.data == data and "\\Seen" in m.flags)
        v.remove("INBOX", twins[0])  # two of them are equal in all: either may be called missing
        self.expected.append(("missing", "INBOX", tuple(i + 1 for i in twins), "unexplained"))
        self.quick.append(self.expected[-1])

    def defect_no_message_id_lost(self, v):
        i = find(self.folders, "INBOX", lambda m: message_id(m) is None and b"MIME-Version" in m.data)[1]
        v.remove("INBOX", i)
        self.finds("missing", "INBOX", i, "unexplained")

    def defect_flag_lost(self, v):
        i = self.pick("Sent", lambda m: "\\Seen" in m.flags and plain(m))
        v.store("Sent", i, "-FLAGS", "\\Seen")
        self.finds("differing", "Sent", i, "flags")

    def defect_flag_added(self, v):
        i = self.pick("Archive", lambda m: "\\Answered" not in m.flags and plain(m))
        v.store("Archive", i, "+FLAGS", "\\Answered")
        self.finds("differing", "Archive", i, "flags")

    def defect_keyword_lost(self, v):
        paths = [f.path for f in self.folders if any(any(k[0] != "\\" for k in m.flags) for m in f.messages)]
        path = next(p for p in paths if p not in ("INBOX", "Sent", "Archive", "Trash"))
        i = self.pick(path, lambda m: any(k[0] != "\\" for k in m.flags))
        v.store(path, i, "-FLAGS", " ".join(k for k in v.message(path, i).flags if k[0] != "\\"))
        self.finds("differing", path, i, "keywords")

    def defect_keyword_and_flag_added(self, v):
        i = self.pick("Trash", lambda m: "\\Flagged" not in m.flags and plain(m))
        v.store("Trash", i, "+FLAGS", "\\Flagged Novo")
        self.finds("differing", "Trash", i, "flags+keywords")

    def defect_wrong_folder(self, v):
        i = self.pick("INBOX")
        v.move("INBOX", i, "Archive")
        self.extra += 1
        self.finds("missing", "INBOX", i, "misplaced")

    def defect_folder_lost(self, v):
        path = "Pessoal/Família (Natal)/Fotos de 2009"
        v.delete_folder(path)
        for i in range(len(v.messages(path))):
            self.finds("missing", path, i, "folder_missing")

    def defect_date_shifted(self, v):
        i = self.pick("INBOX")
        v.replace("INBOX", i, date=v.message("INBOX", i).date + HOUR)
        self.finds("differing", "INBOX", i, "date")

    def defect_date_lost(self, v):
        i = self.pick("Sent")
        v.replace("Sent", i, date=datetime.datetime.now(mailgen.UTC))
        self.finds("differing", "Sent", i, "date")

    def defect_truncated(self, v):
        i = self.pick("Sent")
        data = v.message("Sent", i).data
        v.replace("Sent", i, data[:data.index(b"\r\n\r\n") + 40])
        self.finds("changed", "Sent", i, "header")

    def defect_body_lost(self, v):
        i = self.pick("Archive")
        data = v.message("Archive", i).data
        v.replace("Archive", i, data[:data.index(b"\r\n\r\n") + 4])
        self.finds("changed", "Archive", i, "header")

    def defect_twice(self, v):
        v.add("Sent", v.message("Sent", self.pick("Sent")))
        self.extra += 1

    def defect_other_message_of_the_same_size(self, v):
        i = self.pick("Trash")
        data = v.message("Trash", i).data
        v.replace("Trash", i, b"Subject: x\r\n\r\n" + b"y" * (len(data) - 16) + b"\r\n")
        self.extra += 1
        self.finds("missing", "Trash", i, "unexplained")

    def defect_same_id_other_body(self, v):
        second = find(self.folders, "INBOX", lambda m: b"segunda vers" in m.data)[0]
        first = v.message("INBOX", second - 1)
        v.replace("INBOX", second, first.data, first.date)
        # in a message in parts the other text stands behind the last of them, and belongs to none
        rung = "decoded" if b"multipart/" in first.data else "header"
        self.expected.append(("changed", "INBOX", second + 1, rung))
        self.quick.append(self.expected[-1])

    def defect_raw_8bit_lost(self, v):
        i = find(self.folders, "INBOX", lambda m: "Relat\u00f3rio de".encode("latin-1") in m.data)[0]
        data = v.message("INBOX", i).data
        v.replace("INBOX", i, bytes(b if b < 128 else ord("?") for b in data))
        self.extra += 1
        self.finds("missing", "INBOX", i, "unexplained")

    def defect_recipient_lost(self, v):
        i = self.pick("Archive")
        v.replace("Archive", i, re.sub(rb"^To: .*\r\n", b"", v.message("Archive", i).data, flags=re.M))
        self.finds("changed", "Archive", i, "header")

    def defect_field_added(self, v):
        i = self.pick("Sent")
        v.replace("Sent", i, b"X-Scanned-By: gateway\r\n" + v.message("Sent", i).data)
        self.finds("changed", "Sent", i, "decoded")

    def defect_deleted_mark(self, v):
        i = self.pick("Sent", lambda m: "\\Deleted" not in m.flags and plain(m))
        v.store("Sent", i, "+FLAGS", "\\Deleted")
        self.finds("differing", "Sent", i, "flags")


def settle(expected, found):
    """Where either of two twins may be named, the one that was."""
    settled = []
    for kind, path, uid, what in expected:
        if isinstance(uid, tuple):
            uid = next((u for k, p, u, w in found if (k, p, w) == (kind, path, what) and u in uid), uid[0])
        settled.append((kind, path, uid, what))
    return sorted(settled)
