"""Pictures that a business shows of itself: PNG and JPEG, which letters and documents both can show.

Not SVG: mail programs do not show it, and it may hold scripts and addresses of its own.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from chalicelib.billing.errors import Invalid

LARGEST: Final = 180 * 1024
"""Bytes: with base64 around it what a request may have."""
WIDEST: Final = 2400
"""Pixels of a side: more would only be made smaller again, with a lot of memory."""
UNPACKED: Final = 1024 * 1024
"""Bytes of a color profile, which is packed in a PNG and could become a thousand times as much."""
TYPES: Final = {"png": "image/png", "jpg": "image/jpeg"}
"""By the ending of a picture's name."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
# Markers of JPEG that begin a frame, with its size; C4, C8 and CC are tables.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def ending(data: bytes, param: str) -> str:
    """What kind of picture it is, told from its bytes. Raises Invalid on one that is too large, or of another kind."""
    if len(data) > LARGEST:
        detail = f"A logo has at most {LARGEST} bytes; this one has {len(data)}. Save it smaller."
        raise Invalid("picture_too_large", detail, param)
    kind, size = "", None
    if data.startswith(_PNG):
        kind, size = "png", _size_of_png(data)
    elif data.startswith(_JPEG):
        kind, size = "jpg", _size_of_jpeg(data)
    if size is None:
        raise Invalid("picture_unknown", "Send a PNG or a JPEG, as base64.", param)
    if not all(1 <= side <= WIDEST for side in size):
        detail = f"A logo has at most {WIDEST} pixels each way; this one has {size[0]} × {size[1]}."
        raise Invalid("picture_too_large", detail, param)
    if kind == "png" and any(_unpacks_large(profile) for profile in _profiles(data)):
        detail = f"Its color profile has more than {UNPACKED} bytes; save it without one."
        raise Invalid("picture_too_large", detail, param)
    return kind


def _profiles(data: bytes) -> Iterator[bytes]:
    """The color profiles of a PNG as they are packed, behind their names."""
    at = len(_PNG)
    while at + 12 <= len(data):
        length, name = struct.unpack(">L4s", data[at : at + 8])
        if name == b"iCCP":
            yield data[at + 8 : at + 8 + length].partition(b"\0")[2][1:]
        at += 12 + length


def _unpacks_large(packed: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(packed, UNPACKED + 1)) > UNPACKED
    except zlib.error:
        return False  # whoever sets it looks past it, or refuses it


def _size_of_png(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width, height = struct.unpack(">LL", data[16:24])
    return width, height


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    """From the frame, which stands behind segments that say how long they are."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
