"""Writes letters as `operations/deliver.py` does, and reads them as a person does."""

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from chalicelib.billing import periods
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Profile
from chalicelib.views import letters, reading
from chalicelib.views.letter_cases import Case
from chalicelib.views.letters import Words
from tests.views.conftest import NOW

LINK = "https://pay.example/b/token"
AMOUNT = re.compile(r"\$[\d,]+\.\d+")


def case(
    letter: Letter,
    account: Account,
    contact: Contact,
    subscription: Subscription | None = None,
    invoices: Sequence[Invoice] = (),
    *paid: Payment,
    **more: Any,
) -> Case:
    """What a letter is written from, of an account that says nothing of itself."""
    profile = more.pop("profile", Profile(account=account.id, id=account.id, created_at=NOW))
    to = Parties(account=account, profile=profile, contact=contact)
    made = Case(
        reader=more.pop("reader", reading.of(to)),
        parties=to,
        letter=letter,
        today=periods.local_date(NOW, account.zone),
        now=NOW,
        subscription=subscription,
        invoices=tuple(invoices),
        payment=paid[0] if paid else None,
    )
    return replace(made, **more)


def write(*args: Any, **more: Any) -> Words:
    """The letter."""
    return letters.write(case(*args, **more))


class Reader(HTMLParser):
    """What a person sees of HTML: its text on one line, its links, and the tags it was made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden, self.parts, self.tags, self.hrefs = [], [], set(), []
        self.html = ""
        self.feed(html)
        self.text = " ".join(" ".join(self.parts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        said = dict(attrs)
        if tag == "html":
            self.html = f"{said['lang']} {said['dir']}"
        if (
            tag in ("style", "title")
            or (self.hidden and tag == "div")
            or "display:none" in (said.get("style") or "")
        ):
            self.hidden.append(tag)
        self.hrefs += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        if self.hidden and self.hidden[-1] == tag:
            self.hidden.pop()

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def says(words: Words, *facts: str) -> None:
    """Each fact stands in the text and in what is seen of the HTML."""
    seen = Reader(words["html"]).text
    for fact in facts:
        assert fact in words["text"], fact
        assert " ".join(fact.split()) in seen, fact
