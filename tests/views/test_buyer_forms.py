"""The forms of buyers' pages: everything is refused before anything is asked of Stripe, which is not there in these tests."""

import re
from dataclasses import replace
from datetime import datetime

import pytest
from chalice import Chalice
from chalice.test import Client

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.service import Service
from chalicelib.views import forms, links
from chalicelib.views.links import Purpose
from chalicelib.web import buyer, buyer_answers, buyer_forms, buyer_pages
from tests.views.visits import owed_on, page, press, put, seen


@pytest.fixture
def owing(service: Service, keep, subscription: Subscription, invoice: Invoice) -> str:
    """The token of a subscription that owes an invoice."""
    return keep(replace(subscription, cycle=1, arrears=(invoice.id,)), invoice)


def form_of(service: Service, token: str, act: str = "pay") -> str:
    """The token in a form of a page."""
    html = page(service, token).html
    found = re.search(rf'action="[^"]*/{act}".*?name="form" value="([^"]*)"', html, re.DOTALL)
    assert found
    return found[1]


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


def test_a_disputed_payment_says_what_the_bank_holds_back(
    service: Service, owing: str, payment: Payment, now: datetime
):
    """As long as it is held back, and once it is lost; a dispute that is won leaves the receipt as it was."""
    token = links.sign(service.settings, Purpose.PAYMENT, "acct_1", payment.id, now)
    held = payment.disputed("dp_1", Money(500, "usd"))
    put(service, held)
    assert "The bank holds back $5.00 of it" in seen(page(service, token).html)
    kept = service.store.get(Payment, "acct_1", payment.id)
    put(service, kept.disputed("dp_1", Money(-500, "usd")))
    assert "disputed" not in page(service, token).html
    assert "Payment received" in page(service, token).html


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
