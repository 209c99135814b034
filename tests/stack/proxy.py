"""A proxy between an IMAP client and its server that makes the line or the server worse.

It delays, limits the rate, cuts into small pieces, drops the line, and hides capabilities. It runs as a
process of its own (one event loop), so that it takes no time from a test or a benchmark:

    with Proxy(directory, server.tls_port, strip=["MULTIAPPEND"], upstream_ca=ca).start() as proxy: …

The client speaks plain text to it (hiding capabilities needs to read them) unless no `strip` is given
and the server's own TLS passes through. `drop_now()` cuts every connection at this moment.
"""

import asyncio
import collections
import json
import signal
import ssl
import sys

from . import imapfilter, wait
from .process import Process

_WINDOW = 32 << 20  # bytes on their way in one direction, like a large TCP window


class Proxy:
    """options: strip, add (capabilities), delay_ms (one way), rate (bytes a second, each direction),
    pieces (bytes a write), window (bytes under way in one direction), drop_after (byte counts over all connections at which the line is cut),
    upstream_ca (speak TLS to the server, trusting this file), certificate (speak TLS to the client),
    mark_at (byte counts at which there is a "mark" event), record (an event for each command of the client)."""

    def __init__(self, directory, target_port, name="proxy", **options):
        self.port = wait.free_port()
        self._report = directory / f"{name}.jsonl"
        self._options = {"port": self.port, "target": target_port, "report": str(self._report)}
        if "certificate" in options:
            options["certificate"] = [str(file) for file in options["certificate"]]
        self._options.update((k, str(v) if k == "upstream_ca" else v) for k, v in options.items() if v)
        self._log = directory / f"{name}.log"
        root = __file__.rsplit("/", 2)[0]
        self._process = Process(name, ["/usr/bin/python3", "-m", "stack.proxy", json.dumps(self._options)],
                                self._log, cwd=root)

    def start(self):
        self._report.write_text("")
        self._process.start()
        self._process.wait_ready(lambda: any(e["event"] == "ready" for e in self.events()))
        return self

    def stop(self):
        self._process.stop()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def drop_now(self):
        self._process.signal(signal.SIGUSR1)

    def events(self):
        """[{"event": "ready" | "connect" | "drop" | "violation", …}]"""
        return [json.loads(line) for line in self._report.read_text().splitlines() if line.endswith("}")]

    def violations(self):
        """What the client used although it was not offered: [(capability, its command)]."""
        return [(e["capability"], e["text"]) for e in self.events() if e["event"] == "violation"]

    def count(self, event):
        return sum(e["event"] == event for e in self.events())


class _Line:
    """What all connections share: the options, and the bytes seen so far."""

    def __init__(self, options):
        self.options = options
        self.delay = options.get("delay_ms", 0) / 1000
        self.rate = options.get("rate", 0)
        self.pieces = options.get("pieces", 0)
        self.window = options.get("window", _WINDOW)
        self.drops = collections.deque(sorted(options.get("drop_after", ())))
        self.marks = collections.deque(sorted(options.get("mark_at", ())))
        self.strip, self.add = options.get("strip", ()), options.get("add", ())
        self.tls = ssl.create_default_context(cafile=options["upstream_ca"]) if "upstream_ca" in options else None
        self.seen = 0
        self.links = set()
        self._report = open(options["report"], "a", buffering=1, encoding="utf-8")

    def report(self, event, **facts):
        self._report.write(json.dumps({"event": event, **facts}) + "\n")

    def account(self, size):
        """Counts bytes; true when the line is to be cut now."""
        self.seen += size
        while self.marks and self.seen >= self.marks[0]:
            self.report("mark", seen=self.marks.popleft())
        if self.drops and self.seen >= self.drops[0]:
            self.drops.popleft()
            return True
        return False

    def cut(self):
        for link in list(self.links):
            link.abort()
        self.report("drop", seen=self.seen)


class _Link:
    """One client's connection and its counterpart to the server."""

    def __init__(self, line, client):
        loop = asyncio.get_running_loop()
        self.line, self.client, self.server = line, client, None
        born = loop.time()
        trip = 2 * line.delay  # the handshake of TCP, which the kernel did at once, takes one too
        answers = imapfilter.Answers(line.strip, line.add) if line.strip or line.add else None
        record = (lambda text: line.report("command", text=text)) if line.options.get("record") else None
        self.commands = imapfilter.Commands(line.strip, line.add, record) if line.strip or line.add or record else None
        self.up = _Pipe(self, self.commands, born + trip if trip else 0)
        self.down = _Pipe(self, answers, born + 1.5 * trip if trip else 0)
        line.links.add(self)
        line.report("connect")

    def attach(self, server):
        self.server = server
        self.up.writer, self.up.reader = server, self.client
        self.down.writer, self.down.reader = self.client, server
        self.up.pump()

    def violations(self):
        if self.commands:
            for capability, text in self.commands.violations:
                self.line.report("violation", capability=capability, text=text)
            self.commands.violations.clear()

    def abort(self):
        self.line.links.discard(self)
        for transport in (self.client, self.server):
            if transport:
                transport.abort()


class _Pipe:
    """One direction: bytes wait here until they are due."""

    def __init__(self, link, filtering, not_before):
        self._link, self._filter, self._not_before = link, filtering, not_before
        self._loop = asyncio.get_running_loop()
        self._queue, self._queued, self._timer = collections.deque(), 0, None
        self._blocked = self._eof = self._paused = False
        self._free = 0.0
        self.reader = self.writer = None

    def feed(self, data):
        line = self._link.line
        if self._filter:
            data = self._filter.feed(data)
            self._link.violations()
        if not data:
            return
        due = max(self._loop.time(), self._not_before) + line.delay if line.delay else 0.0
        self._queue.append((due, data))
        self._queued += len(data)
        if self._queued > line.window and self.reader and not self._paused:
            self.reader.pause_reading()
            self._paused = True
        self.pump()

    def end(self):
        self._eof = True
        self.pump()

    def block(self, blocked):
        self._blocked = blocked
        if not blocked:
            self.pump()

    def pump(self):
        if self._timer or self.writer is None:
            return
        line = self._link.line
        while self._queue and not self._blocked:
            due, data = self._queue[0]
            now = self._loop.time()
            later = max(due, self._free)
            if later > now:
                self._timer = self._loop.call_at(later, self._wake)
                return
            limit = line.pieces or (max(1, min(len(data), line.rate // 50)) if line.rate else len(data))
            if line.drops:
                limit = min(limit, max(1, line.drops[0] - line.seen))
            piece, rest = data[:limit], data[limit:]
            self._queue.popleft()
            if rest:
                self._queue.appendleft((due, rest))
            self._queued -= len(piece)
            if line.rate:
                self._free = max(self._free, now) + len(piece) / line.rate
            self.writer.write(piece)
            if line.account(len(piece)):
                line.cut()
                return
            if line.pieces:  # let the reader see each piece by itself
                self._timer = self._loop.call_soon(self._wake)
                return
        if self._paused and self._queued < line.window // 2 and self.reader and not self.reader.is_closing():
            self.reader.resume_reading()
            self._paused = False
        if self._eof and not self._queue and not self.writer.is_closing():
            self.writer.close()

    def _wake(self):
        self._timer = None
        if not self.writer.is_closing():
            self.pump()


class _Server(asyncio.Protocol):
    def __init__(self, link):
        self._link = link

    def connection_made(self, transport):
        self._link.attach(transport)

    def data_received(self, data):
        self._link.down.feed(data)

    def eof_received(self):
        return False

    def connection_lost(self, _):
        self._link.down.end()

    def pause_writing(self):
        self._link.up.block(True)

    def resume_writing(self):
        self._link.up.block(False)


class _Client(asyncio.Protocol):
    def __init__(self, line):
        self._line, self._link = line, None

    def connection_made(self, transport):
        self._link = _Link(self._line, transport)
        self._task = asyncio.ensure_future(self._connect())

    async def _connect(self):
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _Server(self._link), "127.0.0.1", self._line.options["target"], ssl=self._line.tls,
                server_hostname="localhost" if self._line.tls else None)
        except OSError:
            self._link.abort()

    def data_received(self, data):
        self._link.up.feed(data)

    def connection_lost(self, _):
        self._link.line.links.discard(self._link)
        self._link.up.end()

    def pause_writing(self):
        self._link.down.block(True)

    def resume_writing(self):
        self._link.down.block(False)


async def _serve(options):
    loop, line, stop = asyncio.get_running_loop(), _Line(options), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, line.cut)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    tls = None
    if "certificate" in options:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options["certificate"])
    server = await loop.create_server(lambda: _Client(line), "127.0.0.1", options["port"], backlog=200, ssl=tls)
    line.report("ready")
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
