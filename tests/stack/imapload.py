"""Puts messages into an IMAP server: a small writer that sends bytes exactly as they are.

imaplib's append() rewrites line ends, so it cannot deliver mail that has bare CR or LF in it. This one
needs LITERAL+ (RFC 7888) and does not wait between messages.
"""

import re
import socket
import ssl


class LoadError(Exception):
    pass


def utf7(name):
    """A folder name in IMAP's modified UTF-7 (RFC 3501, section 5.1.3)."""
    out, rest = [], ""

    def flush(text):
        import base64
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
        self._tag = 0
        self._file.readline()
        name, secret = user.encode(), password.encode()
        self._finish(self._send(b"LOGIN {%d+}\r\n%s {%d+}\r\n%s" % (len(name), name, len(secret), secret)))
        listed = self._finish(self._send(b'LIST "" ""'))
        self.separator = re.search(rb'LIST \([^)]*\) "(.)"', b"".join(listed))[1].decode()

    def close(self):
        self._finish(self._send(b"LOGOUT"))
        self._socket.close()

    def name(self, path):
        """The server's own form of a path whose parts are separated by '/'."""
        return quote(utf7(path.replace("/", self.separator))).encode("ascii")

    def create(self, path, subscribe=True):
        if path.upper() != "INBOX":
            self._finish(self._send(b"CREATE " + self.name(path)), accept=b"ALREADYEXISTS")
        if subscribe:
            self._finish(self._send(b"SUBSCRIBE " + self.name(path)))

    def append(self, path, messages, window=64):
        """Appends (bytes, INTERNALDATE text, flags) without waiting for each answer."""
        pending = []
        for data, date, flags in messages:
            head = b"APPEND %s (%s) %s {%d+}\r\n" % (self.name(path), " ".join(flags).encode(),
                                                   quote(date).encode(), len(data))
            pending.append(self._send(head + data))
            if len(pending) >= window:
                for tag in pending:
                    self._finish(tag)
                pending = []
        for tag in pending:
            self._finish(tag)

    def _send(self, command):
        self._tag += 1
        tag = b"L%d" % self._tag
        self._socket.sendall(tag + b" " + command + b"\r\n")
        return tag

    def _finish(self, tag, accept=None):
        lines = []
        while True:
            line = self._file.readline()
            if not line:
                raise LoadError("the server closed the connection")
            if line.startswith(tag + b" "):
                if line[len(tag) + 1:].startswith(b"OK") or (accept is not None and accept in line):
                    return lines
                raise LoadError(line.decode("utf-8", "replace").strip())
            lines.append(line)
