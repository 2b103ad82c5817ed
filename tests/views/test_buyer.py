"""The pages behind letters' links, and what is refused there."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from chalice import Chalice
from chalice.test import Client

from chalicelib.billing import issuing
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.papers import Papers
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.profiles import Profile
from chalicelib.service import Service
from chalicelib.settings import read
from chalicelib.store import table
from chalicelib.store.changes import Changeset
from chalicelib.store.store import Store
from chalicelib.views import forms, links, render
from chalicelib.views.links import Purpose
from chalicelib.web import buyer, buyer_answers, buyer_forms, buyer_pages
from chalicelib.web.buyer_pages import Answer
from sandbox.world import environment
from tests.moto import Moto


@pytest.fixture
def now(subscription: Subscription) -> datetime:
    return subscription.created_at


@pytest.fixture
def service(quick_aws: dict[str, str], now: datetime) -> Service:
    """A service that has a store and a clock: the page needs nothing else."""
    settings = read(environment(quick_aws, "http://127.0.0.1:9", None))
    table.create(settings)
    store = Store(Moto(settings), settings.table, settings.wake_shards)
    return Service(
        settings=settings,
        store=store,
        gateway=None,
        mailer=None,
        files=None,
        hooks=None,
        queue=None,
        real=lambda: now,
        new_id=str,
    )


@pytest.fixture
def keep(service: Service, account: Account):
    """Writes records beside the account, and returns the token of the subscription's link."""

    def write(*records) -> str:
        changes = Changeset("acct_1")
        changes.put(account, *records)
        service.store.commit(changes)
        return links.sign(service.settings, Purpose.OWED, "acct_1", "sub_1", service.real())

    return write


def page(service: Service, token: str, **query: str) -> Answer:
    return buyer_answers.look(service, token, query)


def seen(html: str) -> str:
    """What a person reads of a page, on one line."""
    body = re.sub("<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", body)).split())


def owed_on(answer: Answer) -> str:
    assert answer.status == 200
    return seen(answer.html)


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


# -- forms: everything refused before anything is asked of Stripe, which is not there in these tests --------------


@pytest.fixture
def owing(service: Service, keep, subscription: Subscription, invoice: Invoice) -> str:
    """The token of a subscription that owes an invoice."""
    return keep(replace(subscription, cycle=1, arrears=(invoice.id,)), invoice)


def put(service: Service, *records) -> None:
    """Write records beside those there are."""
    changes = Changeset("acct_1")
    changes.put(*records)
    service.store.commit(changes)


def form_of(service: Service, token: str, act: str = "pay") -> str:
    """The token in a form of a page."""
    html = page(service, token).html
    found = re.search(rf'action="[^"]*/{act}".*?name="form" value="([^"]*)"', html, re.DOTALL)
    assert found
    return found[1]


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


NO_FORMS = [
    (b"form=x", {"content_type": "application/json"}, 415),
    (b"form=x", {"content_type": ""}, 415),
    (b"form=x", {"sec_fetch_site": "cross-site"}, 403),
    (b"form=x", {"sec_fetch_site": "same-site"}, 403),
    (b"form=x", {"origin": "https://evil.example"}, 403),
    (b"form=x", {"origin": "https://evil.example", "host": "127.0.0.1:8000"}, 403),
    (b"form=x", {"origin": "http://127.0.0.1:8000.evil.example"}, 403),
    (b"form=" + b"x" * 5000, {}, 413),
    (b"", {}, 400),
    (b"save=yes", {}, 400),
    (b"form=x&amount=1", {}, 400),
    (b"form=x&save=maybe", {}, 400),
    (b"form=x&form=y", {}, 400),
    (b"form=\xff", {}, 400),
    (b"form=x&&&&&&&&&a", {}, 400),
    (b'{"form": "x"}', {}, 400),
]


def test_what_no_form_of_ours_sends_is_refused(service: Service, owing: str):
    """Other types, sites, fields and sizes: each has a page about nobody, whatever the link."""
    for body, headers, status in NO_FORMS:
        answer = press(service, owing, body=body, **headers)
        assert answer.status == status, (body[:50], headers)
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "Harbour" not in answer.html
        assert answer == press(service, "nonsense", body=body, **headers)


OURS = [
    {},
    {"origin": "null", "sec_fetch_site": "same-origin"},
    {"origin": "http://127.0.0.1:8000"},
    {"origin": "http://pay.example", "host": "pay.example"},
    {"sec_fetch_site": "none"},
]


def test_our_own_page_is_believed(service: Service, owing: str):
    """A browser that sends our form is let through to the form's own token, whichever of our names it has asked."""
    for headers in OURS:
        answer = press(service, owing, form="forged", **headers)
        assert answer.status == 400, headers
        assert "That did not work" in seen(answer.html)


def test_a_form_of_another_link_act_or_time_does_nothing(
    service: Service, keep, owing: str, now: datetime, subscription: Subscription
):
    """The token in a form is of its link and button, and for an hour: otherwise the page is shown again, with a fresh one."""
    pay, method = form_of(service, owing), form_of(service, owing, "method")
    other = links.sign(service.settings, Purpose.METHOD, "acct_1", "sub_1", now)
    for token, act, form in ((other, "method", method), (owing, "pay", method), (owing, "method", pay)):
        assert press(service, token, act, form=form).status == 400
    later = replace(service, real=lambda: now + forms.LIVES)
    answer = press(later, owing, form=pay)
    assert (answer.status, "open for a long time" in seen(answer.html)) == (409, True)
    assert 'name="form"' in answer.html


def test_an_amount_that_has_changed_is_shown_before_anything_is_done(
    service: Service, owing: str, invoice: Invoice, now: datetime
):
    """Credited, joined by another or paid since: nothing is opened, and the page says what it is now."""
    form = form_of(service, owing)
    kept = service.store.get(Invoice, "acct_1", invoice.id)
    put(service, kept.credited(Money(500, "usd"), now))
    answer = press(service, owing, form=form)
    assert answer.status == 409
    assert "Something has changed since you opened this page" in seen(answer.html)
    assert "Pay $1,250.00" in seen(answer.html)
    assert answer.html.count(f'action="../{owing}/pay"') == 1

    kept = service.store.get(Invoice, "acct_1", invoice.id)
    put(service, kept.credited(kept.amount_due, now))
    answer = press(service, owing, form=form)
    assert (answer.status, "Pay $" in seen(answer.html)) == (409, False)


def test_a_button_of_a_link_that_opens_nothing(service: Service):
    """Forged links answer 404 to a form, too, and to whoever reloads its address."""
    for token in ("nonsense", "", "é", "a" * 2000, "..", "x\r\nX: y"):
        assert press(service, token, form="x").status == 404
        assert buyer_answers.back(service, token, "pay").status == 404


def test_an_expired_link_does_nothing_more(service: Service, owing: str, now: datetime):
    """After 30 days a form answers 410, and what became of a payment is told for a day more, with nothing to press."""
    form = form_of(service, owing)
    late = replace(service, real=lambda: now + links.LIVES)
    assert press(late, owing, form=form).status == 410
    assert page(late, owing).status == 410
    told = page(late, owing, payment="pay_of_another")
    assert (told.status, "<form" in told.html, 'href="ey' in told.html) == (200, False, False)
    much = replace(service, real=lambda: now + links.LIVES + links.LOOKS_BACK)
    assert page(much, owing, payment="pay_of_another").status == 410


def test_an_unknown_button_is_no_page(service: Service, owing: str):
    """Beside pay, method and confirm there is nothing under a link."""
    assert press(service, owing, "refund", form=form_of(service, owing)).status == 404
    assert buyer_answers.back(service, owing, "refund").status == 404


def test_who_reloads_a_forms_address_is_led_to_its_page(service: Service, owing: str):
    """GET of a button's address is the page, by 303 within the site."""
    answer = buyer_answers.back(service, owing, "pay")
    assert (answer.status, answer.headers["Location"]) == (303, f"../{owing}")


def test_a_payment_of_another_is_not_shown(
    service: Service, owing: str, payment: Payment, invoice: Invoice, now: datetime
):
    """Behind the `?` stands a name, not a right: a payment of another subscription leaves the page as it is."""
    other = replace(payment, id="pay_9_0001_1", subscription="sub_9")
    own = replace(
        payment, id="pay_1_0009_1", allocations=(replace(payment.allocations[0], invoice="inv_1_0009"),)
    )
    put(service, other, own)
    for name in (other.id, "no such", "../x", ""):
        assert page(service, owing, payment=name).html.count("To be paid") == page(service, owing).html.count(
            "To be paid"
        )
    its = links.sign(service.settings, Purpose.INVOICE, "acct_1", invoice.id, now)
    assert "Payment received" not in page(service, its, payment=own.id).html


def test_a_payment_taken_back_says_by_whom(
    service: Service, owing: str, payment: Payment, invoice: Invoice, now: datetime
):
    """A debit that came back is the bank's doing; one written down by mistake is nobody's but the business's."""
    back = replace(payment, status=PaymentStatus.RETURNED)
    told = {}
    for origin in (Origin.SCHEDULE, Origin.HAND):
        put(service, replace(back, origin=origin, id=f"pay_1_0001_{origin}"))
        token = links.sign(service.settings, Purpose.PAYMENT, "acct_1", f"pay_1_0001_{origin}", now)
        told[origin] = owed_on(page(service, token))
    assert "Your bank took the payment back" in told[Origin.SCHEDULE]
    assert "It was written down by mistake" in told[Origin.HAND]
    assert "bank" not in told[Origin.HAND].lower()


ELSEWHERE = [
    ("https://checkout.stripe.com/c/pay/cs_1#x", 303, "https://checkout.stripe.com/c/pay/cs_1#x"),
    ("https://hooks.stripe.com/3d_secure_2/x", 303, "https://hooks.stripe.com/3d_secure_2/x"),
    ("https://pay.business.example/c/pay/cs_1", 200, None),
    ("https://checkout.stripe.com.evil.example/", 200, None),
    ("javascript:alert(1)", 502, None),
    ("http://bank.example/", 502, None),
    ("//evil.example/", 502, None),
]


def test_a_form_leads_to_stripe_or_a_link_does(service: Service):
    """Browsers follow a form to the places the policy names; to any other https place the buyer goes by a link, and to nothing else."""
    for url, status, place in ELSEWHERE:
        answer = buyer_pages.away(service.settings, url)
        assert (answer.status, answer.headers.get("Location")) == (status, place)
        assert (f'href="{url}"' in answer.html) == (status == 200)


def test_chalice_answers_buyers_with_pages_alone(service: Service, owing: str):
    """Methods, paths and failures that Chalice itself answers are pages too, and tell nothing of the inside."""
    broken = replace(service, store=None)
    app = Chalice("test", configure_logs=False)
    current = [service]
    buyer.mount(app, lambda: current[0])
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    with Client(app) as client:
        for method, path, status in (
            ("DELETE", f"/b/{owing}", 405),
            ("HEAD", f"/b/{owing}", 405),
            ("PUT", f"/b/{owing}/pay", 405),
            ("POST", f"/b/{owing}/pay", 400),
        ):
            answer = client.http.request(method, path, headers=sent, body=b"form=forged")
            assert (answer.status_code, answer.headers["Content-Type"]) == (
                status,
                "text/html; charset=utf-8",
            )
        current[0] = broken
        answer = client.http.get(f"/b/{owing}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
        assert "AttributeError" not in answer.body.decode()


def test_only_forms_of_a_few_bytes_are_read():
    """The limit is far above our own forms, and far below anything that could hurt."""
    assert 1000 < buyer_forms.MAX_FORM < 10_000
