"""The mail of the benchmark: the same bytes for the same size and seed.

    S      2,000 messages, about 130 MB, a few of 10 MB or more
    M     20,000 messages, about 1.1 GB
    tiny  20,000 messages of about 2 KB
    a number: so many messages like S
"""

import base64
import random

SIZES = {"S": (2000, False), "M": (20000, False), "tiny": (20000, True)}
_FOLDERS = [("INBOX", 30), ("Enviados", 16), ("Enviados/2021", 8), ("Enviados/2022", 6), ("Rascunhos", 2), ("Lixeira", 5),
            ("Spam", 3), ("Arquivo", 6), ("Arquivo/2018/Janeiro", 4), ("Clientes/Ação & Filhos", 6),
            ("Clientes/Ação & Filhos/Contratos", 4), ("Listas/debian", 6), ("日本/会議", 2), ('Notas "urgentes"', 1),
            ("Vazia", 0), ("Arquivo/Vazia", 0)]
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_FLAGS = [("\\Seen", 0.75), ("\\Answered", 0.15), ("\\Flagged", 0.05), ("$Forwarded", 0.06), ("NonJunk", 0.03)]


class Corpus:
    def __init__(self, size, seed="1"):
        self.count, self.tiny = SIZES[size] if size in SIZES else (int(size), False)
        self.seed = seed
        rnd = random.Random("pool")
        words = [("".join(rnd.choices("aeioubcdfglmnprstv", k=rnd.randrange(2, 10)))) for _ in range(4000)]
        self._text = "\r\n".join(" ".join(rnd.choices(words, k=10)) for _ in range(40000)).encode() + b"\r\n"
        self._coded = base64.encodebytes(rnd.randbytes(2 << 20)).replace(b"\n", b"\r\n")

    def folders(self):
        return [name for name, _ in _FOLDERS]

    def messages(self):
        """Yields (folder, bytes, INTERNALDATE, flags)."""
        for number in range(self.count):
            yield self.message(number)

    def message(self, number):
        rnd = random.Random(f"{self.seed}/{number}")
        folder = rnd.choices([name for name, _ in _FOLDERS], [weight for _, weight in _FOLDERS])[0]
        date = (f"{rnd.randrange(1, 29):2d}-{rnd.choice(_MONTHS)}-{rnd.randrange(2009, 2026)} {rnd.randrange(24):02d}:"
                f"{rnd.randrange(60):02d}:{rnd.randrange(60):02d} {rnd.choice(['-0300', '-0300', '+0000', '+0100', '+0530'])}")
        flags = [flag for flag, chance in _FLAGS if rnd.random() < chance]
        if rnd.random() < 0.01 and number:  # an exact twin of an earlier one, in the same folder
            twin = self.message(rnd.randrange(number))
            return twin
        return folder, self._bytes(rnd, number), date, flags

    def _bytes(self, rnd, number):
        head = [f"Return-Path: <a{rnd.randrange(900)}@example.net>"]
        for hop in range(1 if self.tiny else rnd.randrange(2, 6)):
            head.append(f"Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{rnd.randrange(255)}])\r\n"
                        f"\tby mail.example.com with ESMTPS id {rnd.getrandbits(48):x}; Mon, 1 Jun 2020 10:00:00 +0000")
        if rnd.random() > 0.03:
            head.append(f"Message-ID: <{self.seed}.{number}.{rnd.getrandbits(64):x}@example.net>")
        head += [f"From: =?utf-8?Q?Jo=C3=A3o_{rnd.randrange(99)}?= <a{rnd.randrange(900)}@example.net>",
                 "To: <user@example.com>", f"Subject: mail {number} {rnd.getrandbits(32):x}", "MIME-Version: 1.0",
                 "Date: Mon, 1 Jun 2020 10:00:00 +0000"]
        size = self._size(rnd, number)
        if size < 40000:
            head.append("Content-Type: text/plain; charset=utf-8")
            return "\r\n".join(head).encode() + b"\r\n\r\n" + self._take(rnd, self._text, size)
        bound = f"=_{rnd.getrandbits(64):x}"
        head.append(f'Content-Type: multipart/mixed; boundary="{bound}"')
        return (("\r\n".join(head) + f"\r\n\r\n--{bound}\r\nContent-Type: text/plain\r\n\r\n").encode()
                + self._take(rnd, self._text, 2000) + (f"--{bound}\r\nContent-Type: application/pdf; name=\"anexo.pdf\"\r\n"
                                                       "Content-Transfer-Encoding: base64\r\n\r\n").encode()
                + self._take(rnd, self._coded, size) + f"--{bound}--\r\n".encode())

    def _size(self, rnd, number):
        if self.tiny:
            return int(rnd.lognormvariate(7.0, 0.5))
        if number % 1000 == 777:
            return 14 << 20
        if rnd.random() < 0.05:
            return int(min(rnd.lognormvariate(12.4, 1.1), 12 << 20))
        return int(min(max(rnd.lognormvariate(9.7, 1.1), 300), 4 << 20))

    @staticmethod
    def _take(rnd, pool, size):
        """About `size` bytes of whole lines."""
        parts = []
        while size > 0:
            start = pool.find(b"\n", rnd.randrange(len(pool) // 2)) + 1
            end = pool.find(b"\n", min(start + size, len(pool)) - 1) + 1 or len(pool)
            parts.append(pool[start:end])
            size -= end - start
        return b"".join(parts)
