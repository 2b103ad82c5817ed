"""What happens by itself as the clock goes on: debits are answered by their banks, money becomes available."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.stripe import (
    balance,
    charges,
    checkout_payments,
    checkout_sessions,
    confirmation,
    disputes,
    refunds,
)
from sandbox.stripe.state import Call, World


def _debit(call: Call) -> None:
    confirmation.settle(call)
    checkout_payments.follow(call, call.name)


_TOPICS: dict[str, Callable[[Call], None]] = {
    balance.FUNDS: balance.release,
    charges.FEE: charges.tell_fee,
    checkout_sessions.EXPIRES: checkout_sessions.expire_by_itself,
    confirmation.DEBIT: _debit,
    disputes.LATER: disputes.come,
    refunds.LATER: refunds.settle,
}


def move(world: World, moment: float) -> None:
    """Set the clock, letting everything that is due happen at its own moment on the way."""
    settle(world, int(moment), stand=True)
    world.clock.moment = moment


def settle(world: World, now: int, *, stand: bool = False) -> bool:
    """Whether anything happened."""
    happened = False
    while (due := world.next_due(now)) is not None:
        at, topic, account, name = due
        if stand:
            world.clock.moment = at
        _TOPICS[topic](Call(world, account, {}, name, at))
        happened = True
    return happened


def reschedule(world: World) -> None:
    """After a restart: everything that was still to happen."""
    for account in world.accounts.values():
        for entry in account.shelf("balance_transaction"):
            if entry["status"] == "pending":
                world.schedule(entry["available_on"], balance.FUNDS, account, entry["id"])
        for name, facts in account.notes.items():
            if facts.get("due") is not None:
                world.schedule(facts["due"], facts["topic"], account, name)
            if facts.get("fee_due") is not None:
                world.schedule(facts["fee_due"], charges.FEE, account, name)
