"""Buyers pay on Stripe's page: once, whatever races with it, and what they leave undone leaves all as it was."""

from datetime import timedelta

import pytest

from chalicelib.billing.errors import Invalid, NotFound, WrongState
from sandbox.exchange import http
from sandbox.world import STRIPE_KEY, World
from tests.contracts.browser import visit
from tests.stories.buyer import BANK, MASTERCARD, POOR, POOR_BANK, VISA, Buyer, pays
from tests.stories.diary import Diary

BOTH = ["card", "us_bank_account"]
AS_MERCHANT = {"Authorization": f"Bearer {STRIPE_KEY}"}


def owing(diary: Diary, who: str, *, times: int = 9, what: str = "coffee-1kg") -> Buyer:
    """A customer whose card is refused from the 15th of January on."""
    diary.saves_a_card(who)
    diary.card(who, *["insufficient_funds"] * times)
    diary.subscribes(who, what, on="2026-01-15")
    return Buyer(diary, who)


def test_a_buyer_pays_on_a_page(diary: Diary, world: World):
    """Webhook, poll and the buyer's return come to one result: paid once, recovered, a receipt that names the card."""
    ada, bea, cy = owing(diary, "ada"), owing(diary, "bea"), owing(diary, "cy")
    diary.it_is("2026-01-15")
    assert diary.subscription("ada")["status"] == "past_due"

    url = ada.opens()
    assert pays(url, MASTERCARD).location == f"https://pay.perennial.example/b/{ada.payment().id}"
    assert ada.comes_back(ada.payment().id).status == "succeeded"
    pays(bea.opens())
    world.settle()
    pays(cy.opens())
    world.stripe("DELETE", "webhooks")
    diary.it_is("2026-01-15", hour=20)

    for who in ("ada", "bea", "cy"):
        assert diary.invoices(who) == [("2026-01-15", "paid", 2)]
        assert diary.payments(who) == [("declined", 2500), ("succeeded", 2500)]
        assert diary.subscription(who)["status"] == "active"
        assert diary.letters(who) == ["failed", "receipt"]
    assert ada.payment().method_label == "Mastercard •••• 4444"
    assert diary.subscription("ada")["payment_method"]["label"] == "Visa •••• 4242"
    diary.sound()


def test_an_abandoned_page_is_no_decline(diary: Diary, world: World):
    """The retry due meanwhile waits for the page's end, and comes at once; nothing is burnt, nobody is told."""
    ada, bea = owing(diary, "ada", times=1), owing(diary, "bea", times=2)
    diary.it_is("2026-01-16", hour=5)
    world.set_clock(world.now + timedelta(minutes=50))
    url, other = ada.opens(), bea.opens()
    pays(other, POOR)
    world.until(world.now + timedelta(minutes=20))
    assert [one.payment().status for one in (ada, bea)] == ["checkout", "checkout"]
    assert diary.letters("bea") == ["failed"]

    world.until(world.now + timedelta(minutes=20))
    assert "expired" in visit(url).text
    assert diary.payments("ada") == [("declined", 2500), ("canceled", 2500), ("succeeded", 2500)]
    assert diary.payments("bea") == [("declined", 2500), ("canceled", 2500), ("declined", 2500)]
    diary.it_is("2026-01-18")
    assert diary.payments("bea")[3:] == [("succeeded", 2500)]
    assert diary.letters("bea") == ["failed", "failed", "receipt"]
    diary.sound()


def test_a_page_is_gone_back_to(diary: Diary, world: World):
    """Asked for again it is the same page, in another tab too; for other amounts or to keep the method it is another."""
    ada = owing(diary, "ada")
    diary.it_is("2026-02-15")
    january, _ = ada.owed()
    first = ada.opens(january)
    assert ada.opens(january) == first
    both = ada.opens()
    assert "expired" in visit(first).text
    kept = ada.opens(save=True)
    assert len({first, both, kept}) == 3
    assert "expired" in visit(both).text
    page = visit(kept)
    assert pays(kept).location == pays(kept).location
    assert page.submit(method="new:card").status in (200, 303)

    world.settle()
    assert diary.invoices("ada")[0][:2] == ("2026-01-15", "paid")
    assert diary.invoices("ada")[1][:2] == ("2026-02-15", "paid")
    assert diary.payments("ada")[-3:] == [("canceled", 2500), ("canceled", 5000), ("succeeded", 5000)]
    with pytest.raises(WrongState, match="invoice_not_payable"):
        ada.opens(january)
    diary.sound()


def test_a_page_that_keeps_the_method_pays_the_rest(diary: Diary, world: World):
    """With `save` the subscription is charged on it from then on, and what was not on the page is asked for at once."""
    ada = owing(diary, "ada", times=20)
    diary.it_is("2026-02-25")
    assert diary.subscription("ada")["status"] == "unpaid"
    pays(ada.opens(ada.owed()[0], save=True), MASTERCARD)
    world.settle()
    assert [row[:2] for row in diary.invoices("ada")] == [("2026-01-15", "paid"), ("2026-02-15", "paid")]
    told = diary.subscription("ada")
    assert (told["status"], told["payment_method"]["label"]) == ("active", "Mastercard •••• 4444")
    diary.it_is("2026-03-15")
    assert diary.payments("ada")[-1] == ("succeeded", 2500)
    diary.sound()


def test_a_card_refused_on_the_page_changes_nothing(diary: Diary, world: World):
    """The page stays open, nobody is written to, and another card pays on it."""
    ada = owing(diary, "ada")
    diary.it_is("2026-01-15")
    url = ada.opens()
    for _ in range(2):
        assert pays(url, POOR).status == 402
        world.settle()
    assert ada.payment().status == "checkout"
    assert diary.letters("ada") == ["failed"]
    assert pays(url, VISA).location
    world.settle()
    assert diary.payments("ada") == [("declined", 2500), ("succeeded", 2500)]
    diary.sound()


def test_an_old_page_pays_nothing_twice(diary: Diary, world: World):
    """Another card pays what a page asks for: the page ends first. Who comes to it later is told so."""
    ada = owing(diary, "ada")
    diary.it_is("2026-01-15")
    url = ada.opens()
    shown = visit(url)
    diary.gives_another_card("ada")
    assert diary.invoices("ada") == [("2026-01-15", "paid", 3)]
    assert "expired" in visit(url).text
    card = {
        "card_number": VISA,
        "card_expiry": "12/34",
        "card_cvc": "123",
        "name": "Ada",
        "method": "new:card",
    }
    shown.submit(**card, email="ada@example.com")
    world.settle()
    assert diary.payments("ada") == [("declined", 2500), ("canceled", 2500), ("succeeded", 2500)]
    assert diary.taken() == 2500
    diary.sound()


def test_a_page_paid_just_before_another_card_counts(diary: Diary, world: World):
    """Nobody has told of it yet: ending the page is how it is learned, and the new card is asked for nothing."""
    ada = owing(diary, "ada")
    diary.it_is("2026-01-15")
    pays(ada.opens())
    diary.gives_another_card("ada")
    assert diary.invoices("ada") == [("2026-01-15", "paid", 2)]
    world.settle()
    assert diary.taken() == 2500
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_a_bank_debit_takes_days(diary: Diary, world: World):
    """The subscription lives meanwhile, nothing else asks; it succeeds, or fails and the schedule goes on where it was."""
    people = [owing(diary, who) for who in ("ada", "bea")]
    for who in ("ada", "bea"):
        diary.post(f"/v1/subscriptions/{diary.subscriptions[who]}/collection", accepted_types=BOTH)
    diary.it_is("2026-01-15")
    pays(people[0].opens(), BANK)
    pays(people[1].opens(), POOR_BANK)
    world.settle()
    for one in people:
        assert one.payment().status == "processing"
        with pytest.raises(WrongState, match="payment_processing"):
            one.opens()
    diary.gives_another_card("ada")
    diary.it_is("2026-01-18")
    assert diary.payments("ada") == [("declined", 2500), ("processing", 2500)]
    diary.it_is("2026-01-20")
    assert diary.invoices("ada") == [("2026-01-15", "paid", 2)]
    assert people[0].payment().method_label.endswith("•••• 6789")
    assert diary.payments("bea") == [("declined", 2500)] * 4
    diary.it_is("2026-01-22")
    assert diary.payments("bea") == [("declined", 2500)] * 5
    diary.sound()


def test_what_cannot_be_paid_on_a_page(diary: Diary, world: World):
    """Refused with what to do, before anything is written: paid, void, apart, offline, or less than Stripe takes."""
    ada, bea = owing(diary, "ada"), owing(diary, "bea")
    diary.subscribes("cy", "coffee-1kg", on="2026-01-15", lines=[{"name": "Cup", "unit_amount": "40"}])
    diary.it_is("2026-01-15")
    [mine], [hers] = ada.owed(), bea.owed()
    with pytest.raises(WrongState, match="amount_too_small"):
        Buyer(diary, "cy").opens()
    with pytest.raises(Invalid, match="invoices_apart"):
        ada.opens(mine, hers)
    with pytest.raises(NotFound):
        ada.opens(mine, "inv_of_nobody")
    diary.post(f"/v1/invoices/{hers}/void")
    with pytest.raises(WrongState, match="invoice_not_payable"):
        bea.opens(hers)
    diary.post(
        f"/v1/subscriptions/{diary.subscriptions['ada']}/collection",
        collection_method="send_invoice",
        accept_online=False,
    )
    with pytest.raises(WrongState, match="online_payment_off"):
        ada.opens(mine)
    diary.sound()


def test_a_balance_pays_first(diary: Diary, world: World):
    """What the customer has to their credit is taken before the page asks for the rest; where it is enough, there is no page."""
    ada, bea = owing(diary, "ada"), owing(diary, "bea")
    diary.it_is("2026-01-15")
    asked = ada.opens()
    for who, cents in (("ada", 1000), ("bea", 2500)):
        amount = {"amount": cents, "currency": "usd"}
        diary.post(f"/v1/contacts/{diary.contacts[who]}/balance", amount=amount, reason="Sorry")
    assert bea.opens() == "https://pay.perennial.example/b/{payment}"
    assert diary.subscription("bea")["status"] == "active"
    again = ada.opens()
    assert "expired" in visit(asked).text
    assert "15.00 USD" in visit(again).text
    pays(again)
    world.settle()
    assert diary.payments("ada")[1:] == [("canceled", 2500), ("succeeded", 1500)]
    assert diary.subscription("ada")["status"] == "active"
    assert diary.taken() == 1500
    diary.sound()


def test_the_first_invoice_brings_the_method(diary: Diary, world: World):
    """Sent and paid on a page, it keeps the card, and every invoice after it is charged; an unpaid page changes no due day."""
    ada = Buyer(diary, "ada")
    diary.contacts["ada"] = diary.post("/v1/contacts", name="Ada", email="ada@perennial.example")["id"]
    body = {
        "contact": diary.contacts["ada"],
        "currency": "usd",
        "frequency": "monthly",
        "collection_method": "charge_after_first_invoice",
        "days_until_due": 7,
        "lines": [{"name": "coffee", "unit_amount": "2500"}],
        "start_on": "2026-01-15",
    }
    diary.subscriptions["ada"] = diary.post("/v1/subscriptions", **body)["id"]
    diary.it_is("2026-01-15")
    ada.opens()
    diary.it_is("2026-01-22")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-01-23")
    assert diary.subscription("ada")["status"] == "past_due"
    pays(ada.opens(), MASTERCARD)
    world.settle()
    told = diary.subscription("ada")
    assert (told["status"], told["payment_method"]["label"]) == ("active", "Mastercard •••• 4444")
    diary.it_is("2026-02-15")
    assert diary.payments("ada") == [("canceled", 2500), ("succeeded", 2500), ("succeeded", 2500)]
    diary.sound()


def test_a_customer_deleted_at_stripe_is_made_anew(diary: Diary, world: World):
    """Their saved card is refused for good, but both of Stripe's pages open, once as they are asked for twice, and the card left there is charged on."""
    ada, bea = owing(diary, "ada"), owing(diary, "bea")
    diary.it_is("2026-01-15")
    gone = {who: diary.methods[who]["customer"] for who in ("ada", "bea")}
    for customer in gone.values():
        deleted = http("DELETE", f"{world.stripe_url}/v1/customers/{customer}", None, AS_MERCHANT)
        assert deleted.status == 200, deleted.body

    url = ada.opens(save=True)
    assert ada.opens(save=True) == url
    pays(url, MASTERCARD)
    pays(bea.opens_for_a_method(), MASTERCARD)
    diary.it_is("2026-02-16")

    for who in ("ada", "bea"):
        contact = diary.get(f"/v1/contacts/{diary.contacts[who]}")
        assert contact["customer"] not in (None, gone[who])
        assert diary.subscription(who)["payment_method"]["label"] == "Mastercard •••• 4444"
        assert [status for _, status, _ in diary.invoices(who)] == ["paid", "paid"]
    assert diary.taken() == 4 * 2500
    diary.sound()
