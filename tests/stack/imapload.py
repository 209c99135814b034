"""Puts messages into an IMAP server: a small writer that sends bytes exactly as they are.

imaplib's append() rewrites line ends, so it cannot deliver mail that has bare CR or LF in it. With
LITERAL+ (RFC 7888) this one does not wait between messages.
"""

import base64
import re
import socket
import ssl


class LoadError(Exception):
    pass


def utf7(name):
    """A folder name in IMAP's modified UTF-7 (RFC 3501, section 5.1.3)."""
    out, rest = [], ""

    def flush(text):
        coded = base64.b64encode(text.encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        return "&" + coded.decode("ascii") + "-"

    for char in name:
        if 0x20 <= ord(char) <= 0x7E:
            if rest:
                out.append(flush(rest))
                rest = ""
            out.append("&-" if char == "&" else char)
        else:
            rest += char
    if rest:
        out.append(flush(rest))
    return "".join(out)


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Loader:
    """A connection over TLS, signed in."""

    def __init__(self, host, port, user, password, ca_file):
        context = ssl.create_default_context(cafile=str(ca_file))
        self._socket = context.wrap_socket(socket.create_connection((host, port), timeout=60),
                                           server_hostname=host)
        self._file = self._socket.makefile("rb")
        self._tag, self._early = 0, None
        self._file.readline()
        coded = base64.b64encode(b"\0" + user.encode() + b"\0" + password.encode())
        tag = self._send(b"AUTHENTICATE PLAIN")
        self._go_on(tag)
        self._socket.sendall(coded + b"\r\n")
        self._finish(tag)
        self._at_once = b"LITERAL+" in b"".join(self.command(b"CAPABILITY")).upper()
        listed = self._finish(self._send(b'LIST "" ""'))
        self.separator = re.search(rb'LIST \([^)]*\) "(.)"', b"".join(listed))[1].decode()

    def close(self):
        try:
            self._finish(self._send(b"LOGOUT"))
        except (LoadError, OSError):
            pass  # some servers are gone before they say so
        self._socket.close()

    def name(self, path):
        """The server's own form of a path whose parts are separated by '/'."""
        return quote(utf7(path.replace("/", self.separator))).encode("ascii")

    def create(self, path, subscribe=True):
        if path.upper() != "INBOX":
            self._finish(self._send(b"CREATE " + self.name(path)), accept=b"ALREADYEXISTS")
        if subscribe:
            self._finish(self._send(b"SUBSCRIBE " + self.name(path)))

    def append(self, path, messages, window=64, refused=None):
        """Appends (bytes, INTERNALDATE text, flags). A message that the server does not want is an error,
        or goes to the list `refused` with its words."""
        pending = []
        for data, date, flags in messages:
            head = b"APPEND %s (%s) %s" % (self.name(path), " ".join(flags).encode(), quote(date).encode())
            pending.append(self._literal(head, data))
            if len(pending) >= window or not self._at_once:
                self._answers(pending, refused)
                pending = []
        self._answers(pending, refused)

    def command(self, text):
        """Sends bytes as a command; the untagged lines of its answer."""
        return self._finish(self._send(text))

    def _literal(self, head, data):
        if self._at_once:
            return self._send(head + b" {%d+}\r\n" % len(data) + data)
        tag = self._send(head + b" {%d}" % len(data))
        if self._go_on(tag):
            self._socket.sendall(data + b"\r\n")
        return tag

    def _go_on(self, tag):
        """Waits for "+"; False when the tagged answer came instead (it is read again by _finish)."""
        while True:
            line = self._file.readline()
            if line.startswith(b"+"):
                return True
            if not line or line.startswith(tag + b" "):
                self._early = line
                return False

    def _answers(self, tags, refused):
        for tag in tags:
            try:
                self._finish(tag)
            except LoadError as error:
                if refused is None:
                    raise
                refused.append(str(error))

    def _send(self, command):
        self._tag += 1
        tag = b"L%d" % self._tag
        self._socket.sendall(tag + b" " + command + b"\r\n")
        return tag

    def _finish(self, tag, accept=None):
        lines = []
        while True:
            line, self._early = self._early or self._file.readline(), None
            if not line:
                raise LoadError("the server closed the connection")
            if line.startswith(tag + b" "):
                if line[len(tag) + 1:].startswith(b"OK") or (accept is not None and accept in line):
                    return lines
                raise LoadError(line.decode("utf-8", "replace").strip())
            lines.append(line)
