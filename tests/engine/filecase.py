"""A file as the source of a mailbox that moves, and what an IMAP server must hold of it afterwards."""

import collections
import dataclasses
import datetime
import hashlib
import urllib.parse

from stack import imapcheck



@dataclasses.dataclass
class File:
    """The source side of mailmover.Engine."""

    kind: str
    path: object
    password: str = ""
    plain: bool = False

    @property
    def url(self):
        return f"{self.kind}:{urllib.parse.quote(str(self.path))}"


def engine(case, kind, path, name="file", destination_port=None):
    """An engine from the file to the case's destination account; port: of a proxy before it."""
    template = case.new_engine(name, destination_port=destination_port)
    template.source = File(kind, path)
    return template


def key(mail):
    """As imapcheck tells messages apart."""
    date = datetime.datetime.fromtimestamp(mail.date, datetime.timezone.utc).isoformat()
    flags = tuple(sorted(f.lower() if f.startswith("\\") else f for f in mail.flags))
    return hashlib.sha256(mail.data).hexdigest(), date, flags


def contents(folders):
    """{path: [Mail]} as imapcheck.Contents."""
    found, subjects, size, count = {}, {}, 0, 0
    for path, mails in folders.items():
        found[path] = collections.Counter(key(mail) for mail in mails)
        for mail in mails:
            subjects[key(mail)[0]] = mail.data[:80].decode("utf-8", "replace")
        size += sum(len(mail.data) for mail in mails)
        count += len(mails)
    return imapcheck.Contents(found, set(folders), {}, subjects, count, size)


def check(case, folders, run=None, flags=True):
    """The destination holds these folders with these mails, and nothing else but an empty INBOX."""
    wanted = contents(folders)
    got = case.read(case.destination)
    if "INBOX" not in wanted.folders:
        wanted.folders["INBOX"] = collections.Counter()
    wanted.subscribed = got.subscribed  # an account's INBOX is subscribed or not as the server likes
    result = imapcheck.compare(wanted, got, None, flags)
    assert result.equal, "\n".join(result.differences) + f"\n{run or ''}"
    return got


def moved(run, messages, status=0):
    assert run.status == status, run
    assert run.done["messages_copied"] == messages, run
    return run


def again(engine_, present, status=0):
    """Another run copies nothing."""
    run = engine_.run()
    assert run.status == status and run.done["messages_copied"] == 0 and run.done["messages_present"] == present, run
    return run


