"""The letters the local SES took, as they came (sandbox/local_aws.py), and as a page."""

import html
import json
import urllib.request
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer; padding: .6rem 0 } small { opacity: .7 }
details { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
iframe { width: 100%; height: 34rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .4rem; background: #fff }
"""


def messages(endpoint: str, account: str = "000000000000") -> list[dict[str, Any]]:
    """What the local SES of an AWS account took, oldest first; each as it came in `Raw` (base64)."""
    with urllib.request.urlopen(f"{endpoint}/_ministack/ses/messages", timeout=30) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())["messages"].get(account, [])
    return [one | {"Raw": one["Type"]} for one in found]


def read(message: dict[str, Any]) -> EmailMessage:
    """A letter as a mail program reads it."""
    return cast(EmailMessage, message_from_bytes(b64decode(message["Raw"]), policy=default))


def delivery_of(message: dict[str, Any]) -> str:
    """The name of the delivery a letter was: its Message-ID begins with it."""
    return str(read(message)["Message-ID"]).strip("<>").partition("@")[0]


def page(endpoint: str, account: str = "000000000000") -> str:
    """Every letter, newest first, folded."""
    rows = "".join(_row(message) for message in reversed(messages(endpoint, account)))
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mailbox</title><style>{STYLE}</style><main><h1>Mailbox</h1>
<p>What Perennial wrote to buyers since this start of <code>./dev up</code>. Reload for more.</p>{rows or "<p>Nothing yet.</p>"}</main></html>"""


def _row(message: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(message["Timestamp"], UTC)
    mail = read(message)
    to, subject = html.escape(", ".join(message["To"])), html.escape(str(mail["Subject"]))
    sender = html.escape(str(mail["From"]))
    return (
        f"<details><summary><b>{subject}</b><br><small>from {sender}<br>to {to} · taken {at:%d %b %Y %H:%M} UTC, real time</small></summary>"
        f"<p>{_attached(mail)}</p>"
        f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="{subject}"'
        f' srcdoc="{html.escape(_letter(mail))}"></iframe></details>'
    )


def _letter(mail: EmailMessage) -> str:
    """The HTML with its pictures in it; its links open beside the mailbox: the pages they lead to let nobody frame them."""
    body = mail.get_body(("html", "plain"))
    text = body.get_content() if body else ""
    if body is None or body.get_content_type() == "text/plain":
        return f"<head></head><pre>{html.escape(text)}</pre>"
    for part in mail.walk():
        if part["Content-ID"]:
            text = text.replace(f"cid:{part['Content-ID'].strip('<>')}", _data(cast(EmailMessage, part)))
    return str(text).replace("<head>", '<head><base target="_blank">', 1)


def _attached(mail: EmailMessage) -> str:
    """The documents beside the letter, each to be opened."""
    return " · ".join(
        f'<a download="{html.escape(part.get_filename() or "document")}" href="{_data(part)}">'
        f"{html.escape(part.get_filename() or 'document')}</a>"
        for part in mail.iter_attachments()
    )


def _data(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    return f"data:{part.get_content_type()};base64,{b64encode(cast(bytes, content)).decode()}"
