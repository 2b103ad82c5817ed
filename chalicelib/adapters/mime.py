"""A letter as a MIME message: text and HTML that say the same, and the documents beside them.

The headers are written here, not by `email`: strangers' words go into them as encoded words of their own, so that nothing
in a name can end a header, begin another or add an address. The body is the standard library's.
"""

import re
import unicodedata
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime, parseaddr
from typing import Final

from chalicelib.crm.mail import Attachment, Mail, MailRefused

LINES: Final = compat32.clone(linesep="\r\n")
ENDS: Final = re.compile(r"\r\n|\r|\n")
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
    own = sender(mail)
    headers = (
        ("From", f"{_phrase(mail.called)} <{own}>".lstrip()),
        ("To", address(mail.to)),
        ("Reply-To", address(mail.reply_to)),
        ("Subject", encoded(mail.subject)),
        ("Date", format_datetime(mail.at)),
        ("Message-ID", f"<{_token(mail.id)}@{own.rpartition('@')[2]}>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Content-Language", _token(mail.language)),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("ascii") + _body(mail).as_bytes()


def _body(mail: Mail) -> Message:
    """Text, HTML together with the pictures it shows, and the documents beside both."""
    page = _text(mail.html, "html")
    if mail.pictures:
        page = _together("related", page, *map(_shown, mail.pictures))
    letter = _together("alternative", _text(mail.text, "plain"), page)
    return _together("mixed", letter, *map(_enclosed, mail.attachments)) if mail.attachments else letter


def _together(kind: str, *parts: Message) -> Message:
    """Parts as one; no line of quoted-printable or base64 can be such a boundary."""
    return MIMEMultipart(kind, f"=_{kind}", parts, policy=LINES)


def _text(words: str, subtype: str) -> Message:
    """Words, quoted-printable by the C of `binascii`: the library's own way is most of what a letter costs."""
    ended = words if words.endswith(("\r", "\n")) else words + "\n"
    lines = ENDS.sub("\r\n", _sound(ended))
    part = MIMENonMultipart("text", subtype, charset="utf-8", policy=LINES)
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(TOO_LONG.sub(rb"=\r\n\g<0>", b2a_qp(lines.encode())).decode("ascii"))
    return part


def _shown(one: Attachment) -> Message:
    part = _file(one)
    part["Content-Disposition"] = "inline"
    part["Content-ID"] = f"<{_token(one.name)}>"
    return part


def _enclosed(one: Attachment) -> Message:
    part = _file(one)
    name = filename(one.name)
    part.add_header(
        "Content-Disposition", "attachment", filename=name if name.isascii() else ("utf-8", "", name)
    )
    return part


def _file(one: Attachment) -> Message:
    part = MIMENonMultipart(*one.type.split("/"), policy=LINES)
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(encodebytes(one.data).decode("ascii"))
    return part


def sender(mail: Mail) -> str:
    """The address that sends for all accounts, without the name it is configured with. Raises MailRefused."""
    return address(parseaddr(mail.sender)[1])


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
    return "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else "-" for one in text)
