"""Listens on loopback and talks to each client as its script says, in a thread each."""

import socket
import ssl
import struct
import threading
import time

from . import changes
from . import script as scripts
from . import wire
from .deflated import Deflated
from .session import Session, tagged


class Server:
    """host and port are where it listens. `commands` collects what clients sent, (tag, text) each;
    `faults` what went wrong in the server itself (a test looks at it)."""

    host = "127.0.0.1"

    def __init__(self, store, users, script=None, certificate=None):
        self.store, self._users = store, users
        self._script = script or scripts.Script()
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*[str(c) for c in certificate])
        self._lock = threading.Lock()
        self._offer, self._sockets, self._stopping = list(self._script.offer), set(), threading.Event()
        self._places, self._conversations = self._script.places, set()
        self.commands, self.faults, self.connections, self.received = [], [], 0, bytearray()
        self._listener = socket.create_server((self.host, 0), backlog=50)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._stopping.set()
        self._listener.close()
        for connection in list(self._sockets):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def rule(self, moment, text):
        """The actions for this moment, or None for the ordinary behaviour."""
        with self._lock:
            chosen = None
            for rule in self._script.rules:
                if rule.moment == moment and rule.fires(text) and chosen is None:
                    chosen = rule.actions
            return chosen

    def capabilities(self, logged_in):
        offer = self._script.after_login if logged_in and self._script.after_login else self._offer
        return [name for name in offer if not (logged_in and name == "STARTTLS")]

    def change_offer(self, names):
        self._script.after_login = None
        self._offer = names

    def change_places(self, number):
        self._places = number

    def full(self):
        return self._places and sum(c.logged_in for c in list(self._conversations)) >= self._places

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        self._sockets.add(connection)
        conversation = None
        try:
            if self._script.tls == "implicit":
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._sockets.add(connection)
            conversation = Conversation(self, connection, self._users, self._tls, self._stopping)
            self._conversations.add(conversation)
            conversation.run()
        except (OSError, wire.Gone, ValueError):
            pass  # the client has gone, or the script cut the line
        except Exception as error:  # noqa: a fault of the server must fail the test, not hide in a thread
            self.faults.append(repr(error))
            raise
        finally:
            self._sockets.discard(connection)
            self._conversations.discard(conversation)
            if conversation:
                conversation.close()
            connection.close()


class _Tapped:
    """A file that remembers what was read from it."""

    def __init__(self, file, copy):
        self._file, self._copy = file, copy

    def readline(self, limit):
        data = self._file.readline(limit)
        self._copy += data
        return data

    def read(self, size):
        data = self._file.read(size)
        self._copy += data
        return data


class Conversation:
    """One connection: reads commands, looks for the rule, acts."""

    def __init__(self, server, connection, users, tls, stopping):
        self._server, self._tls, self._stopping = server, tls, stopping
        self._bytewise = False
        self._session = Session(server.store, users, lambda: server.capabilities(self._session.user is not None))
        self._take(connection)

    @property
    def logged_in(self):
        return self._session.user is not None

    def _take(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._file = connection.makefile("rb")
        self._reader = wire.Reader(_Tapped(self._file, self._server.received), self._literal)

    def run(self):
        actions = self._server.rule("greeting", b"greeting")
        names = " ".join(self._server.capabilities(False))
        ordinary = iter([f"* OK [CAPABILITY {names}] ready\r\n".encode()])
        self._act(actions or [("default", "")], None, ordinary)
        while not self._session.over:
            command = self._reader.command()
            if command is None:
                continue
            self._server.commands.append((command.tag, command.text))
            if command.name == "STARTTLS" and self._tls:
                ordinary = iter([tagged(command, "OK begin")])
                actions = self._server.rule("command", command.text) or [("default", ""), ("tls", "")]
            elif command.name in ("LOGIN", "AUTHENTICATE") and self._server.full():
                ordinary, actions = iter(()), [("no", "[LIMIT] Maximum number of connections exceeded")]
            else:
                ordinary = self._session.answer(command, self._reader.line)
                actions = self._server.rule("command", command.text) or [("default", "")]
            self._act(actions, command, ordinary)

    def _literal(self, tag, text, size):
        actions = self._server.rule("literal", text)
        if actions is None:
            self._write(b"+ go on\r\n")
            return True
        accepted = False
        for word, rest in actions:
            if word == "pass":
                self._write(b"+ go on\r\n")
                accepted = True
            elif word in ("ok", "no", "bad"):
                self._server.commands.append((tag, text))
                self._write(f"{tag} {word.upper()} ".encode() + scripts.decode(rest) + b"\r\n")
            else:
                self._one(word, rest, None, iter(()))
        return accepted

    def _act(self, actions, command, ordinary):
        for word, rest in actions:
            self._one(word, rest, command, ordinary)

    def _one(self, word, rest, command, ordinary):
        if word == "default":
            for _ in range(int(rest) if rest else 10**9):
                chunk = self._next(ordinary)
                if chunk is None:
                    break
                self._write(chunk)
        elif word == "swallow":
            while self._next(ordinary) is not None:
                pass
        elif word == "preauth":
            self._session.user = b"preauth"
        elif word == "part":
            self._write((self._next(ordinary) or b"")[:int(rest)])
        elif word in changes.ACTIONS:
            changes.apply(self._server.store, word, rest)
        else:
            getattr(self, "_act_" + word)(rest, command)

    def _next(self, ordinary):
        with self._server.store.lock:
            return next(ordinary, None)

    def _text(self, rest, command):
        data = scripts.decode(rest)
        if command is not None:
            data = data.replace(b"$tag", command.tag.encode())
            data = data.replace(b"$from", command.literals[0] if command.literals else b"")
        return data

    def _write(self, data):
        if not self._bytewise:
            self._socket.sendall(data)
            return
        for index in range(len(data)):
            self._socket.sendall(data[index:index + 1])

    def _act_send(self, rest, command):
        self._write(self._text(rest, command) + b"\r\n")

    def _act_raw(self, rest, command):
        self._write(self._text(rest, command))

    def _act_repeat(self, rest, command):
        count, _, text = rest.partition(" ")
        data, left = self._text(text, command), int(count)
        block = data * min(left, max(1, 65536 // max(1, len(data))))
        while left * len(data) > 0:
            piece = block[:left * len(data)]
            self._write(piece)
            left -= len(piece) // len(data)

    def _act_ok(self, rest, command):
        self._write(tagged(command, "OK ") [:-2] + self._text(rest, command) + b"\r\n")

    def _act_no(self, rest, command):
        self._write(tagged(command, "NO ")[:-2] + self._text(rest, command) + b"\r\n")

    def _act_bad(self, rest, command):
        self._write(tagged(command, "BAD ")[:-2] + self._text(rest, command) + b"\r\n")

    def _act_bye(self, rest, command):
        self._write(b"* BYE " + self._text(rest, command) + b"\r\n")
        self._act_close("", command)

    def _act_stall(self, rest, _):
        self._stopping.wait(float(rest))

    def _act_drop(self, _rest, _command):
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()
        raise wire.Gone

    def close(self):
        self._file.close()  # it keeps the socket open as long as it is open itself
        self._socket.close()

    def _act_close(self, _rest, _command):
        self._socket.shutdown(socket.SHUT_WR)
        self._drain()
        raise wire.Gone

    def _drain(self):
        """Reads what the client still sends, so that closing does not reset what it has not read yet."""
        deadline = time.monotonic() + 5
        self._socket.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                if not self._socket.recv(65536):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def _act_bytewise(self, _rest, _command):
        self._bytewise = True

    def _act_tls(self, _rest, _command):
        self._take(self._tls.wrap_socket(self._socket, server_side=True))

    def _act_deflate(self, _rest, _command):
        self._take(Deflated(self._socket))

    def _act_places(self, rest, _):
        self._server.change_places(int(rest))

    def _act_offer(self, rest, _):
        self._server.change_offer(rest.split())
