"""A socket whose bytes are compressed as COMPRESS=DEFLATE (RFC 4978) does it."""

import io
import zlib


class Deflated:
    """Stands in for the socket under it."""

    def __init__(self, under):
        self._under = under
        self._out = zlib.compressobj(wbits=-15)

    def __getattr__(self, name):
        return getattr(self._under, name)

    def sendall(self, data):
        self._under.sendall(self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH))

    def makefile(self, _mode):
        return io.BufferedReader(_Inflated(self._under))


class _Inflated(io.RawIOBase):
    def __init__(self, under):
        self._under = under
        self._in = zlib.decompressobj(wbits=-15)
        self._rest = b""

    def readable(self):
        return True

    def readinto(self, into):
        data = b""
        while not data:
            raw = self._rest or self._under.recv(65536)
            if not raw:
                return 0
            data = self._in.decompress(raw, len(into))
            self._rest = self._in.unconsumed_tail
        into[:len(data)] = data
        return len(data)
