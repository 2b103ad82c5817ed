"""Letters through Amazon SES, version 2, as messages of our own making."""

import re
from base64 import b64encode
from typing import Any, Final

from chalicelib.aws import Aws, AwsRefused, AwsSilent, AwsUnreachable
from chalicelib.crm.mail import Mail, MailRefused, MailSilent

# What the value of a tag may have.
UNTAGGED: Final = re.compile(r"[^A-Za-z0-9_-]")


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
        try:
            answer = self._ses.call("/v2/email/outbound-emails", body)
        except (AwsRefused, AwsUnreachable) as error:
            raise MailRefused(str(error)) from error
        except AwsSilent as error:
            raise MailSilent(str(error)) from error
        return str(answer["MessageId"])


def _tags(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": UNTAGGED.sub("-", value)[:256]} for name, value in values.items()]
