"""Packs that no honest server sends, as the answer to a fetch (Git's protocol, version 2)."""

import hashlib
import struct
import zlib

COMMIT, TREE, BLOB, OFFSET, REFERENCE = 1, 2, 3, 6, 7


def head(kind, size):
    """The type and the size that stand before an object."""
    first, size = (kind << 4) | (size & 15), size >> 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    out.append(first)
    return bytes(out)


def length(size):
    """A size within a delta."""
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out)


def back(distance):
    """How far before its delta a base lies."""
    out = [distance & 0x7F]
    while distance := distance >> 7:
        distance -= 1
        out.append(0x80 | distance & 0x7F)
    return bytes(reversed(out))


def blob(text):
    return head(BLOB, len(text)) + zlib.compress(text)


def delta(before, text):
    """A delta on what begins `before` bytes earlier."""
    return head(OFFSET, len(text)) + back(before) + zlib.compress(text)


def chain(links):
    """Deltas, each on the one before."""
    objects = [blob(b"x" * 32)]
    # Copies all of its base.
    same = length(32) + length(32) + b"\x90\x20"
    for _ in range(links):
        objects.append(delta(len(objects[-1]), same))
    return objects


KINDS = {
    # An object that says to be 1 TiB.
    "size": lambda: [head(BLOB, 1 << 40) + zlib.compress(b"x")],
    # A delta on something that nobody has.
    "base": lambda: [head(REFERENCE, 4) + b"\x11" * 20 + zlib.compress(b"\x01\x01\x90\x01")],
    # Deltas that copy from behind the end of their base, or say to make 1 TiB of it, or lie before the pack.
    "beyond": lambda: [blob(b"x"), delta(len(blob(b"x")), b"\x01\x7f\xb0\xff\x7f")],
    "grown": lambda: [blob(b"x"), delta(len(blob(b"x")), b"\x01" + length(1 << 40) + b"\x90\x01")],
    "before": lambda: [delta(1 << 20, b"\x01\x01\x90\x01")],
    "chain": lambda: chain(10_000),
    # More objects than there are.
    "count": lambda: [blob(b"x")],
    "cut": lambda: [blob(b"x")],
    "sum": lambda: [blob(b"x")],
    "nothing": list,
}


def pack(kind):
    objects = KINDS[kind]()
    count = 0xFFFFFFFF if kind == "count" else len(objects)
    data = b"PACK" + struct.pack(">II", 2, count) + b"".join(objects)
    if kind == "cut":
        return data[:-4]
    ending = hashlib.sha1(data).digest()
    return data + (b"\0" * 20 if kind == "sum" else ending)


def answer(kind):
    """The whole answer, in packets."""
    out = [b"000dpackfile\n"]
    data = pack(kind)
    for at in range(0, len(data), 60_000):
        part = data[at : at + 60_000]
        out.append(b"%04x" % (len(part) + 5) + b"\x01" + part)
    return b"".join(out) + b"0000"
