"""A page as one object of a store: its body, compressed, and its line of the journal before it.

The line lies in a skippable frame of zstd (RFC 8878, 3.1.2), which readers of zstd pass over: the
object decompresses to the body, and a page and its line are there together or not at all.
"""

import struct

import pyarrow as pa

ZSTD = pa.Codec("zstd", compression_level=3)
# Of what is compressed already: it finds little more.
FAST = pa.Codec("zstd", compression_level=-5)
# The first of the sixteen magic numbers of skippable frames; the length of the content follows.
MAGIC = 0x184D2A50
_HEAD = struct.Struct("<II")
# Bytes at the start of an object that hold nearly every line: addresses of pages are long.
START = 1 << 13


def framed(line: bytes, body: bytes, codec: pa.Codec = ZSTD) -> bytes:
    """A page with its line."""
    return _HEAD.pack(MAGIC, len(line)) + line + codec.compress(body, asbytes=True)


def line_length(start: bytes) -> int | None:
    """Bytes up to the end of the line, by the first eight; None where there is no line."""
    if len(start) < _HEAD.size:
        return None
    magic, length = _HEAD.unpack_from(start)
    return _HEAD.size + length if magic == MAGIC else None


def line_of(content: bytes) -> bytes | None:
    """The line before a page; None where there is none, or the content ends within it."""
    end = line_length(content)
    return None if end is None or len(content) < end else content[_HEAD.size : end]
