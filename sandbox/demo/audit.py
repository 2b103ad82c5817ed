"""Holds the story's end against the literal table and against Stripe's own books; every finding is a sentence."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from stripe import StripeClient

from chalicelib.operations import audit
from sandbox.demo import expected
from sandbox.demo.story import Roaster, asked, listed
from sandbox.world import STRIPE_KEY, World

ZONE = ZoneInfo("America/New_York")
Check = tuple[str, bool, str]


def checks(world: World, roaster: Roaster, letters: list[dict[str, Any]]) -> Iterator[Check]:
    """What was checked, whether it holds, and the figures."""
    invoices = listed(world, roaster, "/v1/invoices")
    payments = listed(world, roaster, "/v1/payments")
    subscriptions = {
        name: asked(world, roaster, f"/v1/subscriptions/{id_}") for name, id_ in roaster.subscriptions.items()
    }
    client = StripeClient(STRIPE_KEY, base_addresses={"api": world.stripe_url})
    intents = list(client.v1.payment_intents.list({"limit": 100}).auto_paging_iter())
    moved = list(client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter())
    yield from _against_the_table(roaster, invoices, subscriptions, letters)
    yield from _against_stripe(invoices, payments, intents, moved)
    yield from _laws(world, roaster, invoices, subscriptions)


def _against_the_table(
    roaster: Roaster, invoices: list[Any], subscriptions: dict[str, Any], letters: list[dict[str, Any]]
) -> Iterator[Check]:
    for name, wanted in expected.INVOICES.items():
        found = sorted(
            _row(invoice) for invoice in invoices if invoice["subscription"] == roaster.subscriptions[name]
        )
        yield f"{name}'s invoices are those of the table", found == wanted, _difference(found, wanted)
    statuses = {name: found["status"] for name, found in subscriptions.items()}
    yield (
        "Every subscription ends as the table says",
        statuses == expected.STATUS,
        ", ".join(sorted(set(statuses.values()))),
    )
    counted = {name: _letters(letters, name) for name in expected.LETTERS}
    yield "Every letter came once", counted == expected.LETTERS, f"{sum(map(sum, counted.values()))} letters"


def _row(invoice: dict[str, Any]) -> tuple[str, int, int, str | None]:
    paid = invoice["paid_at"]
    paid_on = datetime.fromisoformat(paid).astimezone(ZONE).date().isoformat() if paid else None
    return invoice["period_start_on"], invoice["total"]["amount"], invoice["attempts"], paid_on


def _letters(letters: list[dict[str, Any]], name: str) -> tuple[int, ...]:
    """A customer's letters by kind, in the table's order; those of no kind it knows come last, and break it."""
    subjects = [letter["subject"] for letter in letters if letter["to"].startswith(f"{name.lower()}@")]
    kinds = [sum(one.startswith(kind) for one in subjects) for kind in expected.KINDS]
    others = len(subjects) - sum(kinds)
    return (*kinds, others) if others else tuple(kinds)


def _difference(found: list[Any], wanted: list[Any]) -> str:
    missing, more = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    return (
        f"{len(found)} of {len(wanted)}"
        if not missing and not more
        else f"missing {missing}, too many {more}"
    )


def _against_stripe(
    invoices: list[Any], payments: list[Any], intents: list[Any], moved: list[Any]
) -> Iterator[Check]:
    ours = {payment["reference"]: payment for payment in payments if payment["reference"]}
    theirs = {intent.id: intent for intent in intents}
    yield (
        "Every charge at Stripe has its payment here, and the reverse",
        set(ours) == set(theirs),
        f"{len(theirs)} each",
    )
    states = [
        (
            ours[id_]["status"] == "succeeded",
            theirs[id_].status == "succeeded",
            ours[id_]["amount"]["amount"] == theirs[id_].amount,
        )
        for id_ in set(ours) & set(theirs)
    ]
    yield (
        "They agree on outcome and amount",
        all(a == b and c for a, b, c in states),
        f"{len(states)} compared",
    )
    taken = [intent for intent in intents if intent.status == "succeeded"]
    yield "No invoice was charged twice", len(taken) == expected.CHARGES, f"{len(taken)} charges took money"
    here = sum(invoice["amount_paid"]["amount"] for invoice in invoices)
    there = sum(transaction.amount for transaction in moved)
    right = here == there == expected.COLLECTED_CENTS
    yield "Money collected here = at Stripe = in the table", right, f"${here / 100:.2f} = ${there / 100:.2f}"
    nets = sum(payment["net"]["amount"] for payment in payments if payment["net"])
    net = sum(transaction.net for transaction in moved)
    yield "Net of fees here = balance at Stripe", nets == net, f"${nets / 100:.2f} = ${net / 100:.2f}"


def _laws(
    world: World, roaster: Roaster, invoices: list[Any], subscriptions: dict[str, Any]
) -> Iterator[Check]:
    numbers = sorted(invoice["number"] for invoice in invoices)
    gapless = numbers == [f"INV-{n:06d}" for n in range(1, expected.INVOICE_COUNT + 1)]
    yield "Invoice numbers have no gap", gapless, " to ".join(numbers[:1] + numbers[-1:])
    moments = {name: found["next_billing_at"] for name, found in subscriptions.items()}
    later = all(moment and datetime.fromisoformat(moment) > world.now for moment in moments.values())
    yield (
        "Every billable subscription has a next moment",
        later,
        ", ".join(f"{n} {str(m)[:10]}" for n, m in moments.items()),
    )
    parked = listed(world, roaster, "/v1/parked")
    yield "Nothing is parked", not parked, f"{len(parked)} records"
    unknown = [p for p in listed(world, roaster, "/v1/payments") if p["status"] in ("pending", "held")]
    yield "No payment is left without an answer", not unknown, f"{len(unknown)} held"
    found = [
        f"{one.subject}: {one.detail}" for one in audit.account(world.service(), roaster.account).findings
    ]
    yield (
        "The audit finds nothing in records, books and at Stripe",
        not found,
        " ".join(found) or "all agrees",
    )
