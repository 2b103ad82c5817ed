"""A buyer leaves another method on Stripe's page: the subscription is charged on it, and all it owes is asked for at once."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from chalicelib.billing.errors import WrongState
from chalicelib.billing.setups import SetupStatus
from sandbox.world import World
from tests.contracts.browser import visit
from tests.stories.buyer import ASKING, BANK, MASTERCARD, POOR, Buyer, pays, says
from tests.stories.diary import Diary


def owing(diary: Diary, who: str) -> Buyer:
    """A customer whose card is refused from the 15th of January on."""
    diary.saves_a_card(who)
    diary.card(who, *["insufficient_funds"] * 20)
    diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    return Buyer(diary, who)


def named(location: str | None) -> str:
    """The setup a page leads back with."""
    return (location or "").rpartition("/")[2]


def test_a_method_pays_all_arrears(diary: Diary, world: World):
    """By the webhook, the buyer's return or the poll, once: two months in one payment, and charged on it from then on."""
    people = [owing(diary, who) for who in ("ada", "bea", "cy")]
    ada = people[0]
    diary.it_is("2026-02-15")
    pages = [one.opens_for_a_method() for one in people]
    ada.opens()
    back = named(pays(pages[0], MASTERCARD).location)
    assert ada.comes_back_with_a_method(back).status is SetupStatus.COMPLETE
    assert ada.comes_back_with_a_method(back).method
    pays(pages[1], MASTERCARD)
    world.settle()
    pays(pages[2], MASTERCARD)
    world.stripe("DELETE", "webhooks")
    world.until(world.now + timedelta(minutes=40))

    for who in ("ada", "bea", "cy"):
        told = diary.subscription(who)
        assert (told["status"], told["payment_method"]["label"]) == ("active", "Mastercard •••• 4444")
        assert diary.payments(who)[-1] == ("succeeded", 5000)
        saved = diary.every(f"/v1/payment_methods?contact={diary.contacts[who]}")
        assert sorted(row["label"] for row in saved) == ["Mastercard •••• 4444", "Visa •••• 4242"]
    assert diary.taken() == 15000
    diary.sound()


def test_a_page_nobody_uses_rests(diary: Diary, world: World):
    """Expired, it is never looked at again; a card refused there leaves all as it was, and another is left on the same page."""
    ada, bea = owing(diary, "ada"), owing(diary, "bea")
    diary.it_is("2026-01-15")
    left, url = ada.opens_for_a_method(), bea.opens_for_a_method()
    assert pays(url, POOR).status == 402
    bank = pays(url, ASKING).location or ""
    assert says(bank, "fail").location
    assert says(pays(url, ASKING).location or "").location
    world.until(world.now + timedelta(minutes=40))
    assert "expired" in visit(left).text
    assert diary.subscription("ada")["status"] == "past_due"
    assert diary.subscription("bea")["payment_method"]["label"] == "Visa •••• 3184"
    assert bea.payment().status == "action_required"
    diary.sound()


def test_a_page_takes_what_the_currency_can_be_paid_by(diary: Diary):
    """An American account that accepts ACH sells in euros: no page of that takes a US bank account, or says so."""
    diary.post("/v1/account", accepted_types=["card", "us_bank_account"])
    diary.saves_a_card("ada")
    lines = [{"name": "Coffee", "unit_amount": "2500"}]
    body = {"lines": lines, "currency": "eur", "frequency": "monthly", "contact": diary.contacts["ada"]}
    sold = diary.post("/v1/subscriptions", payment_method=diary.methods["ada"]["id"], **body)["id"]
    diary.subscriptions["ada"] = sold
    diary.world.settle()
    left = visit(Buyer(diary, "ada").opens_for_a_method())
    assert "US bank account" not in left.text
    link = urlsplit(diary.post(f"/v1/subscriptions/{sold}/payment_method_link")["url"])
    page = visit(f"{diary.world.gateway.url}{link.path}?{link.query}")
    assert (page.status, "Visa •••• 4242" in page.text, "bank" in page.text) == (200, True, False)


def test_a_bank_account_is_left(diary: Diary, world: World):
    """A debit of what is owed is under way at once; what is ended, or only sent, has no use for a method."""
    ada, bea = owing(diary, "ada"), owing(diary, "bea")
    for who in ("ada", "bea"):
        path = f"/v1/subscriptions/{diary.subscriptions[who]}/collection"
        diary.post(path, accepted_types=["card", "us_bank_account"])
    diary.it_is("2026-01-15")
    pays(ada.opens_for_a_method(), BANK)
    world.settle()
    assert diary.payments("ada") == [("declined", 2500), ("processing", 2500)]
    diary.post(f"/v1/subscriptions/{diary.subscriptions['bea']}/collection", collection_method="send_invoice")
    with pytest.raises(WrongState, match="not_charged"):
        bea.opens_for_a_method()
    diary.sound()
