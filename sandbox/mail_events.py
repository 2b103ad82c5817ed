"""What SES publishes of a letter, as its documentation shows it; the local SES publishes nothing of a configuration set.

docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

HARD, SOFT = ("Permanent", "General"), ("Transient", "MailboxFull")


def bounce(
    delivery: dict[str, Any], account: str, at: datetime, kind: tuple[str, str] = HARD, to: Sequence[str] = ()
) -> str:
    """A letter came back, for good or for now, from all its addresses or from some; `delivery` as the API shows it."""
    said = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown\r\nX: 1"}
    told = {
        "bounceType": kind[0],
        "bounceSubType": kind[1],
        "bouncedRecipients": [{"emailAddress": one, **said} for one in to or [delivery["to"]]],
        "timestamp": _stamp(at),
        "feedbackId": "0100015",
        "reportingMTA": "dsn; mta.example.com",
    }
    return _event("Bounce", delivery, account, at, bounce=told)


def complaint(delivery: dict[str, Any], account: str, at: datetime) -> str:
    """Its reader said that it is spam."""
    told = {
        "complainedRecipients": [{"emailAddress": delivery["to"]}],
        "timestamp": _stamp(at),
        "feedbackId": "0100016",
        "userAgent": "ExampleCorp Feedback Loop (V0.01)",
        "complaintFeedbackType": "abuse",
        "arrivalDate": _stamp(at),
    }
    return _event("Complaint", delivery, account, at, complaint=told)


def _event(type_: str, delivery: dict[str, Any], account: str, at: datetime, **told: Any) -> str:
    mail = {
        "timestamp": _stamp(at),
        "source": "billing@perennial.example",
        "sendingAccountId": "000000000000",
        "messageId": delivery.get("message_id") or "0100017",
        "destination": [delivery["to"]],
        "headersTruncated": False,
        "headers": [{"name": "To", "value": delivery["to"]}],
        "commonHeaders": {"to": [delivery["to"]]},
        "tags": {
            "ses:configuration-set": ["perennial-mail-events"],
            "account": [account],
            "delivery": [delivery["id"]],
            "letter": [delivery["letter"]],
        },
    }
    return json.dumps({"eventType": type_, "mail": mail, **told})


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
