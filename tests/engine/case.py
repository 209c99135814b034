"""One mailbox that moves from one server to another, and the independent judge at the end."""

import collections
import copy
import re
import threading

from stack import imapcheck, imapload
from . import mailmover

PASSWORD = "s3nha com espaço"
_taken, _lock = set(), threading.Lock()  # (server, user): each case has its own


def _take(servers, users):
    """The first user of whom none of the servers has mail yet; StopIteration when there is none left."""
    with _lock:
        user = next(u for u in users if not any((server, u) in _taken for server in servers))
        _taken.update((server, user) for server in servers)
        return user


def prepare(*servers, users=249):
    """Users for all cases, before the servers start: Dovecot reads new ones no sooner than a second later."""
    for server in servers:
        for number in range(1, users + 1):
            server.add_user(f"u{number}@a.example", PASSWORD)


class Case:
    """A fresh user on both servers. `source_prefix`/`destination_prefix` ("INBOX/") are the namespaces
    below which a server keeps all folders; the judge compares names without them."""

    def __init__(self, program, directory, authority, source, destination):
        self.user = _take((source, destination), [user for user in source.users if user in destination.users])
        self.program, self.directory, self.authority = program, directory, authority
        self.source, self.destination = source, destination
        self.destination_user = self.user
        self.engine = self.new_engine("run")

    def sibling(self, name):
        """The same source account to a destination account of its own, which is still empty."""
        other = copy.copy(self)
        other.destination_user = _take((self.destination,), self.destination.users)
        other.directory = self.directory / name
        other.engine = other.new_engine("run")
        return other

    def user_on(self, server):
        return self.destination_user if server is self.destination else self.user

    def new_engine(self, name, source_port=None, destination_port=None):
        """Another engine directory (its state, events) on the same pair; ports: of proxies that speak
        plain text and stand in front."""
        ends = []
        for server, port in ((self.source, source_port), (self.destination, destination_port)):
            if port:
                ends.append(mailmover.Endpoint(port, self.user_on(server), PASSWORD, "imap", plain=True))
            else:
                ends.append(mailmover.Endpoint(server.tls_port, self.user_on(server), PASSWORD))
        return mailmover.Engine(self.program, self.directory / name, *ends, ca_file=self.authority.certificate)

    def loader(self, server):
        return imapload.Loader("127.0.0.1", server.tls_port, self.user_on(server), PASSWORD, self.authority.certificate)

    def read(self, server):
        """Contents as imapcheck sees them, names without the server's namespace."""
        contents = imapcheck.read(imapcheck.Account("127.0.0.1", server.tls_port, self.user_on(server), PASSWORD,
                                                    self.authority.certificate), self._normal)
        prefix = namespace(server)
        if prefix:
            plain = lambda name: name[len(prefix):] if name.startswith(prefix) else name  # noqa: E731
            contents.folders = {plain(name): mails for name, mails in contents.folders.items()}
            contents.subscribed = {plain(name) for name in contents.subscribed}
        return contents

    @property
    def _normal(self):
        """imap4d writes fields of its own into its mbox files, and writes them anew when a folder is looked at again."""
        return _without_mbox_fields if self.destination.name == "mailutils" else None

    def fill(self, folders, refused=None):
        """Puts [(path, subscribed, [(bytes, date, flags)])] into the source."""
        loader = self.loader(self.source)
        prefix = namespace(self.source)
        for path, subscribed, messages in folders:
            path = path if path == "INBOX" else prefix + path
            loader.create(path, subscribed)
            loader.append(path, messages, refused=refused)
        loader.close()

    def fill_mailbox(self, mailbox, server=None):
        """The same from mailgen's folders."""
        loader, prefix = self.loader(server or self.source), namespace(server or self.source)
        for folder in mailbox:
            path = folder.path if folder.path == "INBOX" else prefix + folder.path
            loader.create(path, folder.subscribed)
            loader.append(path, [(m.data, m.internal_date, m.flags) for m in folder.messages])
        loader.close()

    def compare(self, folder_map=None, flags=True, source=None):
        return imapcheck.compare(source or self.read(self.source), self.read(self.destination), folder_map, flags)

    def check(self, run=None, folder_map=None, flags=True, source=None):
        """Both sides hold the same."""
        result = self.compare(folder_map, flags, source)
        assert result.equal, "\n".join(result.differences) + f"\n{run or ''}"
        return result


def _without_mbox_fields(data):
    """The same without X-IMAPbase, X-UID, X-Keywords and Status, and with one line end at its end, as mbox files have it."""
    head, blank, body = data.partition(b"\r\n\r\n")
    head = re.sub(rb"(?mi)^(?:x-imapbase|x-uid|x-keywords|status):[^\n]*\n?", b"", head + b"\r\n" if blank else head)
    data = head + (b"\r\n" + body if blank else b"")
    return data if data.endswith(b"\n") or not data else data + b"\r\n"


def namespace(server):
    """Below what a server keeps a user's folders, with "/" as separator."""
    return "INBOX/" if server.name == "courier" else ""


def counts(contents):
    """Messages by content alone: {sha256: copies}."""
    total = collections.Counter()
    for mails in contents.folders.values():
        for (digest, _, _), copies in mails.items():
            total[digest] += copies
    return total
