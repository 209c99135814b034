"""The independent judge: do two IMAP accounts hold the same mail?

It shares no code with the programs that it judges: Python's imaplib reads both sides, and every message
is compared by the SHA-256 of its bytes, INTERNALDATE and flags, copies counted; then the folders and
the subscriptions. May also be run by itself:

    imapcheck.py --ca FILE HOST:PORT USER PASSWORD-FILE HOST:PORT USER PASSWORD-FILE
"""

import argparse
import collections
import dataclasses
import datetime
import hashlib
import imaplib
import pathlib
import re
import ssl
import sys

imaplib._MAXLINE = 10_000_000

_LIST = re.compile(rb'\((?P<flags>[^)]*)\) (?:"(?P<sep>\\?.)"|NIL) (?P<name>.*)', re.S)
_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]+)"')
_SUBJECT = re.compile(rb"^subject:[ \t]*([^\r\n]*)", re.I | re.M)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class CheckError(Exception):
    """A side could not be read: nothing is proven."""


@dataclasses.dataclass
class Account:
    host: str
    port: int
    user: str
    password: str
    ca_file: str


@dataclasses.dataclass
class Contents:
    """What an account holds. folders: path -> Counter of (sha256, date, flags); a path has '/'."""

    folders: dict
    subscribed: set
    special: dict
    subjects: dict
    messages: int = 0
    bytes: int = 0


@dataclasses.dataclass
class Result:
    messages: int
    bytes: int
    folders: int
    differences: list

    @property
    def equal(self):
        return not self.differences


def read(account, normal=None):
    """Everything in an account, without changing it. normal: of a message's bytes, those that are compared.

    Dovecot's imap-login may panic where a line is reset ("epoll_ctl(del) failed: Bad file descriptor") and take our line
    with it, for it carries the TLS of all: then it is read once more, twice at most."""
    for attempt in range(3):
        try:
            return _read(account, normal)
        except imaplib.IMAP4.abort:
            if attempt == 2:
                raise
    return None


def _read(account, normal):
    connection = _sign_in(account)
    try:
        listed = _list(connection, "LIST")
        subscribed = {path for path, _, flags in _list(connection, "LSUB") if b"\\noselect" not in flags.lower()}
        contents = Contents({}, subscribed, {}, {})
        for path, raw, flags in listed:
            if b"\\noselect" in flags.lower() or b"\\nonexistent" in flags.lower():
                continue
            special = re.findall(rb"\\(All|Archive|Drafts|Flagged|Junk|Sent|Trash)\b", flags, re.I)
            if special:
                contents.special[path] = special[0].decode().lower()
            contents.folders[path] = _read_folder(connection, raw, contents, normal or bytes)
        return contents
    finally:
        try:
            connection.logout()
        except (imaplib.IMAP4.error, OSError):
            pass


def compare(source, destination, folder_map=None, flags=True, limit=20):
    """Result of comparing two Accounts (or Contents). folder_map: source path -> destination path."""
    left = source if isinstance(source, Contents) else read(source)
    right = destination if isinstance(destination, Contents) else read(destination)
    mapped = {(folder_map or {}).get(path, path): path for path in left.folders}
    differences = []
    for path in sorted(set(mapped) | set(right.folders)):
        if path not in right.folders:
            differences.append(f"folder {path!r}: not at the destination")
        elif path not in mapped:
            if right.folders[path]:
                differences.append(f"folder {path!r}: only at the destination, with {_total(right.folders[path])} messages")
            elif path.upper() != "INBOX":
                differences.append(f"folder {path!r}: only at the destination (empty)")
        else:
            _compare_folder(path, left.folders[mapped[path]], right.folders[path], flags, left.subjects,
                            right.subjects, differences, limit)
    wanted = {(folder_map or {}).get(path, path) for path in left.subscribed if path in left.folders}
    for path in sorted(wanted ^ {p for p in right.subscribed if p in right.folders}):
        where = "source" if path in wanted else "destination"
        differences.append(f"subscription of {path!r}: only at the {where}")
    return Result(left.messages, left.bytes, len(left.folders), differences)


def _compare_folder(path, left, right, flags, left_subjects, right_subjects, differences, limit):
    if not flags:
        left, right = _without_flags(left), _without_flags(right)
    missing, extra = left - right, right - left
    if not missing and not extra:
        return
    differences.append(f"folder {path!r}: {_total(left)} messages at the source, {_total(right)} at the destination; "
                       f"{_total(missing)} without an equal there, {_total(extra)} without an equal here")
    for count, (sums, sign, names) in enumerate([(missing, "-", left_subjects), (extra, "+", right_subjects)]):
        for key, copies in list(sums.items())[:limit]:
            differences.append(f"  {sign} {copies} x {key[0][:12]} {key[1]} ({' '.join(key[2])}) {names.get(key[0], '')}")
    return


def _without_flags(counter):
    plain = collections.Counter()
    for (digest, date, _), copies in counter.items():
        plain[(digest, date, ())] += copies
    return plain


def _total(counter):
    return sum(counter.values())


def _sign_in(account):
    context = ssl.create_default_context(cafile=str(account.ca_file))
    try:
        connection = imaplib.IMAP4_SSL(account.host, account.port, ssl_context=context, timeout=120)
        connection.authenticate("PLAIN", lambda _: b"\0" + account.user.encode() + b"\0" + account.password.encode())
    except imaplib.IMAP4.abort:
        raise  # the line was lost, see read()
    except (imaplib.IMAP4.error, OSError) as error:
        raise CheckError(f"{account.user} at {account.host}:{account.port}: {error}") from error
    return connection


def _list(connection, command):
    """[(path with '/', the server's own quoted name, flags)]"""
    status, lines = getattr(connection, "list" if command == "LIST" else "lsub")()
    if status == "NO" and command == "LSUB":
        return []  # a server without subscriptions
    if status != "OK":
        raise CheckError(f"{command}: {lines!r}")
    found = []
    for line in lines:
        if not line:  # nothing at all, or the rest of a line whose name came as a literal
            continue
        if isinstance(line, tuple):  # the name came as a literal
            head, name = line[0].rpartition(b"{")[0], line[1]
            match = _LIST.match(head + b"X")
        else:
            match = _LIST.match(line)
            name = match["name"] if match else b""
            if name.startswith(b'"'):
                name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
        if not match:
            raise CheckError(f"{command}: cannot read {line!r}")
        separator = (match["sep"] or b"/")[-1:].decode()
        text = _decode(name.decode("ascii"))
        path = "/".join(part.replace("/", "\\") for part in text.split(separator))
        quoted = b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        found.append(("INBOX" if path.upper() == "INBOX" else path, quoted.decode("ascii"), match["flags"]))
    return found


def _decode(name):
    """From modified UTF-7."""
    import base64

    def part(match):
        if not match[1]:
            return "&"
        coded = match[1].replace(",", "/")
        return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")
    return re.sub(r"&([^-]*)-", part, name)


def _read_folder(connection, quoted, contents, normal):
    status, answer = connection.select(quoted, readonly=True)
    if status != "OK":
        raise CheckError(f"EXAMINE {quoted}: {answer!r}")
    exists = int(answer[0])
    found = collections.Counter()
    for first in range(1, exists + 1, 100):
        last = min(first + 99, exists)
        status, parts = connection.fetch(f"{first}:{last}", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
        if status != "OK":
            raise CheckError(f"FETCH in {quoted}: {parts!r}")
        read_here = 0
        for index, part in enumerate(parts):
            if not isinstance(part, tuple):
                continue
            tail = parts[index + 1] if index + 1 < len(parts) and isinstance(parts[index + 1], bytes) else b""
            key = _key(part[0] + b" " + tail, normal(part[1]), contents.subjects)
            found[key] += 1
            read_here += 1
            contents.bytes += len(part[1])
        if read_here != last - first + 1:
            raise CheckError(f"FETCH in {quoted}: {read_here} of {last - first + 1} messages came")
        contents.messages += read_here
    return found


def _key(attributes, data, subjects):
    digest = hashlib.sha256(data).hexdigest()
    subject = _SUBJECT.search(data[:4000])
    subjects[digest] = subject[1].decode("utf-8", "replace")[:60] if subject else "(no subject)"
    flags = _FLAGS.search(attributes)[1].decode("utf-8", "replace").split()
    kept = sorted(f.lower() if f.startswith("\\") else f for f in flags if f.lower() != "\\recent")
    return digest, _instant(_DATE.search(attributes)[1].decode()), tuple(kept)


def _instant(text):
    """An INTERNALDATE as an instant, whatever time zone a server prefers to show."""
    day, month, year, hour, minute, second, sign, zone_hour, zone_minute = re.match(
        r" ?(\d+)-(\w+)-(\d+) (\d+):(\d+):(\d+) ([+-])(\d\d)(\d\d)", text).groups()
    offset = datetime.timedelta(hours=int(zone_hour), minutes=int(zone_minute)) * (1 if sign == "+" else -1)
    date = datetime.datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second),
                             tzinfo=datetime.timezone(offset))
    return date.astimezone(datetime.timezone.utc).isoformat()


def main():
    parser = argparse.ArgumentParser(description="Compares two IMAP accounts, message by message.")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--no-flags", action="store_true")
    for side in ("source", "destination"):
        for part in ("address", "user", "password_file"):
            parser.add_argument(f"{side}_{part}")
    options = vars(parser.parse_args())
    accounts = []
    for side in ("source", "destination"):
        host, _, port = options[f"{side}_address"].rpartition(":")
        password = pathlib.Path(options[f"{side}_password_file"]).read_text(encoding="utf-8").rstrip("\n")
        accounts.append(Account(host, int(port), options[f"{side}_user"], password, options["ca"]))
    result = compare(*accounts, flags=not options["no_flags"])
    print("\n".join(result.differences) or
          f"equal: {result.messages} messages, {result.bytes} bytes in {result.folders} folders")
    return 0 if result.equal else 1


if __name__ == "__main__":
    sys.exit(main())
