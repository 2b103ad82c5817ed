"""Every page in every state it knows, at a phone and at a desk: readable, usable by everybody, in one picture each."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.payments import PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.store.keys import Record
from chalicelib.views.links import Purpose
from sandbox.world import World
from tests.browser.conftest import DESKTOP, PHONE, Buyer
from tests.browser.shelf import FIRST, NOW, SENT, VISA, Shelf, credited, given_back, in_parts, sent, shelf

ACCOUNTS = count(1)


@pytest.fixture
def on(world: World) -> Callable[..., Shelf]:
    """A shelf of its own for each state."""
    return lambda **more: shelf(world.service(), f"shelf{next(ACCOUNTS)}", **more)


def test_an_invoice_that_is_due(on: Callable[..., Shelf], buyer: Callable[..., Buyer]):
    """To be paid, overdue, in parts, the first, partly paid from the balance: what is due, and the button that pays it."""
    due = on(collection=SENT, method=None)
    overdue = on(collection=SENT, method=None, status=Status.PAST_DUE)
    parts = on(collection=SENT, method=None)
    part = on(collection=SENT, method=None)
    first = on(collection=FIRST, method=None, cycle=1)
    balance = on(collection=SENT, method=None)
    balance.contact = replace(balance.contact, balances=(Money(700, "eur"),))
    second = in_parts(part, second_on=date(2025, 12, 31))
    states = [
        invoice(due, "due", sent(due), words="Due on January 15, 2026", button="Pay €57.00"),
        invoice(overdue, "overdue", sent(overdue, date(2025, 12, 20)), words="This invoice is overdue"),
        invoice(parts, "in parts", in_parts(parts), words="Part 2 of 3"),
        invoice(part, "a part is due", second, words="That is what is due by now.", button="Pay €19.00"),
        invoice(first, "the first", sent(first), words="is kept for the payments to come", button="Pay €57"),
        invoice(
            balance, "balance", sent(balance), words="€7.00 is paid from your balance.", button="Pay €50.00"
        ),
    ]
    see(states, buyer)


def test_an_invoice_of_which_something_became(on: Callable[..., Shelf], buyer: Callable[..., Buyer]):
    """Credited, under way at a bank, declined, canceled: each is told in words and shown what can be done."""
    here = on(collection=SENT, method=None)
    one, note = credited(here)
    states = [invoice(here, "credited", one, note, words="Credit note CN-000003")]

    here = on()
    one = here.invoice()
    payment = here.payment(one, status=PaymentStatus.PROCESSING, method_label="SEPA •••• 3000")
    held = one.reserved(payment.id)
    states.append(invoice(here, "processing", held, payment, words="That takes some days", button=""))

    here = on()
    one = here.invoice()
    declined = here.payment(one, status=PaymentStatus.DECLINED, decline_code="insufficient_funds")
    tried = replace(one, attempts=1, failed_at=NOW, attempt_at=NOW + timedelta(days=1))
    states.append(invoice(here, "declined", tried, declined, words="not enough money"))

    here = on()
    void = here.invoice().voided(date(2026, 1, 1))
    states.append(invoice(here, "void", void, words="has been canceled", button=""))
    see(states, buyer)


def invoice(
    here: Shelf, name: str, one: Invoice, *beside: Record, words: str, button: str = "Pay €"
) -> tuple[str, str, str, str]:
    """A state of an invoice's page, with the records it is told from put into the table."""
    here.put(here.subscription, one, *beside)
    return name, here.link(Purpose.INVOICE, one), words, button


def test_a_subscription(on: Callable[..., Shelf], buyer: Callable[..., Buyer]):
    """Arrears, a payment to confirm, a canceled subscription, nothing owed, and the page of its method."""
    states = []
    here = on(cycle=2, status=Status.PAST_DUE)
    old = here.invoice("INV-000012")
    new = here.invoice("INV-000017", cycle=1)
    declined = here.payment(old, status=PaymentStatus.DECLINED, decline_code="expired_card")
    tried = replace(old, attempts=1, failed_at=NOW, attempt_at=NOW + timedelta(days=3))
    owing = replace(here.subscription, arrears=(old.id,))
    here.put(owing, tried, new, declined)
    states.append(("arrears", here.link(Purpose.OWED, owing), "Your card has expired.", "Pay €114.00"))
    states.append(("method", here.link(Purpose.METHOD, owing), "Visa •••• 4242", "Update payment method"))

    here = on(status=Status.PAST_DUE)
    one = here.invoice()
    waits = here.payment(one, status=PaymentStatus.ACTION_REQUIRED)
    owing = replace(here.subscription, arrears=(one.id,))
    here.put(owing, one.reserved(waits.id), waits)
    states.append(("to confirm", here.link(Purpose.OWED, owing), "Nothing has been taken yet", "Confirm €"))
    states.append(
        ("payment to confirm", here.link(Purpose.PAYMENT, waits), "Your bank wants you", "Confirm €")
    )

    here = on(status=Status.CANCELED, ended_at=NOW)
    one = here.invoice()
    owing = replace(here.subscription, arrears=(one.id,))
    here.put(owing, one.left_open())
    states.append(("canceled", here.link(Purpose.OWED, owing), "has been canceled", "Pay €"))

    here = on(cycle=0, method=replace(VISA, refused=True))
    here.put(here.subscription)
    states.append(("nothing", here.link(Purpose.OWED, here.subscription), "Nothing is owed", "Update"))
    states.append(
        (
            "method refused",
            here.link(Purpose.METHOD, here.subscription),
            "Your payment method was refused",
            "Update",
        )
    )

    see(states, buyer)


def test_a_payment(on: Callable[..., Shelf], buyer: Callable[..., Buyer]):
    """A receipt with what was given back, and a payment that is disputed, held, was called off, declined or came back."""
    here = on()
    one, payment, made = given_back(here)
    here.put(here.subscription, one, payment, *made)
    states = [("receipt", here.link(Purpose.PAYMENT, payment), "Sent back to Visa", "")]
    here = on()
    one, payment, _ = given_back(here)
    here.put(here.subscription, one, payment.disputed("dp_1", payment.amount))
    states.append(("disputed", here.link(Purpose.PAYMENT, payment), "The bank holds back", ""))
    for status, words, button in (
        (PaymentStatus.HELD, "Please do not pay again", ""),
        (PaymentStatus.CANCELED, "You can go on where you stopped", "Pay €"),
        (PaymentStatus.DECLINED, "Your card has expired", "Pay €"),
        (PaymentStatus.RETURNED, "Your bank took the payment back", "Pay €"),
    ):
        here = on()
        one = here.invoice()
        payment = here.payment(one, status=status, decline_code="expired_card")
        held = one.reserved(payment.id)
        here.put(here.subscription, held if payment.open else held.released(NOW), payment)
        states.append((status.value, here.link(Purpose.PAYMENT, payment), words, button))
    see(states, buyer)


def test_a_link_that_opens_nothing(on: Callable[..., Shelf], buyer: Callable[..., Buyer], world: World):
    """Expired or unknown: a page that tells nothing of anybody, with its own status."""
    here = on()
    here.put(here.subscription)
    old = here.link(Purpose.OWED, here.subscription, ago=timedelta(days=31))
    for at in (PHONE, DESKTOP):
        person = buyer(at)
        assert person.opens(old).status == 410
        assert "Harbour" not in person.looks("expired").reads
        assert person.opens(f"{world.env['PERENNIAL_BASE_URL']}/b/nonsense").status == 404
        person.looks("unknown")


def test_paper(on: Callable[..., Shelf], buyer: Callable[..., Buyer]):
    """An invoice and a receipt are printed without buttons and links, in black on white whatever the screen is."""
    here = on()
    one, payment, made = given_back(here)
    here.put(here.subscription, one, payment, *made)
    person = buyer(DESKTOP)
    person.page.emulate_media(media="print", color_scheme="dark")
    for purpose, record in ((Purpose.INVOICE, one), (Purpose.PAYMENT, payment)):
        person.opens(here.link(purpose, record))
        person.page.screenshot(path=person.picture(f"print {purpose}"), full_page=True)
        assert not person.page.get_by_text("See the").is_visible()
        assert person.page.locator("td").first.is_visible()
        ground = person.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"


def see(states: list[tuple[str, str, str, str]], buyer: Callable[..., Buyer]) -> None:
    """Open each at a phone and at a desk: it says the words, and has the button, or none."""
    for at in (PHONE, DESKTOP):
        person = buyer(at)
        for name, link, words, button in states:
            assert person.opens(link).status == 200, name
            assert words in person.looks(name).reads, (name, person.reads)
            buttons = person.page.locator("button").all_inner_texts()
            assert buttons[0].startswith(button) if button else buttons == [], (name, buttons)
            for secret in ("cus_secret", "sk_test", "pm_1"):
                assert secret not in person.page.content()
