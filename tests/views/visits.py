"""A buyer visits their page: what is asked, what they read there, and what stands beside it in the table."""

import re
from html import unescape

from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from chalicelib.web import buyer_answers
from chalicelib.web.buyer_pages import Answer


def page(service: Service, token: str, **query: str) -> Answer:
    return buyer_answers.look(service, token, query)


def press(
    service: Service,
    token: str,
    act: str = "pay",
    body: bytes | None = None,
    *,
    form: str = "",
    **headers: str,
) -> Answer:
    sent = {"content-type": "application/x-www-form-urlencoded"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return buyer_answers.press(service, token, act, sent, f"form={form}".encode() if body is None else body)


def seen(html: str) -> str:
    """What a person reads of a page, on one line."""
    body = re.sub("<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", body)).split())


def owed_on(answer: Answer) -> str:
    assert answer.status == 200
    return seen(answer.html)


def put(service: Service, *records) -> None:
    """Write records beside those there are."""
    changes = Changeset("acct_1")
    changes.put(*records)
    service.store.commit(changes)
