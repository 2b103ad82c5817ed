"""Pages for buyers: plain HTML that needs no script.

A page is put together in words first (`Page`), then set; what can be done on it is part of it, so that what a form
asks for is held against the very page that is shown.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from urllib.parse import quote

from chalicelib.billing import explain
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.accounts import Account
from chalicelib.views import formats
from chalicelib.views.bills import Bill
from chalicelib.views.links import Purpose
from chalicelib.views.reading import AMERICAN, Reader
from chalicelib.views.render import fill

Because = tuple[tuple[str, str], ...]


class Tone(StrEnum):
    """How something stands: done, under way, or to be seen to."""

    GOOD = "good"
    WAIT = "wait"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a buyer must know first."""

    tone: Tone
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a button does: `name` is the end of the form's address, `of` the ids of the records it is done to.

    `keeps` asks whether the method is kept for later charges, its value whether it is ticked at first. One that is
    `quiet` is there for whoever looks for it.
    """

    name: str
    label: str
    of: tuple[str, ...]
    amount: str = ""
    told: str = ""
    keeps: bool | None = None
    kept_for: str = ""
    quiet: bool = False

    @property
    def shown(self) -> str:
        """All that pressing the button means: a form is good for this alone."""
        return " ".join((self.name, self.amount, *self.of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A link to another page: what it opens, and of which record; `end` is what follows its address."""

    purpose: Purpose
    id: str
    label: str
    end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One of a list: what it is, its amount, more about it, where it leads, how it came to be."""

    name: str
    amount: str
    told: tuple[str, ...] = ()
    door: Door | None = None
    because: Because = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Rows under a heading."""

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page in words. The first act is the one most buyers came for; `later` lists come after the bills."""

    reader: Reader
    business: str
    email: str
    mailto: str
    title: str
    amount: str = ""
    under: str = ""
    note: Note | None = None
    acts: tuple[Act, ...] = ()
    listings: tuple[Listing, ...] = ()
    bills: tuple[Bill, ...] = ()
    because: Because = ()
    later: tuple[Listing, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    doors: tuple[Door, ...] = ()

    def act(self, name: str) -> Act | None:
        """What may be done under a name, if it may."""
        return next((act for act in self.acts if act.name == name), None)


def of(account: Account, reader: Reader, **parts: object) -> Page:
    """A page of a business, for a reader."""
    return Page(
        reader=reader,
        business=formats.name(account.name),
        email=formats.name(account.email),
        mailto=f"mailto:{quote(account.email, safe='@')}",
        **parts,  # type: ignore[arg-type]
    )


def html(
    page: Page, *, action: Callable[[Act], str], form: Callable[[Act], str], href: Callable[[Door], str]
) -> str:
    """A page as it is sent; the callables give an act's address and token, and the address of a door."""
    shown = {"page": page, "reader": page.reader, "action": action, "form": form, "href": href}
    return fill("page.html", shown)


def closed(name: str, reader: Reader = AMERICAN, href: str = "", **values: str) -> str:
    """A page that is about nobody: what is the matter (`page.closed.` in the catalogs), what to do, and perhaps where to go."""
    shown = {
        "reader": reader,
        "title": reader.word(f"page.closed.{name}"),
        "advice": reader.word(f"page.closed.{name}_told", **values),
        "href": href,
        "label": reader.word(f"page.closed.{name}_button") if href else "",
    }
    return fill("closed.html", shown)


@cache
def style_source() -> str:
    """The pages' one style sheet as a Content-Security-Policy names it."""
    digest = hashlib.sha256(fill("page.css", {}).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def because(invoice: Invoice, reader: Reader) -> Because:
    """Each line, discount and tax of an invoice, then the whole: what it is, and a sentence on its amount (in English)."""
    told = explain.explained(invoice)
    sentences = [
        *((line.name, line.sentence) for line in told.lines),
        *((discount.name, discount.sentence) for discount in told.discounts),
        *((tax.name, tax.sentence) for tax in told.taxes),
        (reader.word("bill.to_pay"), told.sentence),
    ]
    return tuple((formats.name(name), formats.name(sentence)) for name, sentence in sentences)


def filled(*listings: Listing) -> tuple[Listing, ...]:
    """The lists that have rows."""
    return tuple(listing for listing in listings if listing.rows)


def known(facts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The facts that say something."""
    return tuple((label, value) for label, value in facts if value)
