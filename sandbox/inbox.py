"""The webhooks that came to this machine's own endpoint, as a page."""

import html
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sandbox.endpoint import Came
from sandbox.mailbox import STYLE

SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
PLAIN = "pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem }"


def page(came: Sequence[Came], url: str) -> str:
    """Every request, newest first, folded: its event, what signs it, and its body."""
    rows = "".join(map(_row, reversed(came)))
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Webhooks</title><style>{STYLE}{PLAIN}</style><main><h1>Webhooks</h1>
<p>What came to <code>{html.escape(url)}</code> since this start of <code>./dev up</code>. Reload for more.</p>{rows or "<p>Nothing yet.</p>"}</main></html>"""


def _row(one: Came) -> str:
    event = one.event
    about = f"{event.get('subject', '')} · sent {_at(one)} · answered {one.status}"
    headers = "\n".join(f"{name}: {one.headers.get(name, '')}" for name in SIGNED)
    body = json.dumps(event, indent=2, ensure_ascii=False)
    return (
        f"<details><summary><b>{html.escape(str(event.get('type', '')))}</b><br><small>{html.escape(about)}</small></summary>"
        f"<pre>{html.escape(headers)}</pre><pre>{html.escape(body)}</pre></details>"
    )


def _at(one: Came) -> str:
    """When it was signed, by its header."""
    said = one.headers.get("webhook-timestamp", "")
    return (
        f"{datetime.fromtimestamp(int(said), UTC):%d %b %Y %H:%M:%S} UTC" if said.isdigit() else "at no time"
    )
