"""A letter as a MIME message: text and HTML that say the same, and the documents beside them.

It is written here, not by `email`: strangers' words go into headers as encoded words of their own, so that nothing in a
name can end a header, begin another or add an address; and the library looks at a body again line by line, which costs twice
as much as all the rest of a message.
"""

import re
import unicodedata
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from email.utils import encode_rfc2231, format_datetime, parseaddr
from functools import cache
from typing import Final

from chalicelib.crm.mail import Attachment, Mail, MailRefused

ENDS: Final = re.compile(r"\r\n|\r|\n")
# What the name of a letter or picture has none of.
UNNAMED: Final = re.compile(r"[^A-Za-z0-9_.-]")
# A blank at a line's end is written out by `binascii` without a look at how long the line was: 77 where RFC 2045 has 76.
TOO_LONG: Final = re.compile(rb"=(?:20|09)(?=\r)(?:(?<=\n.{77})|(?<=\A.{77}))")
MOST_NAME = 200
MOST_PLAIN = 68
WORD_BYTES = 39
"""Of UTF-8 in one encoded word: RFC 2047 lets it have 75 characters with all around it."""
# What reorders the words around it: a name could look like another's.
REORDERS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def message(mail: Mail) -> bytes:
    """The message as it goes to the mail server. Raises MailRefused on what is no address."""
    own = sender(mail.sender)
    headers = {
        "From": f"{_phrase(mail.called)} <{own}>".lstrip(),
        "To": address(mail.to),
        "Reply-To": address(mail.reply_to),
        "Subject": encoded(mail.subject),
        "Date": format_datetime(mail.at),
        "Message-ID": f"<{_token(mail.id)}@{own.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": _token(mail.language),
        "MIME-Version": "1.0",
    }
    return _head(headers) + _body(mail)


def _head(headers: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")


def _body(mail: Mail) -> bytes:
    """Text, HTML together with the pictures it shows, and the documents beside both."""
    page = _text(mail.html, "html")
    if mail.pictures:
        page = _together("related", page, *map(_shown, mail.pictures))
    letter = _together("alternative", _text(mail.text, "plain"), page)
    return _together("mixed", letter, *map(_enclosed, mail.attachments)) if mail.attachments else letter


def _together(kind: str, *parts: bytes) -> bytes:
    """Parts as one; no line of quoted-printable or base64 can be such a boundary."""
    begins = f"--=_{kind}".encode()
    within = b"".join(b"%b\r\n%b\r\n" % (begins, part) for part in parts)
    return _part({"Content-Type": f'multipart/{kind}; boundary="=_{kind}"'}, b"%b%b--\r\n" % (within, begins))


def _part(headers: dict[str, str], body: bytes) -> bytes:
    return _head(headers) + b"\r\n" + body


def _text(words: str, subtype: str) -> bytes:
    """Words, quoted-printable by the C of `binascii`."""
    ended = words if words.endswith(("\r", "\n")) else words + "\n"
    lines = ENDS.sub("\r\n", _sound(ended))
    headers = {
        "Content-Type": f'text/{subtype}; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    return _part(headers, TOO_LONG.sub(rb"=\r\n\g<0>", b2a_qp(lines.encode())))


def _shown(one: Attachment) -> bytes:
    return _file(one, {"Content-Disposition": "inline", "Content-ID": f"<{_token(one.name)}>"})


def _enclosed(one: Attachment) -> bytes:
    name = filename(one.name)
    said = f'="{name}"' if name.isascii() else f"*={encode_rfc2231(name, 'utf-8', '')}"
    return _file(one, {"Content-Disposition": f"attachment; filename{said}"})


def _file(one: Attachment, headers: dict[str, str]) -> bytes:
    headers = {"Content-Type": one.type, "Content-Transfer-Encoding": "base64"} | headers
    return _part(headers, encodebytes(one.data).replace(b"\n", b"\r\n"))


@cache
def sender(configured: str) -> str:
    """The address that sends for all accounts, without the name it is configured with. Raises MailRefused."""
    return address(parseaddr(configured)[1])


def address(text: str) -> str:
    """An address as it stands in a header and in an envelope: its domain in ASCII. Raises MailRefused."""
    local, at, domain = text.strip().rpartition("@")
    try:
        ascii_ = f"{local}@{domain.encode('idna').decode()}"
        ascii_.encode("ascii")
    except UnicodeError as error:
        raise MailRefused(f"{text[:80]!r} is no address a mail server takes.") from error
    if not at or not local or not domain or any(one in ascii_ for one in ' \t\r\n<>,;:"()[]\\\0'):
        raise MailRefused(f"{text[:80]!r} is no address a mail server takes.")
    return ascii_


def encoded(text: str) -> str:
    """Words for a header, on one line or folded: as they are where they are plain, else as encoded words (RFC 2047)."""
    words = line(text)
    return words if _plain(words) and len(words) <= MOST_PLAIN else _encoded(words)


def _plain(words: str) -> bool:
    return words.isascii() and "=?" not in words


def _encoded(words: str) -> str:
    return "\r\n ".join(f"=?utf-8?b?{b64encode(part).decode()}?=" for part in _parts(words))


def line(text: str) -> str:
    """A stranger's words on one line: no control characters, no line ends, nothing that turns the line about."""
    plain = (
        " " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
        for one in _sound(text)
        if one not in REORDERS
    )
    return " ".join("".join(plain).split())


def filename(text: str) -> str:
    """The name of a document for whoever saves it: no folder, nothing hidden."""
    plain = "".join(one if one.isalnum() or one in "-_. " else "-" for one in line(text))
    return plain.strip(". ")[:100] or "document.pdf"


def _phrase(text: str) -> str:
    """A display name: quoted, or encoded, so that no comma or bracket of it separates anything."""
    words = line(text)[:MOST_NAME]
    if not words:
        return ""
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if _plain(words) else _encoded(words)


def _parts(words: str) -> list[bytes]:
    """UTF-8 of at most so many bytes each, none in the middle of a character."""
    parts = [b""]
    for one in words:
        piece = one.encode()
        if len(parts[-1]) + len(piece) > WORD_BYTES:
            parts.append(b"")
        parts[-1] += piece
    return parts


def _sound(text: str) -> str:
    """Without halves of surrogate pairs, which no encoding takes."""
    return text.encode("utf-8", "replace").decode()


def _token(text: str) -> str:
    return UNNAMED.sub("-", text)
