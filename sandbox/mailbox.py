"""The letters the local SES took, as a page."""

import html
import json
import urllib.request
from datetime import UTC, datetime
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer; padding: .6rem 0 } small { opacity: .7 }
details { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
iframe { width: 100%; height: 34rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .4rem; background: #fff }
"""


def messages(endpoint: str, account: str = "000000000000") -> list[dict[str, Any]]:
    """What the local SES of an AWS account took, oldest first."""
    with urllib.request.urlopen(f"{endpoint}/_ministack/ses/messages", timeout=30) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())["messages"].get(account, [])
    return found


def page(endpoint: str, account: str = "000000000000") -> str:
    """Every letter, newest first, folded."""
    rows = "".join(_row(message) for message in reversed(messages(endpoint, account)))
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mailbox</title><style>{STYLE}</style><main><h1>Mailbox</h1>
<p>What Perennial wrote to buyers since this start of <code>./dev up</code>. Reload for more.</p>{rows or "<p>Nothing yet.</p>"}</main></html>"""


def _row(message: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(message["Timestamp"], UTC)
    to, subject = html.escape(", ".join(message["To"])), html.escape(message["Subject"])
    # A letter's links open beside the mailbox: the pages they lead to let nobody frame them.
    letter = message.get("BodyHtml") or f"<head></head><pre>{html.escape(message.get('BodyText', ''))}</pre>"
    letter = letter.replace("<head>", '<head><base target="_blank">', 1)
    return (
        f"<details><summary><b>{subject}</b><br><small>to {to} · taken {at:%d %b %Y %H:%M} UTC, real time</small></summary>"
        f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="{subject}"'
        f' srcdoc="{html.escape(letter)}"></iframe></details>'
    )
