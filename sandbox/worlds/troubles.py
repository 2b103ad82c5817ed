"""What goes wrong around a world's workers, by name; each begins at its moment and is over with the last of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from chalicelib.billing.payments import Payment
from sandbox.stripe.faults import KINDS

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

Trouble = Callable[["Life", Random, str], str]
ONCE: Final = (
    "timeout_before",
    "timeout_after",
    "connection_reset",
    "connection_reset_after",
    "500_before",
    "500_after",
)
"""Answers that are lost, or errors: the next few requests of one customer, or of anybody."""


def _fault(kind: str) -> Trouble:
    def begin(life: Life, chance: Random, who: str) -> str:
        times = chance.choice((1, 1, 2, 5))
        match: dict[str, str] = {"method": "POST"}
        match["path"] = "/v1/payment_intents" if chance.random() < 0.8 else "*"
        customer = life.people[who].customer
        if customer and chance.random() < 0.5:
            match["customer"] = customer
        life.stripe.fault(kind, times=times, seconds=0.01, **match)
        return f"Stripe's next {times} answers: {kind} {match}"

    return begin


def _refused(life: Life, chance: Random, who: str) -> str:
    """Over the rate, for everybody, for a while."""
    kind, times = chance.choice(("429", "lock_timeout", "409")), chance.choice((3, 10, 30))
    life.stripe.fault(kind, times=times)
    return f"Stripe turns {times} requests away: {kind}"


def _down(answer: str) -> Trouble:
    def begin(life: Life, chance: Random, who: str) -> str:
        until = life.moment + timedelta(minutes=chance.choice((5, 60, 400, 1500)))
        life.stripe.outage(answer, until.timestamp())
        life.outages.append(until)
        return f"Stripe is down until {until:%d %b %H:%M}: {answer}"

    return begin


def _clock(unit: str) -> Trouble:
    def begin(life: Life, chance: Random, who: str) -> str:
        """Nothing wakes for a while, and then everything at once."""
        by = timedelta(**{unit: chance.choice((1, 2, 3, 5))})
        life.set_clock(life.moment + by)
        return f"nothing wakes for {by}"

    return begin


def _database(life: Life, chance: Random, who: str) -> str:
    life.points.busy = chance.choice((1, 3, 12))
    return f"DynamoDB turns {life.points.busy} writes away as busy"


def _mail(life: Life, chance: Random, who: str) -> str:
    life.points.lost_letters = chance.choice((1, 3))
    return f"SES takes {life.points.lost_letters} letters without a word"


def _bank(life: Life, chance: Random, who: str) -> str:
    """A bank changes its mind about a method."""
    method = life.people[who].method
    outcomes = [
        chance.choice(("insufficient_funds", "do_not_honor", "stolen_card", "succeed"))
        for _ in range(chance.choice((1, 2, 6)))
    ]
    if not method or life.people[who].debit:
        return "no card"
    life.stripe.script(*outcomes, payment_method=method)
    return f"{who}'s bank will say {', '.join(outcomes)}"


def _taken(life: Life, chance: Random, *, debit: bool = False) -> Payment | None:
    """A payment whose money Stripe has taken, by a card or by a bank's debit."""
    debits = {
        one["id"]
        for account in life.stripe_accounts()
        for one in account.shelf("payment_method")
        if one["type"] != "card"
    }
    found = [
        one
        for one in life.watch.of(Payment)
        if one.status == "succeeded" and one.reference and not one.dispute
    ]
    found = [one for one in found if (life.method_of(one) in debits) is debit]
    return chance.choice(sorted(found, key=lambda one: one.id)) if found else None


def _dispute(life: Life, chance: Random, who: str) -> str:
    """A buyer goes to their bank; days later it has judged."""
    payment = _taken(life, chance)
    if payment is None:
        return "nothing to dispute"
    how = chance.choice(("win", "lose", "lose"))
    try:
        made = life.stripe.dispute(payment.reference or "", inquiry=chance.random() < 0.2)
    except ValueError as refused:
        return f"no dispute of {payment.id}: {refused}"
    life.seen["dispute opened"] += 1
    life.later(
        life.moment + timedelta(days=chance.choice((1, 9, 20))), lambda: _judged(life, made["id"], how)
    )
    return f"{payment.id} is disputed"


def _judged(life: Life, name: str, how: str) -> None:
    try:
        life.stripe.judge(name, how)
    except ValueError as refused:
        life.log("bank", f"{name} {how}: {refused}")
        return
    life.log("bank", f"{name} {how}")
    life.seen[f"dispute: {how}"] += 1


def _returned(life: Life, chance: Random, who: str) -> str:
    payment = _taken(life, chance, debit=True)
    if payment is None:
        return "no debit to return"
    try:
        life.stripe.return_debit(payment.reference or "")
    except ValueError as refused:
        return f"no return of {payment.id}: {refused}"
    life.seen["debit returned"] += 1
    return f"{payment.id} comes back from its bank"


def _dashboard(life: Life, chance: Random, who: str) -> str:
    """Somebody refunds in Stripe's dashboard, where nothing of ours is said."""
    payment = _taken(life, chance)
    if payment is None:
        return "nothing to refund"
    part = chance.choice((None, max(1, payment.amount.amount // 3)))
    try:
        life.stripe.refund(payment.reference or "", part)
    except ValueError as refused:
        return f"no refund of {payment.id}: {refused}"
    life.seen["refunded at Stripe"] += 1
    return f"{part or 'all'} of {payment.id} is refunded at Stripe"


def _fees(life: Life, chance: Random, who: str) -> str:
    seconds = chance.choice((0, 3600, 90_000))
    life.stripe.tell_fees_late(seconds)
    return f"Stripe tells its fees {seconds} s late"


TROUBLES: Final[dict[str, Trouble]] = {
    **{kind: _fault(kind) for kind in sorted(KINDS - {"tax_inactive"})},
    "turned away": _refused,
    "down with 503": _down("503"),
    "down with resets": _down("reset"),
    "clock jumps hours": _clock("hours"),
    "clock jumps days": _clock("days"),
    "clock jumps weeks": _clock("weeks"),
    "database busy": _database,
    "mail silent": _mail,
    "bank": _bank,
    "bank again": _bank,
    "dispute": _dispute,
    "dispute again": _dispute,
    "debit comes back": _returned,
    "refund at Stripe": _dashboard,
    "fees late": _fees,
}
