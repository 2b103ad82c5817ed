"""Letters through Amazon SES, version 2."""

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.crm.mail import Mail, MailRefused


class SesMailer:
    """Thread-safe, as its client is."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, mail: Mail) -> str:
        """Send one letter, text and HTML; returns SES's id. Raises MailRefused where SES surely did not take it."""
        body = {
            "Text": {"Data": mail.text, "Charset": "UTF-8"},
            "Html": {"Data": mail.html, "Charset": "UTF-8"},
        }
        try:
            answer = self._client.send_email(
                FromEmailAddress=mail.sender,
                ReplyToAddresses=[mail.reply_to],
                Destination={"ToAddresses": [mail.to]},
                Content={"Simple": {"Subject": {"Data": mail.subject, "Charset": "UTF-8"}, "Body": body}},
                EmailTags=[{"Name": "delivery", "Value": mail.id}],
            )
        except (ClientError, EndpointConnectionError) as error:
            raise MailRefused(str(error)) from error
        return str(answer["MessageId"])
