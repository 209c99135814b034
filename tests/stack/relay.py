"""A relay of DNS over TCP that holds what it was given until it is told to go on: for what happens meanwhile."""

import socket
import threading


class Held(threading.Thread):
    """Connection number `hold` waits for go(); the others pass."""

    def __init__(self, to, hold=1):
        super().__init__(daemon=True)
        self.to, self.hold, self.seen = to, hold, 0
        self.reached, self._go = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def go(self):
        self._go.set()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self._pass, args=(client, self.seen == self.hold), daemon=True).start()

    def _pass(self, client, held):
        with client:
            question = client.recv(65536)
            if held:
                self.reached.set()
                self._go.wait()
            with socket.create_connection(self.to) as server:
                server.sendall(question)
                client.sendall(server.recv(65536))

    def close(self):
        self.go()
        self.listener.close()
