"""A letter ready to be sent, and what a mail server may answer."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from chalicelib.billing.errors import PerennialError


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document beside a letter; `type` is its media type."""

    name: str
    type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A letter ready to be sent; `id` is its delivery's name, which feedback about it names too.

    `sender` is the address that sends for all accounts, `called` whose letter it is. Names and subject may be strangers'
    words of any kind: who makes the message keeps them on their lines. `pictures` stand in the HTML, as `cid:` and their names.
    """

    id: str
    account: str
    letter: str
    to: str
    sender: str
    called: str
    reply_to: str
    subject: str
    text: str
    html: str
    at: datetime
    language: str = "en"
    attachments: tuple[Attachment, ...] = ()
    pictures: tuple[Attachment, ...] = ()


class MailRefused(PerennialError):
    """The mail server surely did not take the letter; `busy` says that it might as well be another one: it is away, or has too much to do."""

    def __init__(self, detail: str, *, busy: bool = False) -> None:
        super().__init__("mail_refused", detail)
        self.busy = busy


class MailSilent(PerennialError):
    """The letter was sent and the mail server did not answer: it may have been taken."""

    def __init__(self, detail: str) -> None:
        super().__init__("mail_silent", detail)


class Mailer(Protocol):
    """Hands letters to a mail server; thread-safe."""

    def send(self, mail: Mail) -> str:
        """Send one and return the server's id of it. Raises MailRefused where it surely was not taken, MailSilent where it may have been."""
