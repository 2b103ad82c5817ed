"""A letter as a MIME message: text and HTML that say the same, and the documents beside them.

The headers are written here, not by `email`: strangers' words go into them as encoded words of their own, so that nothing
in a name can end a header, begin another or add an address. The body is the standard library's.
"""

import unicodedata
from base64 import b64encode
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import cast

from chalicelib.crm.mail import Mail, MailRefused

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


def _body(mail: Mail) -> EmailMessage:
    body = EmailMessage(policy=SMTP)
    body.set_content(_sound(mail.text), cte="quoted-printable")
    body.add_alternative(_sound(mail.html), subtype="html", cte="quoted-printable")
    page = body.get_body(("html",))
    for one in mail.pictures if page else ():
        kind, _, subtype = one.type.partition("/")
        cast(EmailMessage, page).add_related(
            one.data, maintype=kind, subtype=subtype, cid=f"<{_token(one.name)}>"
        )
    for one in mail.attachments:
        kind, _, subtype = one.type.partition("/")
        body.add_attachment(one.data, maintype=kind, subtype=subtype, filename=filename(one.name))
    return body


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
