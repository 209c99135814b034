"""A log-in in front of IMAP servers that take over connections which are logged in already.

    python3 login.py FILE     FILE: JSON with port, users, home, capability, argv, environ, greets
"""

import base64
import json
import os
import pathlib
import re
import shutil
import socket
import socketserver
import sys
import threading


def home(base, user):
    """A user's directory; imap4d takes an "@" in a path for the end of a user's name."""
    return pathlib.Path(base) / user.replace("@", "=")


def command(directory, settings):
    """argv with a copy of this file: the user that serves need not be able to read where the project lies."""
    script = shutil.copyfile(__file__, directory / "login.py")
    script.chmod(0o644)
    return ["/usr/bin/python3", "-SE", script, settings]


class _LogIn(socketserver.BaseRequestHandler):
    """Reads byte by byte up to a good log-in, so that imapd gets all that follows."""

    def handle(self):
        settings = json.loads(open(sys.argv[1], encoding="utf-8").read())
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        names = settings["capability"]
        self._send(f"* OK [CAPABILITY {names}] ready")
        while True:
            tag, _, rest = self._line().partition(b" ")
            word, _, rest = rest.partition(b" ")
            tag, word = tag.decode("latin-1"), word.upper()
            if word == b"LOGIN":
                user, password = self._strings(rest, 2)
            elif word == b"AUTHENTICATE" and rest.upper() == b"PLAIN":
                self._send("+ ")
                _, user, password = base64.b64decode(self._line()).split(b"\0")
            else:
                if word == b"CAPABILITY":
                    self._send("* CAPABILITY " + names)
                if word == b"LOGOUT":
                    self._send("* BYE closing")
                self._send(f"{tag} " + ("OK done" if word in (b"CAPABILITY", b"NOOP", b"LOGOUT") else "BAD log in"))
                if word == b"LOGOUT":
                    return
                continue
            user, password = user.decode("utf-8", "replace"), password.decode("utf-8", "replace")
            if user and settings["users"].get(user) == password:
                self._become(settings, user, tag)
            self._send(f"{tag} NO Login failed.")

    def _become(self, settings, user, tag):
        directory = str(home(settings["home"], user))
        os.chdir(directory)
        environ = {**settings["environ"], "HOME": directory, "AUTHENTICATED": user, "AUTHADDR": user, "AUTHFULLNAME": user,
                   "AUTHUSER": "none", "IMAPLOGINTAG": tag, "MAILDIR": directory + "/Maildir"}
        if settings.get("greets"):
            self._relay(settings["argv"], environ, tag)
        for number in (0, 1):
            os.dup2(self.request.fileno(), number)
        os.execve(settings["argv"][0], settings["argv"], environ)

    def _relay(self, argv, environ, tag):
        """A server that greets whoever it serves: its greeting becomes the answer to the log-in."""
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            for number in (0, 1):
                os.dup2(theirs.fileno(), number)
            os.execve(argv[0], argv, environ)
        theirs.close()
        greeting = b""
        while not greeting.endswith(b"\n"):
            greeting += ours.recv(1) or os._exit(0)
        self._send(f"{tag} OK logged in")
        threading.Thread(target=_pass_on, args=(self.request, ours), daemon=True).start()
        _pass_on(ours, self.request)

    def _send(self, line):
        self.request.sendall(line.encode() + b"\r\n")

    def _line(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.request.recv(1)
            if not byte:
                os._exit(0)
            line += byte
        return line.rstrip(b"\r\n")

    def _strings(self, rest, count):
        found = []
        while len(found) < count:
            rest = rest.lstrip()
            literal = re.fullmatch(rb"\{(\d+)\+?\}", rest)
            if literal:
                self._send("+ ")
                data = b""
                while len(data) < int(literal[1]):
                    data += self.request.recv(int(literal[1]) - len(data)) or os._exit(0)
                found.append(data)
                rest = self._line() if len(found) < count else b""
                continue
            match = re.match(rb'"((?:[^"\\]|\\.)*)"|(\S+)', rest)
            if not match:
                return b"", b""
            found.append(re.sub(rb"\\(.)", rb"\1", match[1]) if match[1] is not None else match[2])
            rest = rest[match.end():]
        return found


def _pass_on(source, destination):
    """One direction alone: a client may send while the server itself waits for its answer to be read."""
    try:
        while data := source.recv(1 << 16):
            destination.sendall(data)
    finally:
        os._exit(0)


class _Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    max_children = 200


if __name__ == "__main__":
    _port = json.loads(open(sys.argv[1], encoding="utf-8").read())["port"]
    with _Server(("127.0.0.1", _port), _LogIn) as server:
        server.serve_forever(poll_interval=0.5)
