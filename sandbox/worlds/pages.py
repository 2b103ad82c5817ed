"""What buyers do on pages: Stripe's Checkout, their bank's, and back on ours, at once, much later, twice, or never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from chalicelib.billing.errors import PerennialError
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.operations import checkout, setup
from chalicelib.operations import confirm as at_bank
from chalicelib.service import Service
from sandbox.world import Killed

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

R = TypeVar("R")
BACK: Final = "https://shop.perennial.example/back"
METHODS: Final = (
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_chargeCustomerFail",
    "pm_card_threeDSecure2Required",
)
DELAYS: Final = tuple(timedelta(minutes=m) for m in (0, 1, 3, 12, 29, 45, 600))
"""Pages live for half an hour."""


def pay(life: Life, who: str, chance: Random) -> None:
    """A buyer opens the page of what they owe, or two of them, and pays on one or both."""
    name = life.people[who].subscription
    owed = [one for one in life.watch.of(Invoice) if one.subscription == name and one.amount_due]
    if not owed:
        return
    owed.sort(key=lambda one: one.number)
    wanted = [one.id for one in (owed if chance.random() < 0.5 else owed[-1:])]
    save = chance.random() < 0.3
    for _ in range(chance.choice((1, 1, 2))):
        url = _done(
            life,
            who,
            "page",
            lambda service: checkout.pay(service, life.account, wanted, back_url=BACK, save=save),
        )
        if url and "/c/pay/" in url:
            life.later(life.moment + chance.choice(DELAYS), _paying(life, who, url, chance, wanted))


def _paying(life: Life, who: str, url: str, chance: Random, wanted: list[str]) -> Callable[[], None]:
    session, method = url.rsplit("/", 1)[1].partition("?")[0], chance.choice(METHODS)
    drawn = chance.random()

    def pays() -> None:
        if drawn < 0.15:
            life.seen["page left"] += 1
            return
        _submitted(life, who, session, method)
        if drawn < 0.6:
            for one in life.watch.of(Payment):
                if one.open and one.session == session:
                    _done(
                        life,
                        who,
                        "back",
                        lambda service, one=one: checkout.refresh(service, life.account, one.id),
                    )

    return pays


def _submitted(life: Life, who: str, session: str, method: str) -> None:
    try:
        told = life.stripe.pay_page(session, method)
    except ValueError as refused:
        life.log("page", f"{who} on {session} with {method}: {refused}")
        life.seen["page refused"] += 1
        return
    life.log("page", f"{who} on {session} with {method}: {told.get('outcome')}")
    life.seen["page submitted"] += 1


def confirm(life: Life, who: str, chance: Random) -> None:
    """A buyer follows the letter's link, confirms at their bank or does not, and comes back or does not."""
    name = life.people[who].subscription
    waiting = [
        one for one in life.watch.of(Payment) if one.subscription == name and one.status == "action_required"
    ]
    if not waiting:
        return
    payment = waiting[-1]
    if not _done(
        life,
        who,
        "confirm",
        lambda service: at_bank.payment(service, life.account, payment.id, back_url=BACK),
    ):
        return
    result, back = chance.choice(("succeed", "succeed", "fail")), chance.random() < 0.5

    def answers() -> None:
        try:
            life.stripe.authenticate(payment.reference or "", result)
        except ValueError as refused:
            life.log("bank", f"{who} {payment.id}: {refused}")
            return
        life.seen[f"3-D Secure: {result}"] += 1
        if back:
            _done(life, who, "back", lambda service: checkout.refresh(service, life.account, payment.id))

    life.later(life.moment + chance.choice(DELAYS), answers)


def leave(life: Life, who: str, chance: Random) -> None:
    """A buyer leaves another method on Stripe's page."""
    name = life.people[who].subscription
    if not name:
        return
    url = _done(life, who, "setup", lambda service: setup.method(service, life.account, name, back_url=BACK))
    if url and "/c/pay/" in url:
        session, method = url.rsplit("/", 1)[1].partition("?")[0], chance.choice(METHODS)
        life.later(life.moment + chance.choice(DELAYS), lambda: _submitted(life, who, session, method))


def _done(life: Life, who: str, what: str, act: Callable[[Service], R]) -> R | None:
    """One request of a buyer's to our pages; what is refused, or has no answer, is a page that says so."""
    outer, life.act = life.act, None
    try:
        done = act(life.service)
    except Killed:
        life.restart()
        life.log("buyer", f"{who} {what}: no answer")
        return None
    except PerennialError as refused:
        life.log("buyer", f"{who} {what}: {refused.code}")
        life.seen[f"refused: {what}: {refused.code}"] += 1
        return None
    finally:
        life.act = outer
    told = urlsplit(done).path[:60] if isinstance(done, str) else "done"  # the port is another each time
    life.log("buyer", f"{who} {what}: {told}")
    life.seen[f"act: {what}"] += 1
    return done
