"""What the demo prints: steps with ticks, a bar while mail moves; plain lines when nobody watches."""

import os
import shutil
import sys
import time


class Terminal:
    """Writes to standard output. On a terminal the line of the step at work is redrawn; otherwise each
    finished step is one line and a bar is a line every few seconds."""

    def __init__(self):
        self._live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._colour = self._live and "NO_COLOR" not in os.environ
        unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        self._tick, self._cross, self._full, self._empty = ("✓", "✗", "█", "░") if unicode else ("ok", "!!", "#", ".")
        self._drawn = False
        self._last_line = 0.0

    def title(self, text):
        self._clear()
        print(f"\n{self._paint('1', text)}", flush=True)

    def step(self, name, text=""):
        """A step that is done."""
        self._clear()
        print(f" {self._paint('32', self._tick)} {name:<16} {text}".rstrip(), flush=True)

    def failed(self, name, text=""):
        self._clear()
        print(f" {self._paint('31', self._cross)} {name:<16} {text}".rstrip(), flush=True)

    def note(self, text):
        self._clear()
        print(f"   {text}", flush=True)

    def gate(self, verdict, text=""):
        colours = {"blocked": "31", "warning": "33", "ready_for_dns": "1;32", "dns_applied": "1;32"}
        self._clear()
        print(f"   {self._paint('2', 'gate')}  {self._paint(colours.get(verdict, '0'), verdict)}"
              f"  {self._paint('2', text)}".rstrip(), flush=True)

    def busy(self, name, text=""):
        """A step at work, shown only where it can be redrawn."""
        if self._live:
            self._draw(f" {self._paint('36', '·')} {name:<16} {text}")

    def bar(self, name, done, total, text=""):
        """Never shows 100 % before everything is done."""
        share = min(done / total, 1.0) if total else 0.0
        percent = 100 if total and done >= total else min(int(share * 100), 99)
        if self._live:
            width = max(10, min(30, shutil.get_terminal_size().columns - 60))
            full = int(width * share)
            self._draw(f" {self._paint('36', '·')} {name:<16} {self._paint('36', self._full * full)}"
                       f"{self._paint('2', self._empty * (width - full))} {percent:3d} %  {text}")
        elif time.monotonic() - self._last_line > 3:
            self._last_line = time.monotonic()
            print(f"   {name:<16} {percent:3d} %  {text}", flush=True)

    def _draw(self, line):
        sys.stdout.write("\r\x1b[2K" + line)
        sys.stdout.flush()
        self._drawn = True

    def _clear(self):
        if self._drawn:
            sys.stdout.write("\r\x1b[2K")
            self._drawn = False

    def _paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def size(count):
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
