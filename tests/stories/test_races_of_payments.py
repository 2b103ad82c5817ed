"""Answers are lost, Stripe is away, processes end and people press at once: a buyer pays once, and one payment holds an invoice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.billing.errors import PerennialError, WrongState
from chalicelib.billing.gateway import Unavailable
from sandbox.crashes import Crashes
from sandbox.world import Killed, World
from tests.stories.buyer import MASTERCARD, Buyer, pays, says
from tests.stories.diary import Diary

ASKS = "pm_card_authenticationRequired"
SESSIONS = "/v1/checkout/sessions"
LOST = ("timeout_after", "connection_reset_after", "500_after")
NEVER = ("timeout_before", "500_before")
TURNED_AWAY = ("429", "lock_timeout")


def owing(diary: Diary, who: str) -> Buyer:
    """A customer whose card is refused from the 15th of January on."""
    diary.saves_a_card(who)
    diary.card(who, *["insufficient_funds"] * 20)
    diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    return Buyer(diary, who)


def asked(diary: Diary, who: str) -> Buyer:
    """A customer whose bank asks for them from the 15th of January on."""
    diary.saves_a_card(who, ASKS)
    diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    return Buyer(diary, who)


def fails(world: World, fault: str, path: str, times: int = 1) -> None:
    """Stripe fails the next requests to a path in one of the sandbox's ways."""
    match = {"method": "POST", "path": path}
    world.stripe("POST", "faults", {"match": match, "fault": fault, "times": times, "seconds": 1})


def test_a_page_whose_answer_was_lost(diary: Diary, world: World):
    """Pressed again it is the same page, or another once the first is called off; not pressed again it holds nothing for long.

    Where Stripe keeps a 500 under the key, or is still at the first request, the key gives no page any more.
    """
    people = {fault: owing(diary, f"a{n}") for n, fault in enumerate((*LOST, *NEVER, *TURNED_AWAY))}
    gone = {fault: owing(diary, f"b{n}") for n, fault in enumerate((*LOST, *NEVER))}
    diary.it_is("2026-01-15")
    for fault, one in [*people.items(), *gone.items()]:
        fails(world, fault, SESSIONS)
        with pytest.raises(Unavailable):
            one.opens()
        assert one.payment().status == ("canceled" if fault in TURNED_AWAY else "held")
    for one in people.values():
        url = one.opens()
        assert one.opens() == url
        pays(url, MASTERCARD)
    world.settle()
    for fault, one in people.items():
        attempts = [status for status, _ in diary.payments(one.who)]
        assert attempts in (["declined", "succeeded"], ["declined", "canceled", "succeeded"])
        if fault == "connection_reset_after":
            assert len(attempts) == 2
    world.until(world.now + timedelta(minutes=40))
    for one in gone.values():
        assert [status for status, _ in diary.payments(one.who)] == ["declined", "canceled"]
    assert diary.taken() == 2500 * len(people)
    diary.sound()


def test_a_confirmation_whose_answer_was_lost(diary: Diary, world: World):
    """It waits for its buyer as it did, without a second letter; pressed again they are led to their bank."""
    people = {fault: asked(diary, f"a{n}") for n, fault in enumerate((*LOST, *NEVER, "429"))}
    diary.it_is("2026-01-15", hour=9)
    for fault, one in people.items():
        waiting = one.payment()
        fails(world, fault, f"/v1/payment_intents/{waiting.reference}/confirm")
        with pytest.raises(Unavailable):
            one.confirms(waiting.id)
        assert one.payment().status == "action_required"
        says(one.confirms(waiting.id) or "")
    world.settle()
    for one in people.values():
        assert diary.payments(one.who) == [("succeeded", 2500)]
        assert diary.letters(one.who) == ["failed", "receipt"]
    diary.sound()


def test_an_end_whose_answer_was_lost(diary: Diary, world: World):
    """A page that could not be surely closed holds its invoice: no other payment opens, and who pays there pays once."""
    ada, bea = owing(diary, "ada"), owing(diary, "bea")
    diary.it_is("2026-01-15")
    for one, fault in ((ada, "timeout_before"), (bea, "timeout_after")):
        url = one.opens()
        fails(world, fault, f"{SESSIONS}/{one.payment().session}/expire")
        diary.gives_another_card(one.who)
        assert one.payment().status == "checkout"
        assert pays(url).location is not None or one is bea
    world.until(world.now + timedelta(minutes=40))
    assert diary.payments("ada") == [("declined", 2500), ("succeeded", 2500)]
    assert diary.payments("bea") == [("declined", 2500), ("canceled", 2500), ("succeeded", 2500)]
    assert [diary.subscription(who)["status"] for who in ("ada", "bea")] == ["active", "active"]
    assert diary.taken() == 5000
    diary.sound()


def test_stripe_is_away(diary: Diary, world: World):
    """Nothing is held by a page that could not be opened; pages paid before the outage are found after it."""
    ada, bea, cy = owing(diary, "ada"), owing(diary, "bea"), asked(diary, "cy")
    diary.it_is("2026-01-15", hour=9)
    url, waiting = ada.opens(), cy.payment()
    pays(url)
    world.stripe("POST", "outage", {"answer": "503"})
    with pytest.raises(Unavailable):
        bea.opens()
    with pytest.raises(Unavailable):
        bea.opens_for_a_method()
    with pytest.raises(Unavailable):
        cy.confirms(waiting.id)
    assert ada.comes_back(ada.payment().id).status == "checkout"
    assert [one.payment().status for one in (bea, cy)] == ["held", "action_required"]
    world.stripe("DELETE", "outage")
    world.until(world.now + timedelta(minutes=5))
    pays(bea.opens())
    says(cy.confirms(waiting.id) or "")
    world.settle()
    assert [diary.invoices(one.who)[0][1] for one in (ada, bea, cy)] == ["paid"] * 3
    assert diary.taken() == 7500
    diary.sound()


def test_everybody_at_once(diary: Diary, world: World):
    """Two tabs, another card, the webhook, the poll and the buyer's return side by side: one page, or one charge, and never both."""
    people = [owing(diary, f"a{n}") for n in range(4)]
    diary.it_is("2026-01-15")
    for one in people:
        diary.saves_a_card(one.who, "pm_card_mastercard")

    def side_by_side(*acts: Callable[[], object]) -> list[object]:
        def tried(act: Callable[[], object]) -> object:
            try:
                return act()
            except PerennialError as error:
                return error

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(tried, acts))

    for one in people:
        told = side_by_side(one.opens, one.opens, one.opens)
        urls = {each for each in told if isinstance(each, str)}
        assert len(urls) == 1, told
        url = urls.pop()
        refused = [each for each in told if not isinstance(each, str)]
        assert all(isinstance(each, WrongState) and each.code == "payment_under_way" for each in refused)
        name = one.payment().id
        switched = f"/v1/subscriptions/{diary.subscriptions[one.who]}/payment_method"
        card = diary.methods[one.who]["id"]
        side_by_side(
            lambda url=url: pays(url),
            lambda path=switched, card=card: world.call("POST", path, {"payment_method": card}, diary.key),
            lambda one=one, name=name: one.comes_back(name),
            world.webhooks,
            world.drain,
        )
    world.settle()
    world.until(world.now + timedelta(minutes=40))
    for one in people:
        assert diary.invoices(one.who)[0][1] == "paid"
        assert [status for status, _ in diary.payments(one.who)].count("succeeded") == 1
    assert diary.taken() == 2500 * len(people)
    assert diary.parked() == []
    diary.sound()


# More customers for each act than its process passes points.
MOST = {"pay": 8, "confirm": 10, "method": 8, "back": 10, "left": 14}
Acts = dict[str, Callable[[Buyer], object]]


def people_of(diary: Diary, acts: Acts) -> dict[str, list[Buyer]]:
    """So many customers for each act that its process may end at every point with another of them."""
    owe = {"confirm": asked}
    return {name: [owe.get(name, owing)(diary, f"{name}{n}") for n in range(MOST[name])] for name in acts}


def struck(world: World, act: Callable[[Buyer], object], one: Buyer, at: int) -> list[str]:
    """The act, in a process that ends at its point `at`; the points it passed."""
    crashes = Crashes(at)
    world.restart(crashes.around)
    try:
        act(one)
        assert at == 0, f"point {at} was never passed"
    except Killed:
        assert crashes.struck
    world.restart()
    return crashes.passed


def test_whoever_asks_may_die_at_any_point(diary: Diary, world: World):
    """Opening a page, confirming, leaving a method and coming back: the process ends at each point in turn.

    Asked again, all is as if nothing had happened, once.
    """
    left: dict[str, str] = {}
    acts: Acts = {
        "pay": lambda one: one.opens(),
        "confirm": lambda one: one.confirms(one.payment().id),
        "method": lambda one: one.opens_for_a_method(),
        "back": lambda one: one.comes_back(one.payment().id),
        "left": lambda one: one.comes_back_with_a_method(left[one.who]),
    }
    before: Acts = {
        "back": lambda one: pays(one.opens()),
        "left": lambda one: left.update(
            {one.who: (pays(one.opens_for_a_method()).location or "").rpartition("/")[2]}
        ),
    }
    people = people_of(diary, acts)
    diary.it_is("2026-01-15", hour=9)
    for name, act in acts.items():
        passed = ["the first only counts them"]
        for at, one in enumerate(people[name]):
            if at > len(passed):
                people[name] = people[name][:at]
                break
            before.get(name, lambda _: None)(one)
            passed = struck(world, act, one, at) if at == 0 else passed
            _ = at and struck(world, act, one, at)
        assert 2 <= len(passed) < MOST[name], (name, passed)

    world.set_clock(world.now + timedelta(seconds=121))
    world.settle()
    for one in people["pay"]:
        pays(one.opens())
    for one in people["confirm"]:
        says(one.confirms(one.payment().id) or "")
    for one in people["method"]:
        pays(one.opens_for_a_method(), MASTERCARD)
    world.until(world.now + timedelta(minutes=40))
    for one in (each for used in people.values() for each in used):
        assert diary.invoices(one.who)[0][1] == "paid", (one.who, diary.payments(one.who))
        assert [status for status, _ in diary.payments(one.who)].count("succeeded") == 1, one.who
    assert diary.parked() == []
    diary.sound()
