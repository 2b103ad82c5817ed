"""A roaster's logo: a bean in a business's color, drawn pixel by pixel, as PNG."""

import struct
import zlib
from typing import Final

WIDTH: Final = 240
HEIGHT: Final = 80
_WHITE: Final = (255, 255, 255)


def png(color: str) -> bytes:
    """The picture in a color written #rrggbb."""
    ink = (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
    rows = b"".join(
        b"\0" + bytes(part for x in range(WIDTH) for part in _pixel(x, y, ink)) for y in range(HEIGHT)
    )
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _pixel(x: int, y: int, ink: tuple[int, int, int]) -> tuple[int, int, int]:
    """An ellipse with a bent cleft, and beside it three bars."""
    across, down = x - 50, y - 40
    bean = (across * across) * 30 * 30 + (down * down) * 44 * 44 <= (30 * 44) ** 2
    cleft = abs(across * 30 - down * down * down // 40) < 110
    bar = 110 <= x < 230 and any(top <= y < top + 10 for top in (18, 35, 52)) and x < 230 - (y // 17) * 18
    return ink if (bean and not cleft) or bar else _WHITE


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
