"""What SES publishes of letters: bounces and complaints.

docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from datetime import datetime
from email.utils import parseaddr
from typing import Final

import msgspec
from msgspec import Struct

from chalicelib.crm.mail_told import Fate, MailTold

FOR_GOOD: Final = "Permanent"
MAX_DETAIL: Final = 500


class _Recipient(Struct, frozen=True, rename="camel"):
    email_address: str
    diagnostic_code: str = ""


class _Bounce(Struct, frozen=True, rename="camel"):
    bounce_type: str
    bounced_recipients: tuple[_Recipient, ...]
    timestamp: datetime
    bounce_sub_type: str = ""


class _Complaint(Struct, frozen=True, rename="camel"):
    complained_recipients: tuple[_Recipient, ...]
    timestamp: datetime
    complaint_feedback_type: str | None = None


class _Mail(Struct, frozen=True):
    tags: dict[str, tuple[str, ...]] = {}


class _Event(Struct, frozen=True, rename="camel"):
    mail: _Mail
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None


def read(text: str) -> MailTold | None:
    """What a message tells; None for one that tells of no letter of ours, such as SES's greeting to a new topic."""
    try:
        event = msgspec.json.decode(text, type=_Event)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    tags = {name: values[0] for name, values in event.mail.tags.items() if values}
    if "account" not in tags or "delivery" not in tags:
        return None
    if event.bounce is not None:
        return _bounced(event.bounce, tags)
    return _complained(event.complaint, tags) if event.complaint is not None else None


def _bounced(bounce: _Bounce, tags: dict[str, str]) -> MailTold:
    said = next((one.diagnostic_code for one in bounce.bounced_recipients if one.diagnostic_code), "")
    kind = f"{bounce.bounce_type} bounce, {bounce.bounce_sub_type}"
    return MailTold(
        account=tags["account"],
        delivery=tags["delivery"],
        fate=Fate.BOUNCED if bounce.bounce_type == FOR_GOOD else Fate.NOT_NOW,
        addresses=_addresses(bounce.bounced_recipients),
        detail=_line(f"{kind}: {said}" if said else kind),
        at=bounce.timestamp,
    )


def _complained(complaint: _Complaint, tags: dict[str, str]) -> MailTold:
    return MailTold(
        account=tags["account"],
        delivery=tags["delivery"],
        fate=Fate.COMPLAINED,
        addresses=_addresses(complaint.complained_recipients),
        detail=_line(f"Complaint, {complaint.complaint_feedback_type or 'no kind told'}"),
        at=complaint.timestamp,
    )


def _addresses(recipients: tuple[_Recipient, ...]) -> tuple[str, ...]:
    """Bare addresses: a recipient may be told with a name."""
    found = (parseaddr(one.email_address)[1] for one in recipients)
    return tuple(dict.fromkeys(one.lower() for one in found if one))


def _line(text: str) -> str:
    """A stranger's server wrote some of it: one line, and not all of a long one."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_DETAIL]
