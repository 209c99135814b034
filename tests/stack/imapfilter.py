"""Makes an IMAP server look poorer than it is: takes capabilities out of its answers, and notices a
client that uses what was not offered.

Two streams of one connection are cut into lines and literals; message bytes pass untouched and unread.
"""

import re

_LITERAL = re.compile(rb"(~?)\{(\d+)([+-]?)\}\r?\n\Z")
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')
_CODE = re.compile(rb"\[CAPABILITY ([^\]]*)\]", re.I)

# capability -> what a client may not send without it (tested on a command's text, quoted strings emptied)
_COMMANDS = {
    "BINARY": rb"\bBINARY(\.PEEK|\.SIZE)?\[",
    "COMPRESS=DEFLATE": rb"\ACOMPRESS\b",
    "CONDSTORE": rb"\((CONDSTORE|CHANGEDSINCE|UNCHANGEDSINCE)\b|\bHIGHESTMODSEQ\b|\bMODSEQ\b",
    "ENABLE": rb"\AENABLE\b",
    "ESEARCH": rb"\A(UID )?SEARCH RETURN\b",
    "ID": rb"\AID\b",
    "IDLE": rb"\AIDLE\b",
    "LIST-EXTENDED": rb"\ALIST \(|\ALIST .* RETURN \(",
    "LIST-STATUS": rb"\ALIST .* RETURN \(.*\bSTATUS\b",
    "MOVE": rb"\A(UID )?MOVE\b",
    "NAMESPACE": rb"\ANAMESPACE\b",
    "QRESYNC": rb"\(QRESYNC\b|\bVANISHED\b",
    "QUOTA": rb"\AGETQUOTA",
    "SASL-IR": rb"\AAUTHENTICATE \S+ \S",
    "SPECIAL-USE": rb"\ALIST .* RETURN \(.*\bSPECIAL-USE\b|\ALIST \(SPECIAL-USE\)",
    "STATUS=SIZE": rb"\ASTATUS .*\(.*\bSIZE\b|\ALIST .*STATUS \(.*\bSIZE\b",
    "UIDPLUS": rb"\AUID EXPUNGE\b",
    "UNSELECT": rb"\AUNSELECT\b",
}
# capability -> response codes that a server without it never sends
_CODES = {
    "CONDSTORE": rb"\[(HIGHESTMODSEQ \d+|NOMODSEQ)\] ?",
    "UIDPLUS": rb"\[(APPENDUID|COPYUID) [^\]]*\] ?",
}
_SPECIAL = re.compile(rb"\\(All|Archive|Drafts|Flagged|Junk|Sent|Trash|Important)\b ?", re.I)
# what falls with it
_IMPLIED = {"CONDSTORE": ("QRESYNC",), "LIST-EXTENDED": ("LIST-STATUS",)}


class Framer:
    """Cuts a stream into whole lines and pieces of literals.

    feed(data) yields (line, None) or (None, bytes of a literal). A line that announces a literal ends
    with its "{n}"; the bytes after it come next.
    """

    def __init__(self):
        self._rest = b""
        self._literal = 0

    def feed(self, data):
        if self._rest:
            data, self._rest = self._rest + data, b""
        start = 0
        while start < len(data):
            if self._literal:
                piece = data[start:start + self._literal]
                self._literal -= len(piece)
                start += len(piece)
                yield None, piece
                continue
            end = data.find(b"\n", start) + 1
            if not end:
                self._rest = data[start:]
                return
            line = data[start:end]
            start = end
            match = _LITERAL.search(line)
            if match:
                self._literal = int(match[2])
            yield line, None


class Answers:
    """Server to client: takes out what the server shall not have, adds what it shall."""

    def __init__(self, strip, add=()):
        self._strip = expand(strip)
        self._add = [name.upper().encode() for name in add]
        self._framer = Framer()
        self._codes = [re.compile(_CODES[name], re.I) for name in self._strip if name in _CODES]
        self._special = "SPECIAL-USE" in self._strip

    def feed(self, data):
        return b"".join(self._line(line) if line is not None else literal
                        for line, literal in self._framer.feed(data))

    def _line(self, line):
        if line[:13].upper() == b"* CAPABILITY ":
            return b"* CAPABILITY " + self._names(line[13:].strip()) + b"\r\n"
        if b"[" in line[:80]:
            line = _CODE.sub(lambda m: b"[CAPABILITY " + self._names(m[1]) + b"]", line)
            for code in self._codes:
                line = code.sub(b"", line)
        if self._special and line[:7].upper() == b"* LIST ":
            close = line.find(b")")
            line = _SPECIAL.sub(b"", line[:close]).rstrip(b" ") + line[close:]
        return line

    def _names(self, text):
        kept = [name for name in text.split() if name.upper().decode("ascii", "replace") not in self._strip]
        return b" ".join(kept + [name for name in self._add if name not in kept])


class Commands:
    """Client to server: passes everything on, and collects in `violations` what was not offered."""

    def __init__(self, strip, add=(), record=None):
        self._strip, self._record = expand(strip), record
        self._offered = {name.upper() for name in add}
        self._framer = Framer()
        self._rules = [(name, re.compile(_COMMANDS[name], re.I | re.S)) for name in sorted(self._strip)
                       if name in _COMMANDS]
        self._text = b""
        self._appends = 0
        self.violations = []

    def feed(self, data):
        for line, _ in self._framer.feed(data):
            if line is not None:
                self._line(line)
        return data

    def _line(self, line):
        literal = _LITERAL.search(line)
        self._text += _QUOTED.sub(b'""', line[:literal.start()] if literal else line).rstrip(b"\r\n")
        command = self._text.partition(b" ")[2]
        if literal:
            self._check_literal(literal)
            if command[:7].upper() == b"APPEND " and re.search(rb"\)\s|\"\"\s|\A\S+ \S+ \Z", command):
                self._appends += 1
                if self._appends == 2 and "MULTIAPPEND" in self._strip:
                    self._violation("MULTIAPPEND", command[:80])
            self._text += b"{}"
            return
        if self._record:
            self._record(command.decode("utf-8", "replace"))
        for name, rule in self._rules:
            if rule.search(command):
                self._violation(name, command[:200])
        self._text, self._appends = b"", 0

    def _check_literal(self, match):
        if match[1] and "BINARY" in self._strip:
            self._violation("BINARY", match[0])
        if match[3] and "LITERAL+" in self._strip:
            if "LITERAL-" not in self._offered:
                self._violation("LITERAL+", match[0])
            elif int(match[2]) > 4096:
                self._violation("LITERAL- (at most 4096 bytes)", match[0])

    def _violation(self, name, text):
        self.violations.append((name, text.decode("utf-8", "replace").strip()))


def expand(names):
    """The capabilities in upper case, with those that make no sense without them."""
    found = {name.upper() for name in names}
    for name in list(found):
        found.update(_IMPLIED.get(name, ()))
    return found
