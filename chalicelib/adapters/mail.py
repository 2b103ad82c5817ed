"""Letters through Amazon SES, version 2, as messages of our own making."""

import random
import re
import time
from base64 import b64encode
from typing import Any, Final

from chalicelib.aws import Aws, AwsRefused, AwsSilent, AwsUnreachable
from chalicelib.crm.mail import Mail, MailRefused, MailSilent

# What the value of a tag may have.
UNTAGGED: Final = re.compile(r"[^A-Za-z0-9_-]")
# Seconds between tries of a letter that SES has no room for in its second: many are sent side by side.
TOO_MANY: Final = 429
PAUSES: Final = (1, 2, 4, 8)


class SesMailer:
    """Thread-safe, as its service is. `events` is the configuration set by which SES tells what became of a letter."""

    def __init__(self, ses: Aws, events: str | None = None) -> None:
        self._ses, self._events = ses, events

    def send(self, mail: Mail) -> str:
        """Send one letter, once; returns SES's id. What comes of it later names its account and delivery in tags.

        Raises MailRefused where SES surely did not take it, and MailSilent where it may have.
        """
        from chalicelib.adapters.mime import address, message, sender

        body: dict[str, Any] = {
            "FromEmailAddress": sender(mail),
            "Destination": {"ToAddresses": [address(mail.to)]},
            "Content": {"Raw": {"Data": b64encode(message(mail)).decode()}},
            "EmailTags": _tags(account=mail.account, delivery=mail.id, letter=mail.letter),
        }
        if self._events:
            body["ConfigurationSetName"] = self._events
        return str(self._answer(body)["MessageId"])

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        for pause in (*PAUSES, 0):
            try:
                return self._ses.call("/v2/email/outbound-emails", body)
            except AwsRefused as error:
                if error.status != TOO_MANY or not pause:
                    busy = error.status == TOO_MANY or error.status >= 500
                    raise MailRefused(str(error), busy=busy) from error
            except AwsUnreachable as error:
                raise MailRefused(str(error), busy=True) from error
            except AwsSilent as error:
                raise MailSilent(str(error)) from error
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last try answers or raises")


def _tags(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": UNTAGGED.sub("-", value)[:256]} for name, value in values.items()]
