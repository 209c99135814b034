"""Writes a PST (Unicode format, MS-PST) of any number of folders and messages, streamed: bodies are never held.

Only what readers of the node and block trees need: no allocation maps, no contents tables. Messages have their
transport header, a text body (a block, or a tree of blocks of its own) and flags; sizes up to 8 MB.
"""

import array
import struct
import zlib

_BLOCK = 8176  # bytes of data that one block takes
_EPOCH = 116444736000000000
_XML = 1021


def _crc(data):
    return ~zlib.crc32(data, 0xFFFFFFFF) & 0xFFFFFFFF


def _signature(at, bid):
    return ((at ^ bid) >> 16 ^ (at ^ bid)) & 0xFFFF


class Writer:
    """with Writer(path) as pst: folder = pst.folder("Inbox"); pst.message(folder, header, body)"""

    def __init__(self, path):
        self._out = open(path, "wb", buffering=1 << 20)
        self._at = 0x4400
        self._out.write(b"\0" * self._at)
        self._bid = 0
        self._bids, self._places, self._sizes = array.array("Q"), array.array("Q"), array.array("H")
        self._nodes = []
        self._folder_nid, self._message_nid = 0x8022, 0x200024
        self.messages = 0
        entry = struct.pack("<I16sI", 0, b"x" * 16, 0x8022)
        self._node(0x21, 0, [(0x35DF, 0x03, 0xFF), (0x35E0, 0x0102, entry), (0x3001, 0x1E, b"store")])
        self._node(0x122, 0x122, [(0x3001, 0x1E, b""), (0x3602, 0x03, 0)])
        self._add_folder("Top", 0x122)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._finish()
        self._out.close()

    def folder(self, name, parent=0x8022):
        return self._add_folder(name, parent)

    def message(self, folder, header, body, received=1_400_000_000, read=True, subject="assunto", more=(), attachments=()):
        """header: text of the transport header; body: ASCII bytes, or None; more: (tag, type, value) of other properties;
        attachments: (name, type, bytes), or (name, class, the properties of an embedded item)."""
        time = struct.pack("<Q", received * 10_000_000 + _EPOCH)
        subnodes = []
        if attachments:
            subnodes.append((0x671, self._block(_table(range(0x8025, 0x8025 + 0x20 * len(attachments), 0x20))), 0))
            subnodes += [(0x8025 + 0x20 * n, *self._attachment(*a)) for n, a in enumerate(attachments)]
        properties = [(0x001A, 0x1E, b"IPM.Note"), (0x0037, 0x1E, subject.encode()), (0x007D, 0x1E, header.encode()),
                      (0x0E06, 0x40, time), (0x0E07, 0x03, int(read)), *more]
        if body is not None:
            properties.append((0x1000, 0x1E, body))
        self._node(self._message_nid, folder, self._outside(properties, subnodes), self._subnodes(subnodes))
        self._message_nid += 0x20
        self.messages += 1

    def _attachment(self, name, kind, data):
        """Its properties, and what does not fit among them."""
        subnodes = []
        if isinstance(data, bytes):
            properties = [(0x3701, 0x0102, data), (0x3704, 0x1E, b"FILE~1.DAT"), (0x3705, 0x03, 1), (0x370E, 0x1E, kind.encode())]
        else:
            item = _properties([(0x001A, 0x1E, kind.encode()), *data])
            subnodes.append((0x2004, self._block(item), 0))
            properties = [(0x3701, 0x0D, struct.pack("<II", 0x2004, len(item))), (0x3705, 0x03, 5)]
        if name is not None:
            properties.append((0x3707, 0x1F, name.encode("utf-16-le")))
        properties = self._outside(properties, subnodes)
        return self._block(_properties(properties)), self._subnodes(subnodes)

    def _outside(self, properties, subnodes):
        """The properties, with those that are too long for their heap put into sub-nodes of their own (type LTP)."""
        out, nid = [], 0x1F3F
        for tag, kind, value in properties:
            if isinstance(value, bytes) and len(value) > 3000:
                nid += 0x20
                subnodes.append((nid, self._data(value), 0))
                value = nid
            out.append((tag, kind, value))
        return out

    def _subnodes(self, entries):
        if not entries:
            return 0
        return self._block(struct.pack("<BBHI", 2, 0, len(entries), 0) + b"".join(
            struct.pack("<QQQ", *entry) for entry in sorted(entries)), internal=True)

    def _add_folder(self, name, parent):
        nid = self._folder_nid
        self._folder_nid += 0x20
        self._node(nid, parent, [(0x3001, 0x1E, name.encode()), (0x3602, 0x03, 0), (0x3613, 0x1E, b"IPF.Note")])
        return nid

    def _node(self, nid, parent, properties, sub=0):
        self._nodes.append((nid, self._block(_properties(properties)), sub, parent))

    def _data(self, data):
        """A tree of blocks."""
        if len(data) <= _BLOCK:
            return self._block(data)
        bids = [self._block(data[i:i + _BLOCK]) for i in range(0, len(data), _BLOCK)]
        assert len(bids) <= _XML
        return self._block(struct.pack("<BBHI", 1, 1, len(bids), len(data)) + struct.pack(f"<{len(bids)}Q", *bids), internal=True)

    def _block(self, data, internal=False):
        self._bid += 4
        bid = self._bid | (2 if internal else 0)
        size = (len(data) + 16 + 63) // 64 * 64
        trailer = struct.pack("<HHIQ", len(data), _signature(self._at, bid), _crc(data), bid)
        self._out.write(data + b"\0" * (size - len(data) - 16) + trailer)
        self._bids.append(bid)
        self._places.append(self._at)
        self._sizes.append(len(data))
        self._at += size
        return bid

    def _page(self, kind, entries, size, level):
        self._at = (self._at + 511) // 512 * 512
        self._out.seek(self._at)
        self._bid += 4
        body = b"".join(entries).ljust(488, b"\0") + struct.pack("<BBBBI", len(entries), 488 // size, size, level, 0)
        self._out.write(body + struct.pack("<BBHIQ", kind, kind, _signature(self._at, self._bid), _crc(body), self._bid))
        found = self._bid, self._at
        self._at += 512
        return found

    def _tree(self, kind, count, entry, key, size):
        """Pages of the leaves, then of what leads to them; the root's bid and place."""
        per, level, pages = 488 // size, 0, []
        for first in range(0, max(count, 1), per):
            part = range(first, min(first + per, count))
            pages.append((key(first) if count else 0, self._page(kind, [entry(i) for i in part], size, 0)))
        while len(pages) > 1:
            level += 1
            groups = [pages[i:i + 20] for i in range(0, len(pages), 20)]
            pages = [(group[0][0], self._page(kind, [struct.pack("<QQQ", k, *ref) for k, ref in group], 24, level))
                     for group in groups]
        return pages[0][1]

    def _finish(self):
        self._nodes.sort()
        count, nodes = len(self._bids), self._nodes
        block_tree = self._tree(0x80, count, lambda i: struct.pack("<QQHHI", self._bids[i], self._places[i], self._sizes[i], 2, 0),
                                lambda i: self._bids[i], 24)
        node_tree = self._tree(0x81, len(nodes), lambda i: struct.pack("<QQQII", *nodes[i], 0), lambda i: nodes[i][0], 32)
        head = bytearray(564)
        struct.pack_into("<4sI2sHHBB", head, 0, b"!BDN", 0, b"SM", 23, 19, 1, 1)
        struct.pack_into("<QQQQQQQB", head, 184, self._at, 0x4400, 0, 0, *node_tree, *block_tree[:1], 0)
        struct.pack_into("<QQB", head, 232, *block_tree, 2)
        head[512] = 0x80
        struct.pack_into("<I", head, 524, _crc(bytes(head[8:524])))
        struct.pack_into("<I", head, 4, _crc(bytes(head[8:479])))
        self._out.seek(0)
        self._out.write(head)


def _properties(properties):
    """A heap with one B-tree of properties in it (MS-PST 2.3.3). A value that is a number of type string is a sub-node."""
    heap, records = [], []
    for tag, kind, value in sorted(properties):
        if not isinstance(value, bytes):
            reference = value
        elif value:
            heap.append(value)
            reference = (len(heap) + 2) << 5
        else:
            reference = 0
        records.append(struct.pack("<HHI", tag, kind, reference))
    return _heap(0xBC, [struct.pack("<BBBBI", 0xB5, 2, 6, 0, 2 << 5), b"".join(records)] + heap)


def _table(rows):
    """A table of two columns, the rows' numbers and versions (MS-PST 2.3.4)."""
    info = struct.pack("<BBHHHHIII", 0x7C, 2, 8, 8, 8, 9, 2 << 5, 4 << 5, 0)
    info += struct.pack("<HHHBB", 3, 0x67F2, 0, 4, 0) + struct.pack("<HHHBB", 3, 0x67F3, 4, 4, 1)
    index = b"".join(struct.pack("<II", row, n) for n, row in enumerate(rows))
    return _heap(0x7C, [info, struct.pack("<BBBBI", 0xB5, 4, 4, 0, 3 << 5), index,
                        b"".join(struct.pack("<IIB", row, 0, 0xC0) for row in rows)])


def _heap(kind, parts):
    """A block's heap, whose first part is its root."""
    at, offsets = 12, []
    for part in parts:
        offsets.append(at)
        at += len(part)
    offsets.append(at)
    body = b"".join(parts)
    if len(body) % 2:
        body += b"\0"
    header = struct.pack("<HBBII", 12 + len(body), 0xEC, kind, 1 << 5, 0)
    return header + body + struct.pack(f"<HH{len(offsets)}H", len(parts), 0, *offsets)
