"""The ordinary behaviour: what a plain IMAP4rev1 server answers to each command.

Every handler is a generator of whole responses, the tagged one last, so that a script can stop between
two of them. Whoever takes the next response holds the store's lock meanwhile.
"""

import base64
import re

from . import store, wire

PERMANENT = rb"(\Answered \Flagged \Deleted \Seen \Draft \*)"


class Session:
    """The state of one connection. account: a Store; capabilities: a callable that lists them."""

    def __init__(self, account, users, capabilities):
        self.store, self._users, self._capabilities = account, users, capabilities
        self.user = None
        self.name = self.box = None
        self.view = []  # the selected mailbox's messages as this session numbers them
        self.over = False

    def answer(self, command, read_line):
        handler = getattr(self, "_do_" + command.name.lower().replace("-", "_"), None)
        if command.name == "UID" and len(command.parts) > 1:
            handler = getattr(self, "_do_" + command.parts[1].decode("latin-1").lower(), None)
        if handler is None:
            yield tagged(command, "BAD unknown command")
            return
        if command.name == "AUTHENTICATE":
            yield from self._authenticate(command, read_line)
        elif self.user is None and command.name not in ("CAPABILITY", "NOOP", "LOGIN", "LOGOUT", "ID"):
            yield tagged(command, "NO log in first")
        else:
            try:
                yield from handler(command, command.parts)
            except (IndexError, ValueError, TypeError, AttributeError) as error:
                yield tagged(command, f"BAD cannot read that: {error}".replace("\n", " "))

    # --- log-in ---

    def _do_capability(self, command, _):
        yield b"* CAPABILITY " + " ".join(self._capabilities()).encode() + b"\r\n"
        yield tagged(command, "OK done")

    def _do_login(self, command, parts):
        yield self._sign_in(command, parts[1], parts[2])

    def _authenticate(self, command, read_line):
        if command.parts[1].upper() != b"PLAIN":
            yield tagged(command, "NO [CANNOT] no such mechanism")
            return
        if len(command.parts) > 2:
            coded = command.parts[2]
        else:
            yield b"+ \r\n"
            coded = read_line()
        _, user, password = base64.b64decode(coded).split(b"\0")
        yield self._sign_in(command, user, password)

    def _sign_in(self, command, user, password):
        if self._users.get(user.decode("utf-8", "replace")) != password.decode("utf-8", "replace"):
            return tagged(command, "NO [AUTHENTICATIONFAILED] wrong name or password")
        self.user = user
        return tagged(command, f"OK [CAPABILITY {' '.join(self._capabilities())}] welcome")

    def _do_authenticate(self, command, _):
        return iter(())

    def _do_logout(self, command, _):
        self.over = True
        yield b"* BYE until then\r\n"
        yield tagged(command, "OK done")

    def _do_noop(self, command, _):
        yield from self._news()
        yield tagged(command, "OK done")

    _do_check = _do_noop

    def _do_id(self, command, _):
        yield b'* ID ("name" "scripted")\r\n'
        yield tagged(command, "OK done")

    def _do_enable(self, command, parts):
        yield b"* ENABLED " + b" ".join(parts[1:]) + b"\r\n"
        yield tagged(command, "OK done")

    def _do_namespace(self, command, _):
        yield b'* NAMESPACE (("" %s)) NIL NIL\r\n' % wire.string(self.store.separator)
        yield tagged(command, "OK done")

    def _do_getquotaroot(self, command, parts):
        yield b"* QUOTAROOT " + wire.string(parts[1]) + b' ""\r\n'
        yield tagged(command, "OK done")

    # --- folders ---

    def _do_list(self, command, parts):
        yield from self._list(command, parts, b"LIST", lambda box: True)

    def _do_lsub(self, command, parts):
        yield from self._list(command, parts, b"LSUB", lambda box: box.subscribed)

    def _list(self, command, parts, word, wanted):
        arguments = parts[1:]
        selection = [p.upper() for p in arguments.pop(0)] if isinstance(arguments[0], list) else []
        reference, patterns = arguments[0], arguments[1]
        returns = arguments[3] if len(arguments) > 3 and arguments[2].upper() == b"RETURN" else []
        patterns = patterns if isinstance(patterns, list) else [patterns]
        quoted = wire.string(self.store.separator)
        if patterns == [b""]:
            yield b"* %s (\\Noselect) %s \"\"\r\n" % (word, quoted)
            yield tagged(command, "OK done")
            return
        match = [re.compile(_glob(reference + p, self.store.separator), re.S) for p in patterns]
        for name, box in sorted(self.store.mailboxes.items()):
            if not wanted(box) or not any(m.match(name) for m in match):
                continue
            if b"SUBSCRIBED" in selection and not box.subscribed:
                continue
            yield b"* %s (%s) %s %s\r\n" % (word, self._attributes(name, box, selection, returns), quoted,
                                          wire.string(name))
            for index, item in enumerate(returns):
                if not isinstance(item, list) and item.upper() == b"STATUS" and box.selectable:
                    yield self._status(name, box, returns[index + 1])
        yield tagged(command, "OK done")

    def _attributes(self, name, box, selection, returns):
        words = [] if box.selectable else [b"\\Noselect"]
        inside = any(other.startswith(name + self.store.separator) for other in self.store.mailboxes)
        words.append(b"\\HasChildren" if inside else b"\\HasNoChildren")
        if box.special:
            words.append(b"\\" + box.special.encode())
        asked = [r.upper() for r in returns if not isinstance(r, list)]
        if box.subscribed and (b"SUBSCRIBED" in asked or b"SUBSCRIBED" in selection):
            words.append(b"\\Subscribed")
        return b" ".join(words)

    def _status(self, name, box, items):
        values = {b"MESSAGES": len(box.messages), b"UIDNEXT": box.uidnext, b"UIDVALIDITY": box.uidvalidity,
                  b"UNSEEN": sum("\\Seen" not in m.flags for m in box.messages), b"RECENT": 0,
                  b"HIGHESTMODSEQ": box.modseq, b"SIZE": sum(len(m.data) for m in box.messages)}
        pairs = b" ".join(b"%s %d" % (i.upper(), values[i.upper()]) for i in items if i.upper() in values)
        return b"* STATUS %s (%s)\r\n" % (wire.string(name), pairs)

    def _do_status(self, command, parts):
        box = self.store.get(parts[1])
        if box is None:
            yield tagged(command, "NO [NONEXISTENT] no such mailbox")
            return
        yield self._status(parts[1], box, parts[2])
        yield tagged(command, "OK done")

    def _do_create(self, command, parts):
        if self.store.get(parts[1].rstrip(self.store.separator)) is not None:
            yield tagged(command, "NO [ALREADYEXISTS] it is there")
            return
        self.store.create(parts[1].rstrip(self.store.separator))
        yield tagged(command, "OK done")

    def _do_delete(self, command, parts):
        if self.store.get(parts[1]) is None:
            yield tagged(command, "NO [NONEXISTENT] no such mailbox")
            return
        del self.store.mailboxes[parts[1]]
        yield tagged(command, "OK done")

    def _do_subscribe(self, command, parts):
        box = self.store.get(parts[1])
        if box is not None:
            box.subscribed = True
        yield tagged(command, "OK done" if box is not None else "NO [NONEXISTENT] no such mailbox")

    def _do_select(self, command, parts):
        box = self.store.get(parts[1])
        if box is None or not box.selectable:
            self.name = self.box = None
            yield tagged(command, "NO [NONEXISTENT] no such mailbox")
            return
        self.name, self.box, self.view = parts[1], box, list(box.messages)
        yield b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
        read_only = command.name == "EXAMINE"
        yield b"* OK [PERMANENTFLAGS %s] flags\r\n" % (b"()" if read_only else PERMANENT)
        yield b"* %d EXISTS\r\n" % len(self.view)
        yield b"* 0 RECENT\r\n"
        yield b"* OK [UIDVALIDITY %d] ok\r\n" % box.uidvalidity
        yield b"* OK [UIDNEXT %d] ok\r\n" % box.uidnext
        if "CONDSTORE" in self._capabilities():
            yield b"* OK [HIGHESTMODSEQ %d] ok\r\n" % box.modseq
        yield tagged(command, "OK [READ-ONLY] done" if read_only else "OK [READ-WRITE] done")

    _do_examine = _do_select

    def _do_close(self, command, _):
        self.name = self.box = None
        yield tagged(command, "OK done")

    _do_unselect = _do_close

    # --- messages ---

    def _news(self):
        """Tells the session what has changed in its mailbox."""
        if self.box is None or self.view == self.box.messages:
            return
        kept = {m.uid for m in self.box.messages}
        for number in range(len(self.view), 0, -1):
            if self.view[number - 1].uid not in kept:
                del self.view[number - 1]
                yield b"* %d EXPUNGE\r\n" % number
        if len(self.view) != len(self.box.messages):
            yield b"* %d EXISTS\r\n" % len(self.box.messages)
        self.view = list(self.box.messages)

    def _do_fetch(self, command, parts):
        by_uid = command.name == "UID"
        rest = command.text.split(b" ", 3 if by_uid else 2)
        numbers, items = rest[-2], rest[-1].upper()
        highest = max((m.uid for m in self.view), default=0) if by_uid else len(self.view)
        wanted = wire.number_set(numbers, highest)
        since = re.search(rb"CHANGEDSINCE (\d+)", items)
        alive = {m.uid: m for m in self.box.messages}
        for number, message in enumerate(list(self.view), 1):
            message = alive.get(message.uid)
            if message is None or not wanted(message.uid if by_uid else number):
                continue
            if since and message.modseq <= int(since[1]):
                continue
            yield b"* %d FETCH (%s)\r\n" % (number, b" ".join(self._items(message, items, by_uid)))
        if by_uid:  # message numbers may not move while a FETCH by number is answered
            yield from self._news()
        yield tagged(command, "OK done")

    def _items(self, message, items, by_uid):
        if by_uid or re.search(rb"\bUID\b", items):
            yield b"UID %d" % message.uid
        if re.search(rb"\bFLAGS\b", items):
            yield b"FLAGS (%s)" % " ".join(message.flags).encode()
        if b"INTERNALDATE" in items:
            yield b'INTERNALDATE "%s"' % message.date.encode()
        if b"RFC822.SIZE" in items:
            yield b"RFC822.SIZE %d" % len(message.data)
        if re.search(rb"\bMODSEQ\b", items) or b"CHANGEDSINCE" in items:
            yield b"MODSEQ (%d)" % message.modseq
        for section, partial in re.findall(rb"BODY(?:\.PEEK)?\[([^\]]*)\](<\d+\.\d+>)?", items):
            data = _section(message.data, section)
            where = b""
            if partial:
                first, count = (int(n) for n in partial[1:-1].split(b"."))
                data, where = data[first:first + count], b"<%d>" % first
            yield b"BODY[%s]%s {%d}\r\n%s" % (section, where, len(data), data)

    def _do_search(self, command, parts):
        by_uid = command.name == "UID"
        words = [p.upper() if isinstance(p, bytes) else p for p in parts[2 if by_uid else 1:]]
        found = list(enumerate(self.view, 1))
        highest = max((m.uid for m in self.view), default=0)
        while words:
            word = words.pop(0)
            if word == b"UID":
                wanted = wire.number_set(words.pop(0), highest)
                found = [(n, m) for n, m in found if wanted(m.uid)]
            elif word == b"MODSEQ":
                least = int(words.pop(0))
                found = [(n, m) for n, m in found if m.modseq >= least]
            elif re.fullmatch(rb"[\d:,*]+", word):
                wanted = wire.number_set(word, len(self.view))
                found = [(n, m) for n, m in found if wanted(n)]
            elif word == b"HEADER":
                field, text = words.pop(0), words.pop(0)
                found = [(n, m) for n, m in found
                         if re.search(rb"(?im)^" + re.escape(field) + rb":[^\r\n]*" + re.escape(text), m.data)]
            elif word != b"ALL":
                yield tagged(command, "BAD this search is not known here")
                return
        yield b"* SEARCH" + b"".join(b" %d" % (m.uid if by_uid else n) for n, m in found) + b"\r\n"
        yield tagged(command, "OK done")

    def _do_store(self, command, parts):
        offset = 1 if command.name == "UID" else 0
        wanted = wire.number_set(parts[1 + offset], max((m.uid for m in self.view), default=0))
        how, flags = parts[2 + offset].upper(), {f.decode() for f in parts[3 + offset]}
        for number, message in enumerate(self.view, 1):
            if not wanted(message.uid if offset else number):
                continue
            old = set(message.flags)
            message.flags = tuple(old | flags if how[:1] == b"+" else old - flags if how[:1] == b"-" else flags)
            self.box.modseq += 1
            message.modseq = self.box.modseq
            if b"SILENT" not in how:
                yield b"* %d FETCH (UID %d FLAGS (%s))\r\n" % (number, message.uid, " ".join(message.flags).encode())
        yield tagged(command, "OK done")

    def _do_expunge(self, command, parts):
        wanted = (wire.number_set(parts[2], self.box.uidnext) if command.name == "UID" else lambda uid: True)
        for message in list(self.box.messages):
            if "\\Deleted" in message.flags and wanted(message.uid):
                self.box.remove(message.uid)
        yield from self._news()
        yield tagged(command, "OK done")

    def _do_append(self, command, parts):
        box = self.store.get(parts[1])
        if box is None:
            yield tagged(command, "NO [TRYCREATE] no such mailbox")
            return
        uids, flags, date = [], [], None
        for part in parts[2:]:
            if isinstance(part, list):
                flags = [f.decode() for f in part]
            elif any(part is data for data in command.literals):
                uids.append(box.add(part, date or " 1-Jan-2000 00:00:00 +0000", flags))
                flags, date = [], None
            else:
                date = part.decode()
                store.instant(date)  # a server refuses what is no date
        if self.box is box:
            yield from self._news()
        code = ""
        if "UIDPLUS" in self._capabilities():
            code = f"[APPENDUID {box.uidvalidity} {uids[0]}{f':{uids[-1]}' if len(uids) > 1 else ''}] "
        yield tagged(command, f"OK {code}done")


def tagged(command, text):
    return f"{command.tag} {text}\r\n".encode()


def _section(data, section):
    if not section:
        return data
    match = re.search(rb"\r?\n\r?\n", data)
    head = data[:match.end()] if match else data
    if section == b"HEADER":
        return head
    if section == b"TEXT":
        return data[len(head):]
    names = re.match(rb"HEADER\.FIELDS \((.*)\)", section)
    if not names:
        raise ValueError("section " + section.decode())
    wanted = {name.strip(b'"').lower() for name in names[1].split()}
    fields = re.findall(rb"(?m)^[^\s:]+[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", head)
    return b"".join(f for f in fields if f.partition(b":")[0].strip().lower() in wanted) + b"\r\n"


def _glob(pattern, separator):
    out = b""
    for char in pattern.decode("latin-1"):
        one = char.encode("latin-1")
        out += b".*" if one == b"*" else b"[^%s]*" % re.escape(separator) if one == b"%" else re.escape(one)
    return out + rb"\Z"
