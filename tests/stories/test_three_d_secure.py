"""A bank asks for its buyer: the payment waits, a letter leads them there, and it goes on where it stopped."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sandbox.demo.timeline import inbox
from sandbox.world import World
from tests.stories.buyer import Buyer, says
from tests.stories.diary import Diary

ASKS = "pm_card_authenticationRequired"


def asked(diary: Diary, who: str) -> Buyer:
    """A customer whose bank asks for them from the 15th of January on."""
    diary.saves_a_card(who, ASKS)
    diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    return Buyer(diary, who)


def test_a_buyer_confirms_what_their_bank_asks(diary: Diary, world: World):
    """Nothing is declined meanwhile: the same payment succeeds, however it is learned, and a receipt goes."""
    ada, bea, cy = asked(diary, "ada"), asked(diary, "bea"), asked(diary, "cy")
    diary.it_is("2026-01-15", hour=9)
    assert diary.payments("ada") == [("action_required", 2500)]
    assert diary.subscription("ada")["status"] == "active"
    assert diary.every_letter("ada") == ["subscribed", "action_required"]
    letter = [one for one in inbox(world) if one["to"].startswith("ada@")][-1]
    assert letter["subject"] == "Your bank asks you to confirm $25.00 to Roaster"

    first = ada.confirms(ada.payment().id)
    assert ada.confirms(ada.payment().id) == first is not None
    assert says(first or "").location.startswith(f"https://pay.perennial.example/b/{ada.payment().id}")
    assert ada.comes_back(ada.payment().id).status == "succeeded"
    assert ada.confirms(ada.payment().id) is None
    says(bea.confirms(bea.payment().id) or "")
    world.settle()
    says(cy.confirms(cy.payment().id) or "")
    world.stripe("DELETE", "webhooks")
    diary.it_is("2026-01-15", hour=22)

    for who in ("ada", "bea", "cy"):
        assert diary.invoices(who) == [("2026-01-15", "paid", 1)]
        assert diary.payments(who) == [("succeeded", 2500)]
        assert diary.letters(who) == ["failed", "receipt"]
    diary.sound()


def test_a_bank_that_is_not_convinced_declines(diary: Diary, world: World):
    """Failing the question is a soft decline: past due, and asked again on the schedule; the old link leads nowhere."""
    ada = asked(diary, "ada")
    diary.it_is("2026-01-15", hour=9)
    old = ada.payment().id
    bank = ada.confirms(old) or ""
    says(bank, "fail")
    world.settle()
    assert diary.payments("ada") == [("declined", 2500)]
    assert ada.payment().decline_code == "payment_intent_authentication_failure"
    assert diary.subscription("ada")["status"] == "past_due"
    diary.it_is("2026-01-16", hour=12)
    assert diary.payments("ada") == [("declined", 2500), ("action_required", 2500)]
    assert ada.confirms(old) is None
    says(bank)
    world.settle()
    assert diary.taken() == 0
    says(ada.confirms(ada.payment().id) or "")
    world.settle()
    assert diary.invoices("ada") == [("2026-01-15", "paid", 2)]
    diary.sound()


def test_nobody_confirms_within_a_day(diary: Diary, world: World):
    """It is called off at Stripe, and the schedule goes on; whoever comes later finds nothing to confirm."""
    ada = asked(diary, "ada")
    diary.it_is("2026-01-15", hour=9)
    old = ada.payment()
    bank = ada.confirms(old.id) or ""
    diary.it_is("2026-01-16", hour=8)
    assert diary.payments("ada") == [("canceled", 2500)]
    assert diary.subscription("ada")["status"] == "past_due"
    says(bank)
    assert ada.confirms(old.id) is None
    world.settle()
    assert diary.taken() == 0
    diary.it_is("2026-01-17", hour=8)
    assert diary.payments("ada") == [("canceled", 2500), ("action_required", 2500)]
    diary.sound()


def test_an_old_link_pays_nothing_twice(diary: Diary, world: World):
    """Another card is charged at once for what waits for its buyer; the bank's page they left open moves nothing."""
    ada, bea = asked(diary, "ada"), asked(diary, "bea")
    diary.it_is("2026-01-15", hour=9)
    banks = [one.confirms(one.payment().id) or "" for one in (ada, bea)]
    diary.gives_another_card("ada")
    assert diary.payments("ada") == [("canceled", 2500)]
    world.settle()
    assert diary.payments("ada") == [("canceled", 2500), ("succeeded", 2500)]
    assert "subscription.past_due" not in {row["type"] for row in diary.every("/v1/events")}
    says(banks[0])
    says(banks[1])
    diary.gives_another_card("bea")
    world.settle()
    assert diary.payments("bea") == [("succeeded", 2500)]
    assert diary.taken() == 5000
    diary.sound()


def test_who_confirms_at_the_moment_something_else_pays_is_charged_once(diary: Diary, world: World):
    """At their bank's page while another card is given, a person asks for it, a transfer is written down, or the day is over."""
    people = {who: asked(diary, who) for who in ("card", "person", "transfer", "schedule")}
    diary.it_is("2026-01-15", hour=9)
    banks = {who: one.confirms(one.payment().id) or "" for who, one in people.items()}
    spare = {who: diary.saves_a_card(who, "pm_card_mastercard")["id"] for who in people}
    paid = {"amount": {"amount": 2500, "currency": "usd"}, "received_on": "2026-01-15", "type": "check"}
    acts = {
        "card": (f"/v1/subscriptions/{diary.subscriptions['card']}/payment_method", {"payment_method": spare["card"]}),
        "person": (f"/v1/invoices/{people['person'].owed()[0]}/pay", {"payment_method": spare["person"]}),
        "transfer": ("/v1/payments", {"contact": diary.contacts["transfer"], **paid}),
    }  # fmt: skip
    for who, (path, body) in acts.items():
        with ThreadPoolExecutor(2) as pool:
            confirmed = pool.submit(says, banks[who])
            done = pool.submit(world.call, "POST", path, body, diary.key)
        assert done.result().status in (200, 201, 409), done.result().body
        assert confirmed.result().status < 500
    world.settle()
    world.set_clock(world.now + timedelta(days=1))
    with ThreadPoolExecutor(2) as pool:
        confirmed, done = pool.submit(says, banks["schedule"]), pool.submit(world.settle)
    assert (confirmed.result().status < 500, done.result()) == (True, None)
    diary.it_is("2026-01-17", hour=9)
    if diary.invoices("schedule")[0][1] == "open":  # called off first: the bank asks anew
        says(people["schedule"].confirms(people["schedule"].payment().id) or "")
        world.settle()
    for who in people:
        assert diary.invoices(who)[0][1] == "paid"
        assert [row for row in diary.payments(who) if row[0] == "succeeded"] == [("succeeded", 2500)]
    diary.sound()


def test_a_page_instead_of_the_bank(diary: Diary, world: World):
    """Who opens Stripe's page for what waits at their bank pays there or not at all; left alone, it is asked for again."""
    ada = asked(diary, "ada")
    diary.it_is("2026-01-15", hour=9)
    bank = ada.confirms(ada.payment().id) or ""
    ada.opens()
    says(bank)
    world.until(world.now + timedelta(minutes=40))
    assert diary.payments("ada") == [("canceled", 2500), ("canceled", 2500)]
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-01-16")
    assert diary.payments("ada")[2:] == [("action_required", 2500)]
    assert diary.taken() == 0
    diary.sound()
