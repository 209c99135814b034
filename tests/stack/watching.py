"""What stands in /proc of a whole tree of processes while it works, and in which files a secret stands."""

import base64
import os
import threading

from stack.process import children_of


def encodings(secret):
    """A secret as it might stand in a file."""
    raw = secret.encode()
    plain = base64.b64encode(b"\0user\0" + raw).rstrip(b"=")[-8:]
    return [raw, base64.b64encode(raw).rstrip(b"=")[:-2], base64.urlsafe_b64encode(raw).rstrip(b"=")[:-2], raw.hex().encode(),
            plain if len(plain) == 8 else raw]


def needles(secrets):
    """What to look for: every secret as it might stand."""
    return [text for secret in secrets for text in encodings(secret)]


class ProcWatch:
    """Reads arguments and environment of a process and its descendants, over and over, until stop()."""

    def __init__(self, pid, secrets):
        self.seen, self.found, self.programs = set(), [], set()
        self.arguments = set()  # and environments, their words parted by a blank
        self._needles = needles(secrets)
        self._stop = threading.Event()
        self._pid = pid
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.005):
            for pid in [self._pid, *children_of(self._pid, deep=True)]:
                texts = self._texts(pid)
                self.found += [(pid, needle) for needle in self._needles if needle in texts]
                self.seen.add(pid)
                self.arguments.add(texts.replace(b"\0", b" ").decode(errors="replace"))
                self.programs |= {os.path.basename(part).decode(errors="replace") for part in texts.split(b"\0")[:3]}

    @staticmethod
    def _texts(pid):
        texts = b""
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    texts += file.read()
            except OSError:
                pass  # it is gone
        return texts

    def stop(self):
        """Ends the watch; asserts that nothing was seen."""
        self._stop.set()
        self._thread.join()
        assert not self.found, self.found
        return self
