"""The pages behind letters' links."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from chalice import Chalice
from chalice.test import Client

from chalicelib.billing import issuing
from chalicelib.billing.collection import Collection, CollectionMethod
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.papers import Papers
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.profiles import Profile
from chalicelib.service import Service
from chalicelib.views import links, render
from chalicelib.views.links import Purpose
from chalicelib.web import buyer, buyer_pages
from tests.views.visits import owed_on, page, press, put, seen


def test_the_page_shows_each_invoice_that_is_owed(
    service: Service, keep, subscription: Subscription, invoice: Invoice, now: datetime
):
    """Number, date, amount and next attempt of every invoice, their sum, the business, and how to pay."""
    second = issuing.invoice_of(subscription.renewed(), "INV-000009", now)
    past_due = replace(subscription, cycle=2, arrears=(invoice.id,))
    tried = replace(invoice, attempt_at=now + timedelta(days=1))
    under_way = replace(second, payment="pay_unknown")
    text = owed_on(page(service, keep(past_due, tried, under_way)))
    for fact in (
        "Harbour Coffee",
        "To be paid $2,510.00",
        "INV-000001 $1,255.00 Issued on January 31, 2026 for January 31 – February 27, 2026",
        "Will be asked for on February 1, 2026 with Visa •••• 4242.",
        "INV-000009 $1,255.00",
        "A payment is under way; your bank has not answered yet.",
        "Office coffee",
        "Reply to the letter that brought you here",
        "hello@harbour.example",
    ):
        assert fact in text


def test_a_refused_card_is_not_promised_to_be_charged(
    service: Service, keep, subscription: Subscription, invoice: Invoice, now: datetime
):
    """After a hard decline the page names no day, though the invoice still has one."""
    refused = replace(subscription, cycle=1, method=replace(subscription.method, refused=True))
    tried = replace(invoice, attempt_at=now + timedelta(days=7))
    text = owed_on(page(service, keep(refused, tried)))
    assert "Will not be asked for until you give another payment method." in text
    assert "Visa •••• 4242 (refused)" in text


def test_a_paid_subscription_owes_nothing(
    service: Service, keep, subscription: Subscription, invoice: Invoice, now: datetime
):
    """When all is paid the page says so, also before the first invoice."""
    paid = invoice.reserved("pay_1").paid("pay_1", invoice.total, now)
    token = keep(replace(subscription, cycle=1), paid)
    assert "Nothing is owed $0.00" in owed_on(page(service, token))
    assert "INV-" not in owed_on(page(service, token))


@pytest.mark.parametrize(
    ("way", "told"),
    [(CollectionMethod.CHARGE_AUTOMATICALLY, True), (CollectionMethod.SEND_INVOICE, False)],
)
def test_what_is_sent_names_no_method(
    service: Service, keep, subscription: Subscription, way: CollectionMethod, told: bool
):
    """A method is told where one is charged; one that is kept beside sent invoices pays nothing by itself."""
    sold = replace(subscription, collection=Collection(way=way))
    assert ("Payment method Visa •••• 4242" in owed_on(page(service, keep(sold)))) == told


def test_an_expired_link_is_gone_and_tells_nothing(
    service: Service, keep, subscription: Subscription, now: datetime
):
    """After 30 days the answer is 410, the same for every link."""
    keep(subscription)
    old, other = (
        links.sign(service.settings, Purpose.OWED, account, "sub_1", now - links.LIVES)
        for account in ("acct_1", "acct_9")
    )
    answer = page(service, old)
    assert answer.status == 410
    assert answer == page(service, other)
    assert "Harbour" not in answer.html


def test_a_forged_link_and_one_to_nothing_look_the_same(
    service: Service, keep, subscription: Subscription, now: datetime
):
    """Nonsense, and a signed link to a subscription that is not there, both answer 404 with the same page."""
    token = keep(subscription)
    forged = page(service, token[:-4] + "AAAA")
    gone = page(service, links.sign(service.settings, Purpose.OWED, "acct_2", "sub_1", now))
    assert forged.status == 404
    assert forged == gone == page(service, "nonsense")


def test_hostile_names_stay_text_on_the_page(
    service: Service, keep, account: Account, subscription: Subscription
):
    """No name becomes a tag, and an address no header of a letter."""
    hostile = "<script>alert(1)</script>\"'&"
    called = replace(account, name=hostile, email='"<b>?bcc=x@example.com&x="@mail.example')
    html = page(service, keep(called, replace(subscription, name=hostile))).html
    assert "<script" not in html
    assert re.findall('href="([^"]*)"', html) == [
        "mailto:%22%3Cb%3E%3Fbcc%3Dx@example.com%26x%3D%22@mail.example"
    ]
    assert "<script>alert(1)</script>\"'&" in unescape(html)


def test_a_page_runs_no_script_and_is_kept_nowhere(service: Service):
    """The headers forbid scripts, frames, referrers, sniffing and caches, and forms that lead anywhere but to Stripe, on every answer."""
    headers = page(service, "nonsense").headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    local = "http://127.0.0.1:9"  # the local Stripe's, and only where there is one
    theirs = "https://checkout.stripe.com https://hooks.stripe.com"
    assert f"form-action 'self' {theirs} {local}; " in policy
    live = buyer_pages.headers(replace(service.settings, stripe_api=None))["Content-Security-Policy"]
    assert f"form-action 'self' {theirs}; " in live
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_can_be_heard(service: Service, keep, subscription: Subscription):
    """It has a language, a title, one main landmark and one heading of the first level."""
    html = page(service, keep(subscription)).html
    assert '<html lang="en"' in html
    assert "<title>Nothing is owed – Harbour Coffee</title>" in html
    assert html.count("<main>") == html.count("<h1>") == 1


def test_a_page_is_in_its_buyers_language(
    service: Service,
    keep,
    subscription: Subscription,
    contact: Contact,
    invoice: Invoice,
):
    """As a letter: the subscription's, else the contact's, the company's, the business's."""
    sold = replace(subscription, cycle=1, arrears=(invoice.id,), company="com_1")
    speaks = {"account": "acct_1", "created_at": subscription.created_at}
    company = Company(id="com_1", name="Analytical Engines", language="da", **speaks)
    token = keep(sold, contact, invoice, company, Profile(id="acct_1", language="ja", **speaks))
    html = page(service, token).html
    assert '<html lang="da" dir="ltr">' in html
    assert "31. januar" in seen(html)
    put(service, replace(service.store.get(Contact, "acct_1", "con_1"), language="ar", locale="ar-EG"))
    assert '<html lang="ar" dir="rtl">' in page(service, token).html
    sold = service.store.get(Subscription, "acct_1", "sub_1")
    put(service, replace(sold, papers=Papers(language="de-AT", locale="de-AT")))
    html = page(service, token).html
    assert '<html lang="de" dir="ltr">' in html
    assert "31. Jänner" in seen(html)
    assert "Es wurde nichts unternommen." in seen(press(service, token, form="forged").html)


def test_a_stranger_is_told_in_their_browsers_language(service: Service, keep, subscription: Subscription):
    """A page about nobody is as the browser wants it; one about somebody is not."""
    app = Chalice("test")
    buyer.mount(app, lambda: service)
    token = keep(subscription)
    german = {"Accept-Language": "fi, de-AT;q=0.8, fr;q=0.5"}
    with Client(app) as client:
        told = client.http.get("/b/nonsense", headers=german)
        assert (told.status_code, "Dieser Link funktioniert nicht" in told.body.decode()) == (404, True)
        assert '<html lang="en"' in client.http.get(f"/b/{token}", headers=german).body.decode()
        refused = client.http.request("DELETE", f"/b/{token}", headers=german).body.decode()
        assert "Das ist nicht möglich" in refused
        assert "This link does not work" in client.http.get("/b/nonsense").body.decode()


def test_the_style_is_readable_in_light_and_dark():
    """Every color of text has a contrast of at least 4.5 to 1 on both grounds (WCAG 2.2 AA, 1.4.3)."""
    css = (Path(render.__file__).parent / "templates/page.css").read_text()
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w+);", line)) for line in css.splitlines() if "--ground: #" in line
    ]
    assert len(schemes) == 3  # light, dark, printed
    light = schemes[0]
    for scheme in schemes[:2]:
        colors = light | scheme
        for ink in ("ink", "pale", "link"):
            assert min(contrast(colors[ink], colors[on]) for on in ("ground", "sheet")) >= 4.5
        assert min(contrast(colors["ink"], colors[on]) for on in ("good", "wait", "bad")) >= 4.5
        assert contrast(colors["on-button"], colors["button"]) >= 4.5


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
    html = page(service, token).html
    told = seen(html[html.index("<details>") : html.index("</details>")])
    assert "House blend" in told
    assert "2 × 625.00 USD" in told
    assert "40 × 0.125 USD" in told
    assert told.endswith("1255.00 USD.") or "1255.00 USD" in told
    assert "<script" not in html
