"""The page behind a letter's link."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from chalice import Chalice
from chalice.test import Client

from chalicelib.billing import invoices
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.service import Service
from chalicelib.settings import read
from chalicelib.store import table
from chalicelib.store.changes import Changeset
from chalicelib.store.store import Store
from chalicelib.views import links, render
from chalicelib.web import buyer
from sandbox.world import environment


@pytest.fixture
def now(subscription: Subscription) -> datetime:
    return subscription.created_at


@pytest.fixture
def service(quick_aws: dict[str, str], now: datetime) -> Service:
    """A service that has a store and a clock: the page needs nothing else."""
    settings = read(environment(quick_aws, "http://127.0.0.1:9", None))
    table.create(settings)
    store = Store(table.Classic(settings), settings.table, settings.wake_shards)
    return Service(
        settings=settings, store=store, gateway=None, mailer=None, queue=None, real=lambda: now, new_id=str
    )


@pytest.fixture
def keep(service: Service, account: Account):
    """Writes records beside the account, and returns the token of the subscription's link."""

    def write(*records) -> str:
        changes = Changeset("acct_1")
        changes.put(account, *records)
        service.store.commit(changes)
        return links.sign(service.settings, "acct_1", "sub_1", service.real())

    return write


def seen(html: str) -> str:
    """What a person reads of a page, on one line."""
    body = re.sub("<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", body)).split())


def owed_on(page: tuple[int, str, object]) -> str:
    status, html, _ = page
    assert status == 200
    return seen(html)


def test_the_page_shows_each_invoice_that_is_owed(
    service: Service, keep, subscription: Subscription, invoice: Invoice, now: datetime
):
    """Number, date, amount and next attempt of every invoice, their sum, the business, and how to pay."""
    second = invoices.invoice_of(subscription.renewed(), "INV-000009", now)
    past_due = replace(subscription, cycle=2, arrears=(invoice.id,))
    tried = replace(invoice, attempt_at=now + timedelta(days=1))
    under_way = replace(second, payment="pay_unknown")
    text = owed_on(buyer.page(service, keep(past_due, tried, under_way)))
    for fact in (
        "Harbour Coffee",
        "To be paid $2,510.00",
        "INV-000001 $1,255.00 Issued on 31 January 2026 for 31 January – 27 February 2026",
        "Will be asked for on 1 February 2026 with Visa •••• 4242.",
        "INV-000009 $1,255.00",
        "A payment is under way; your bank has not answered yet.",
        "Office coffee",
        "reply to the letter that brought you here",
        "hello@harbour.example",
    ):
        assert fact in text


def test_the_page_tells_who_must_act(
    service: Service, keep, subscription: Subscription, invoice: Invoice, payment: Payment
):
    """A payment that waits for the buyer's confirmation is told apart from one that waits for the bank."""
    waiting = replace(payment, status=PaymentStatus.ACTION_REQUIRED, settled_at=None)
    reserved = replace(invoice, payment=payment.id)
    token = keep(replace(subscription, cycle=1), reserved, waiting)
    assert "Your bank wants you to confirm the payment." in owed_on(buyer.page(service, token))


def test_a_refused_card_is_not_promised_to_be_charged(
    service: Service, keep, subscription: Subscription, invoice: Invoice, now: datetime
):
    """After a hard decline the page names no day, though the invoice still has one."""
    refused = replace(subscription, cycle=1, method=replace(subscription.method, refused=True))
    tried = replace(invoice, attempt_at=now + timedelta(days=7))
    text = owed_on(buyer.page(service, keep(refused, tried)))
    assert "Will not be asked for until you give another payment method." in text
    assert "Visa •••• 4242 (refused)" in text


def test_a_paid_subscription_owes_nothing(
    service: Service, keep, subscription: Subscription, invoice: Invoice, now: datetime
):
    """When all is paid the page says so, also before the first invoice."""
    paid = invoice.reserved("pay_1").paid("pay_1", invoice.total, now)
    token = keep(replace(subscription, cycle=1), paid)
    assert "Nothing is owed $0.00" in owed_on(buyer.page(service, token))
    assert "INV-" not in owed_on(buyer.page(service, token))


def test_an_expired_link_is_gone_and_tells_nothing(
    service: Service, keep, subscription: Subscription, now: datetime
):
    """After 30 days the answer is 410, the same for every link."""
    keep(subscription)
    old = links.sign(service.settings, "acct_1", "sub_1", now - links.LIVES)
    other = links.sign(service.settings, "acct_9", "sub_9", now - links.LIVES)
    status, html, _ = buyer.page(service, old)
    assert status == 410
    assert html == buyer.page(service, other)[1]
    assert "Harbour" not in html


def test_a_forged_link_and_one_to_nothing_look_the_same(
    service: Service, keep, subscription: Subscription, now: datetime
):
    """Nonsense, and a signed link to a subscription that is not there, both answer 404 with the same page."""
    token = keep(subscription)
    forged = buyer.page(service, token[:-4] + "AAAA")
    gone = buyer.page(service, links.sign(service.settings, "acct_2", "sub_1", now))
    assert forged[0] == gone[0] == 404
    assert forged[1] == gone[1] == buyer.page(service, "nonsense")[1]


def test_hostile_names_stay_text_on_the_page(
    service: Service, keep, account: Account, subscription: Subscription
):
    """No name becomes a tag, and an address no header of a letter."""
    hostile = "<script>alert(1)</script>\"'&"
    called = replace(account, name=hostile, email='"<b>?bcc=x@example.com&x="@mail.example')
    _, html, _ = buyer.page(service, keep(called, replace(subscription, name=hostile)))
    assert "<script" not in html
    assert re.findall('href="([^"]*)"', html) == [
        "mailto:%22%3Cb%3E%3Fbcc%3Dx@example.com%26x%3D%22@mail.example"
    ]
    assert "<script>alert(1)</script>\"'&" in unescape(html)


def test_a_page_runs_no_script_and_is_kept_nowhere(service: Service):
    """The headers forbid scripts, frames, forms, referrers, sniffing and caches, on every answer."""
    headers = buyer.page(service, "nonsense")[2]
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_can_be_heard(service: Service, keep, subscription: Subscription):
    """It has a language, a title, one main landmark and one heading of the first level."""
    _, html, _ = buyer.page(service, keep(subscription))
    assert '<html lang="en"' in html
    assert "<title>Nothing is owed – Harbour Coffee</title>" in html
    assert html.count("<main>") == html.count("<h1>") == 1


def test_the_style_is_readable_in_light_and_dark():
    """Every color of text has a contrast of at least 4.5 to 1 on both grounds (WCAG 2.2 AA, 1.4.3)."""
    css = (Path(render.__file__).parent / "templates/page.css").read_text()
    schemes = re.findall(
        r"--ground: (#\w+); --sheet: (#\w+); --ink: (#\w+); --pale: (#\w+);.*--link: (#\w+);", css
    )
    assert len(schemes) == 2
    for ground, sheet, *inks in schemes:
        for ink in inks:
            assert min(contrast(ink, ground), contrast(ink, sheet)) >= 4.5


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG: lighter to darker."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_chalice_serves_it_as_html(service: Service, keep, subscription: Subscription, invoice: Invoice):
    """Through Chalice a page keeps its status, type and headers, and the service is asked for only by a request."""
    asked = []

    def late() -> Service:
        asked.append(1)
        return service

    app = Chalice("test")
    buyer.mount(app, late)
    assert not asked
    token = keep(replace(subscription, cycle=1), invoice)
    with Client(app) as client:
        answer = client.http.get(f"/b/{token}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "$1,255.00" in answer.body.decode()
        assert client.http.get("/b/nonsense").status_code == 404


def test_the_page_says_how_each_amount_came_to_be(
    service: Service, keep, subscription: Subscription, invoice: Invoice
):
    """Behind every invoice that is owed stands a sentence on each line, and one on the whole; no script opens it."""
    token = keep(replace(subscription, cycle=1, arrears=(invoice.id,)), invoice)
    _, html, _ = buyer.page(service, token)
    told = seen(html[html.index("<details>") : html.index("</details>")])
    assert "House blend" in told
    assert "2 × 625.00 USD" in told
    assert "40 × 0.125 USD" in told
    assert told.endswith("1255.00 USD.") or "1255.00 USD" in told
    assert "<script" not in html
