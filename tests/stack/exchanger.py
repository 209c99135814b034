"""A mail exchanger that takes no message: asked with RCPT TO, it says yes for its domains and no, in words of one's
choice, for others (RFC 5321)."""

import socket
import threading


class Exchanger(threading.Thread):
    """start() to listen on `address`; close() to end. `seen`: the lines that came."""

    def __init__(self, address, domains, refusal=b"550 5.7.1 relay access denied"):
        super().__init__(daemon=True)
        self.domains = [d.encode() for d in domains]
        self.refusal = refusal
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        self.seen = []

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as line:
                self._talk(line)

    def _talk(self, line):
        def say(words):
            line.write(words + b"\r\n")
            line.flush()
        say(b"220 mx ESMTP")
        for words in line:
            self.seen.append(words)
            verb = words[:4].upper()
            known = any(b"@" + domain + b">" in words for domain in self.domains)
            say({b"EHLO": b"250-mx\r\n250 8BITMIME", b"QUIT": b"221 bye",
                 b"RCPT": b"250 ok" if known else self.refusal}.get(verb, b"250 ok"))
            if verb == b"QUIT":
                return

    def close(self):
        self.listener.close()
