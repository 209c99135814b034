"""The bytes of a dialogue: reading whole commands with their literals, taking them apart, quoting."""

import re

_LITERAL = re.compile(rb"~?\{(\d+)(\+?)\}\Z")
_TOKEN = re.compile(rb'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"|\0(?P<literal>\d+)\0|'
                    rb'(?P<atom>[^\s()"]+))', re.S)


class Gone(Exception):
    """The client closed the connection."""


class Command:
    """One command: `text` is what follows the tag, literals put in their place; `parts` the arguments."""

    def __init__(self, tag, pieces):
        self.tag = tag
        self.literals = [data for kind, data in pieces if kind == "literal"]
        self.text = b"".join(data for _, data in pieces)
        marked, number = b"", 0
        for kind, data in pieces:
            if kind == "literal":
                marked += b"\0%d\0" % number
                number += 1
            else:
                marked += data
        self.parts = _parse(marked, self.literals)
        self.name = self.parts[0].upper().decode("latin-1") if self.parts and isinstance(self.parts[0], bytes) else ""


class Reader:
    """Reads commands from a socket's file. on_literal(tag, text so far, size) answers a synchronising
    literal: True lets it come, False means that the command was answered already."""

    def __init__(self, file, on_literal):
        self._file, self._on_literal = file, on_literal

    def line(self):
        line = self._file.readline(10_000_000)
        if not line.endswith(b"\n"):
            raise Gone
        return line.rstrip(b"\r\n")

    def command(self):
        """The next Command, or None when it was refused at a literal."""
        line = self.line()
        tag, _, rest = line.partition(b" ")
        pieces = []
        while True:
            match = _LITERAL.search(rest)
            if not match:
                pieces.append(("text", rest))
                return Command(tag.decode("latin-1"), pieces)
            pieces.append(("text", rest[:match.start()]))
            size = int(match[1])
            so_far = b"".join(data for _, data in pieces)
            if not match[2] and not self._on_literal(tag.decode("latin-1"), so_far, size):
                return None
            data = self._file.read(size)
            if len(data) < size:
                raise Gone
            pieces.append(("literal", data))
            rest = self.line()


def _parse(text, literals):
    """Arguments as bytes, lists for parentheses. Brackets (BODY[...]) are left to who needs them."""
    stack, at = [[]], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            break
        at = match.end()
        if match["open"]:
            stack.append([])
        elif match["close"]:
            if len(stack) > 1:
                done = stack.pop()
                stack[-1].append(done)
        elif match["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", match["quoted"]))
        elif match["literal"] is not None:
            stack[-1].append(literals[int(match["literal"])])
        else:
            stack[-1].append(match["atom"])
    return stack[0]


def string(data):
    """A name or text as a quoted string, or as a literal where it must be one."""
    if re.search(rb'[\r\n\0\x80-\xff]', data):
        return b"{%d}\r\n%s" % (len(data), data)
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def number_set(text, highest):
    """A predicate for an IMAP set such as b"1:3,7,9:*"."""
    ranges = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        first = highest if first == b"*" else int(first)
        last = first if not last else highest if last == b"*" else int(last)
        ranges.append((min(first, last), max(first, last)))
    return lambda n: any(a <= n <= b for a, b in ranges)
