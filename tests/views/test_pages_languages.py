"""Every page in every state it knows, in every language: nothing of it is English, and no amount is another."""

# ruff: noqa: RUF001 - other scripts are what it is about

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from html import unescape

import pytest

from chalicelib.billing import errors
from chalicelib.billing.errors import WrongState
from chalicelib.billing.instalments import Instalment
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Origin, PaymentStatus
from chalicelib.billing.receipts import LABELS
from chalicelib.billing.refunds import RefundStatus
from chalicelib.billing.statuses import Status
from chalicelib.crm.parties import LANGUAGES
from chalicelib.views import dues, forms, invoice_page, owed_page, pages, payment_page
from chalicelib.views.cases import Case
from chalicelib.views.catalogs import Text, catalog
from chalicelib.views.pages import Page
from chalicelib.views.reading import AMERICAN, Reader
from chalicelib.web import buyer_answers, buyer_pages
from tests.browser.shelf import (
    FIRST,
    NOW,
    SENT,
    TODAY,
    VISA,
    Shelf,
    credited,
    given_back,
    in_parts,
    sent,
    shelf,
)

OTHERS = [language for language in LANGUAGES if language != "en"]
STRANGE = re.compile(
    r"Harbour Coffee Roasters|hello@harbour\.example|Ada Lovelace|Coffee for the office|Just one more cup|"
    r"1 kg of the house blend, whole beans, roasted on the day it is sent|Grinder care|VAT|Welcome back|Visa|SEPA|"
    r"The tablets came late|Stripe|(INV|CN)-[0-9]+|p(ay|i)_\w+"
)
"""What a business wrote, and names that are the same everywhere."""


def on(**more) -> Shelf:
    return shelf(None, "shelf", **more)  # type: ignore[arg-type]


def case(here: Shelf, *invoices, reader: Reader, **more) -> Case:
    """What the table would say."""
    payments = {one.id: one for one in more.pop("payments", ())}
    return Case(
        account=here.account,
        subscription=here.subscription,
        today=TODAY,
        contact=here.contact,
        invoices=invoices,
        payments=payments,
        reader=reader,
        **more,
    )


def invoice_pages(reader: Reader) -> Iterator[Page]:
    """An invoice in each state."""
    here = on(collection=SENT, method=None)
    for due_on in (date(2026, 1, 15), TODAY, date(2025, 12, 20)):
        yield invoice_page.invoice(case(here, sent(here, due_on), reader=reader))
    for second_on in (date(2026, 1, 15), date(2025, 12, 31)):
        one = in_parts(here, second_on)
        parts = one.instalments
        for paid in (0, 1, parts[0].amount.amount + 1):
            some = replace(one, amount_paid=Money(paid, "eur"))
            yield invoice_page.invoice(case(here, some, reader=reader))
    whole = replace(sent(here), instalments=(Instalment(on=TODAY, amount=sent(here).total),))
    yield invoice_page.invoice(case(here, whole, reader=reader))
    one, note = credited(here)
    to_balance = replace(note, to_balance=Money(300, "eur"))
    yield invoice_page.invoice(case(here, one, reader=reader, notes=(note, to_balance)))
    offline = replace(here.subscription, collection=replace(SENT, online=False))
    yield invoice_page.invoice(replace(case(here, sent(here), reader=reader), subscription=offline))
    here.contact = replace(here.contact, balances=(Money(700, "eur"),))
    yield invoice_page.invoice(case(here, sent(here), reader=reader))
    here.contact = replace(here.contact, balances=(Money(10**6, "eur"),))
    yield invoice_page.invoice(case(here, sent(here), reader=reader))
    first = on(collection=FIRST, method=None, cycle=1)
    yield invoice_page.invoice(case(first, sent(first), reader=reader))
    here = on()
    one = here.invoice()
    for other in (one, one.voided(TODAY), replace(one, attempt_at=NOW), one.left_open()):
        yield invoice_page.invoice(case(here, other, reader=reader))
    paid, payment, _ = given_back(here)
    yield invoice_page.invoice(case(here, paid, reader=reader, payments=(payment,)))
    closed = replace(one, status=type(one.status).UNCOLLECTIBLE)
    yield invoice_page.invoice(case(here, closed, reader=reader))
    yield invoice_page.invoice(case(here, one.reserved("pay_unknown"), reader=reader))
    for status in PaymentStatus:
        held = here.payment(one, status=status)
        yield invoice_page.invoice(case(here, one.reserved(held.id), reader=reader, payments=(held,)))
    tried = replace(one, attempts=1, failed_at=NOW, attempt_at=NOW + timedelta(days=1))
    for code in (*dues.REASONS, "stolen_card"):
        declined = here.payment(one, status=PaymentStatus.DECLINED, decline_code=code)
        yield invoice_page.invoice(case(here, tried, reader=reader, payments=(declined,)))


def subscription_pages(reader: Reader) -> Iterator[Page]:
    """What is owed, and the method, in each state."""
    for status in Status:
        for more in ({}, {"method": None}, {"method": replace(VISA, refused=True)}, {"collection": SENT}):
            here = on(status=status, **more)
            one = here.invoice()
            two = here.invoice("INV-000018", cycle=1)
            waits = here.payment(one, status=PaymentStatus.ACTION_REQUIRED)
            busy = here.payment(one, status=PaymentStatus.PROCESSING)
            for of in (
                case(here, reader=reader),
                case(here, one, two, reader=reader),
                case(here, sent(here, date(2025, 12, 20)), reader=reader),
                case(here, one.reserved(waits.id), two, reader=reader, payments=(waits,)),
                case(here, one.reserved(busy.id), reader=reader, payments=(busy,)),
            ):
                yield owed_page.owed(of)
                yield owed_page.method(of)
    here = on(record_only=True)
    yield owed_page.owed(case(here, here.invoice(), reader=reader))


def payment_pages(reader: Reader) -> Iterator[Page]:
    """A payment in each state, with and without something owed."""
    here = on()
    one = here.invoice()
    two = here.invoice("INV-000018", cycle=1)
    for status in PaymentStatus:
        for origin in (Origin.SCHEDULE, Origin.HAND):
            payment = here.payment(one, two, status=status, origin=origin, decline_code="expired_card")
            for invoices in ((one, two), (one.reserved(payment.id), two), ()):
                for back in (False, True):
                    of = case(here, *invoices, reader=reader, payments=(payment,))
                    yield payment_page.payment(of, payment, back=back)
    paid, payment, refunds = given_back(here)
    on_its_way = replace(refunds[0], status=RefundStatus.PENDING)
    of = case(here, paid, reader=reader, payments=(payment,), refunds=(*refunds, on_its_way))
    yield payment_page.payment(of, payment)
    yield payment_page.payment(of, replace(payment, method_label="", received_on=TODAY))
    yield payment_page.payment(of, payment.disputed("dp_1", payment.amount))
    for type_, label in LABELS.items():
        came = replace(payment, method_label=label, method_type=type_.value, origin=Origin.HAND)
        of = case(here, paid, reader=reader, payments=(came,), refunds=refunds)
        yield payment_page.payment(of, came)
        yield invoice_page.invoice(of)


def noted_pages(reader: Reader) -> Iterator[Page]:
    """With what became of a press of a button, or of a way to Stripe's page."""
    here = on()
    one = here.invoice()
    owing = case(here, one, reader=reader)
    shown, bare = owed_page.owed(owing), invoice_page.invoice(case(here, one.voided(TODAY), reader=reader))
    for code in (*buyer_pages._SAID, "another"):
        for page in (shown, bare):
            yield replace(page, note=buyer_pages.why(WrongState(code, "…", "form"), page))
    for error in (
        forms.FormInvalid(),
        forms.FormExpired(),
        forms.FormOutdated(),
        errors.Invalid("x", "…", "y"),
    ):
        for page in (shown, bare):
            yield replace(page, note=buyer_pages.why(error, page))
    after = case(here, reader=reader)
    for left in (True, False):
        yield owed_page.owed(after, buyer_answers._of_method(owing, after, left=left))


def told(page: Page) -> str:
    """A page as it is sent, without its style and how the amounts came to be, which is in English and says so."""
    html = pages.html(page, action=lambda act: act.name, form=lambda act: "", href=lambda door: "")
    assert f'<html lang="{page.reader.language}"' in html
    html = re.sub(r'<dl class="because">.*?</dl>|<style>.*?</style>', "", html, flags=re.DOTALL)
    return unescape(re.sub("<[^>]+>", " ", html))


def closed_pages(reader: Reader) -> Iterator[str]:
    """Those about nobody."""
    for name in ("expired", "unknown", "later", "refused"):
        yield unescape(re.sub("<style>.*?</style>|<[^>]+>", " ", pages.closed(name, reader), flags=re.DOTALL))
    step = pages.closed("step", reader, "https://x.example/", host="x.example")
    yield unescape(re.sub("<style>.*?</style>|<[^>]+>", " ", step, flags=re.DOTALL)).replace("x.example", "")


@cache
def all_of(reader: Reader) -> list[str]:
    """Every page in every state, in words."""
    makers: tuple[Callable[[Reader], Iterator[Page]], ...] = (
        invoice_pages,
        subscription_pages,
        payment_pages,
        noted_pages,
    )
    return [told(page) for make in makers for page in make(reader)] + list(closed_pages(reader))


def words(text: str) -> set[str]:
    """What is written of a page by us, word by word."""
    return set(re.findall(r"[^\W\d_]{2,}", STRANGE.sub(" ", text).lower()))


def numbers(text: str) -> list[str]:
    """The digits of amounts, years and numbers, however they are written: those of three and more."""
    found = re.findall(r"\d+(?:[.,'’٬٫ \u00a0\u202f]\d+)*", text)
    digits = ("".join(str(int(one)) for one in number if one.isdecimal()) for number in found)
    return sorted(number for number in digits if len(number) >= 3)


@pytest.mark.parametrize("language", OTHERS)
def test_no_word_of_a_page_stays_english(language: str):
    """What of an English page another language has too is in that one's catalog, or the name of a month or country."""
    reader = Reader(language=language, locale=language)
    own = words(" ".join(_catalog(language)))
    for n, (here, there) in enumerate(zip(all_of(AMERICAN), all_of(reader), strict=True)):
        assert words(here) & words(there) - own - MONTHS <= set(), (n, there)


@pytest.mark.parametrize("language", OTHERS)
def test_a_page_has_the_same_amounts_in_every_language(language: str):
    """However they are set, and whatever the order."""
    for here, there in zip(all_of(AMERICAN), all_of(Reader(language=language, locale=language)), strict=True):
        assert numbers(here) == numbers(there), there


def test_every_text_of_a_page_is_on_one(monkeypatch: pytest.MonkeyPatch):
    """The states above are all there are: no text of the catalog is left unsaid, but what only other methods say."""
    said: set[str] = set()
    word, count_, around = Reader.word, Reader.count, Reader.around
    monkeypatch.setattr(Reader, "word", lambda self, key, **of: said.add(key) or word(self, key, **of))
    monkeypatch.setattr(
        Reader, "count", lambda self, key, n, **of: said.add(key) or count_(self, key, n, **of)
    )
    monkeypatch.setattr(Reader, "around", lambda self, key: said.add(key) or around(self, key))
    all_of.__wrapped__(AMERICAN)
    texts = {key for key in catalog("en") if key.startswith("page.")}
    assert texts - said == {"page.way.us_bank_account", "page.way.bacs_debit", "page.way.acss_debit"}


MONTHS = {
    word.lower()
    for month in range(1, 13)
    for word in re.findall(r"[^\W\d_]{2,}", AMERICAN.day(date(2026, month, 1)))
}
"""Some are called the same in two languages; how days are written is held in test_reading."""


def _catalog(language: str) -> Iterator[str]:
    for entry in catalog(language).values():
        for text in [entry] if isinstance(entry, Text) else entry.values():
            yield " ".join(text.parts[::2])
