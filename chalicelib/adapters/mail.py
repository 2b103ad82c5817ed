"""Letters through Amazon SES, version 2."""

from chalicelib.aws import Aws, AwsRefused, AwsSilent, AwsUnreachable
from chalicelib.crm.mail import Mail, MailRefused, MailSilent


class SesMailer:
    """Thread-safe, as its service is."""

    def __init__(self, ses: Aws) -> None:
        self._ses = ses

    def send(self, mail: Mail) -> str:
        """Send one letter, text and HTML, once; returns SES's id.

        Raises MailRefused where SES surely did not take it, and MailSilent where it may have.
        """
        body = {"Text": _words(mail.text), "Html": _words(mail.html)}
        try:
            answer = self._ses.call(
                "/v2/email/outbound-emails",
                {
                    "FromEmailAddress": mail.sender,
                    "ReplyToAddresses": [mail.reply_to],
                    "Destination": {"ToAddresses": [mail.to]},
                    "Content": {"Simple": {"Subject": _words(mail.subject), "Body": body}},
                },
            )
        except (AwsRefused, AwsUnreachable) as error:
            raise MailRefused(str(error)) from error
        except AwsSilent as error:
            raise MailSilent(str(error)) from error
        return str(answer["MessageId"])


def _words(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
