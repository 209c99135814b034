"""Modified UTF-7 of IMAP folder names (RFC 3501, 5.1.3), for imap_upload.py where the library imapclient is not
installed: Debian 12 does not package it."""

import base64


def encode(text):
    """Text to the bytes of a folder's name; bytes stay as they are."""
    if not isinstance(text, str):
        return text
    out, run = bytearray(), []

    def flush():
        if run:
            packed = base64.b64encode("".join(run).encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
            out.extend(b"&" + packed + b"-")
            run.clear()

    for char in text:
        if 0x20 <= ord(char) <= 0x7E:
            flush()
            out.extend(b"&-" if char == "&" else char.encode("ascii"))
        else:
            run.append(char)
    flush()
    return bytes(out)


def decode(name):
    """The bytes of a folder's name to text; text stays as it is."""
    if not isinstance(name, bytes):
        return name
    out, at = [], 0
    while at < len(name):
        if name[at:at + 1] != b"&":
            end = name.find(b"&", at)
            end = len(name) if end < 0 else end
            out.append(name[at:end].decode("ascii", "replace"))
            at = end
            continue
        end = name.find(b"-", at)
        end = len(name) if end < 0 else end
        packed = name[at + 1:end].replace(b",", b"/")
        out.append(base64.b64decode(packed + b"=" * (-len(packed) % 4)).decode("utf-16-be", "replace") if packed else "&")
        at = end + 1
    return "".join(out)
