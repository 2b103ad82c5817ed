"""Whether a world came out well: the audit holds, and Stripe took what was due, once.

Beside the audit, which is the product's own opinion, what Stripe keeps is held against what was committed without a
rule of the product's; and every invoice that is owed must say who will ask for it, or why nobody does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from chalicelib.billing.deliveries import Delivery
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import audit
from chalicelib.store import keys

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

Thing = dict[str, Any]
TAKEN: Final = frozenset({"succeeded", "returned"})
OPEN: Final = frozenset({"pending", "processing", "action_required", "held", "checkout"})
SOON: Final = timedelta(days=60)


def judge(life: Life) -> list[str]:
    """Every sentence that says what is wrong with the world; none for a good one."""
    for sentence in (
        *_audited(life),
        *_taken(life),
        *_paid(life),
        *_owed(life),
        *_mended(life),
        *_given_back(life),
        *_letters(life),
        *_left_behind(life),
    ):
        life.watch.breach(sentence)
    return life.watch.broken


def _audited(life: Life) -> Iterator[str]:
    """The product's own audit."""
    told = audit.account(life.service, life.account)
    for finding in told.findings:
        yield f"The audit: {finding.code} {finding.subject}: {finding.detail}"
    for sentence in told.unchecked:
        yield f"The audit did not look at: {sentence}"


def _intents(life: Life) -> list[Thing]:
    return [one for account in life.stripe_accounts() for one in account.shelf("payment_intent")]


def _taken(life: Life) -> Iterator[str]:
    """What Stripe took is what the payments say, one by one, and each was taken once."""
    here = {one.id: one for one in life.watch.of(Payment)}
    took: Counter[str] = Counter()
    for intent in _intents(life):
        name = intent["metadata"].get("payment", "")
        payment = here.get(name)
        if payment is None:
            yield f"{intent['id']} at Stripe pays {name or 'nothing'}, of which nothing is known here."
            continue
        if intent["status"] == "succeeded":
            took[name] += 1
            if payment.status not in TAKEN:
                yield f"Stripe took {intent['amount']} for {name}, which is {payment.status} here."
            elif payment.amount.amount != intent["amount_received"]:
                yield f"Stripe took {intent['amount_received']} for {name}, which is {payment.amount} here."
    for name, payment in here.items():
        if payment.status in TAKEN and payment.request and took[name] != 1:
            yield f"{name} is {payment.status} here, and was taken {took[name]} times at Stripe."


def _paid(life: Life) -> Iterator[str]:
    """What each invoice says was paid is what its payments brought, and nobody paid more than was owed."""
    paid: Counter[str] = Counter()
    shared: set[str] = set()
    for one in life.watch.of(Payment):
        for part in one.allocations if one.status in TAKEN else ():
            paid[part.invoice] += part.amount.amount
            if one.status == "returned" and one.amount_returned:
                # What had been given back before stays so: only the rest of it came back.
                paid[part.invoice] -= min(one.amount_returned.amount, part.amount.amount)
                shared |= {part.invoice} if len(one.allocations) > 1 else set()
    for invoice in life.watch.of(Invoice):
        if invoice.amount_paid.amount != paid[invoice.id] and invoice.id not in shared:
            yield f"{invoice.id} says {invoice.amount_paid} was paid; its payments brought {paid[invoice.id]}."
        if invoice.amount_open.amount < 0 and invoice.status != "void":
            yield f"{invoice.id} was paid {-invoice.amount_open.amount} too much."


def _owed(life: Life) -> Iterator[str]:
    """Every invoice that is owed has somebody who asks for it, or its subscription says why nobody does."""
    payments = {one.id: one for one in life.watch.of(Payment)}
    for invoice in life.watch.of(Invoice):
        if invoice.status != "open":
            continue
        subscription: Subscription = life.watch.get(Subscription, invoice.subscription)
        if reason := _silent(life, invoice, subscription, payments):
            yield f"{invoice.id} owes {invoice.amount_due} and {reason}; {subscription.id} is {subscription.status}."


def _silent(life: Life, invoice: Invoice, subscription: Subscription, payments: dict[str, Payment]) -> str:
    """Why nobody will ever ask for it, though somebody should; empty where all is well."""
    if invoice.payment is not None:
        payment = payments[invoice.payment]
        if payment.status not in OPEN:
            return f"waits for {payment.id}, which is {payment.status}"
        return "" if payment.wake else f"waits for {payment.id}, which waits for nothing"
    wake = invoice.wake
    if wake is not None:
        return (
            ""
            if life.moment - timedelta(hours=6) < wake.at < life.moment + SOON
            else f"is asked for at {wake.at}"
        )
    if invoice.due_on is not None or subscription.status in ("unpaid", "canceled", "expired"):
        return ""
    if invoice.id in subscription.arrears and subscription.collects.way == "send_invoice":
        return ""  # nothing of it is charged any more, and the subscription says past_due
    if invoice.id in subscription.arrears and life.plan.policy.get("at_end") == "past_due":
        return ""
    return "nobody asks for it"


def _mended(life: Life) -> Iterator[str]:
    """Who gave a card that works in the end owes nothing that could be collected."""
    for name, one in life.people.items():
        if one.mended_at is None or not one.switched:
            continue
        subscription: Subscription = life.watch.get(Subscription, one.subscription)
        if subscription.ended_at is not None:
            continue
        for invoice in life.watch.of(Invoice):
            owed = (
                invoice.subscription == one.subscription
                and invoice.status == "open"
                and invoice.due_on is None
            )
            late = _at_the_bank(life, invoice) or _taken_back(life, invoice, one.mended_at)
            if owed and not invoice.instalments and not late:
                yield f"{name} gave a card that works, and {invoice.id} still owes {invoice.amount_due}."


def _at_the_bank(life: Life, invoice: Invoice) -> bool:
    payment = life.watch.get(Payment, invoice.payment) if invoice.payment else None
    return payment is not None and payment.status == "processing"


def _taken_back(life: Life, invoice: Invoice, since: datetime) -> bool:
    """A bank took it back after the card was given: its schedule has begun anew, and asks for it on a day to come."""
    again = invoice.failed_at is not None and invoice.failed_at >= since and invoice.attempt_at is not None
    returned = (one for one in life.watch.of(Payment) if one.status == "returned")
    return again and any(part.invoice == invoice.id for one in returned for part in one.allocations)


def _given_back(life: Life) -> Iterator[str]:
    """What Stripe gave back is what the refunds say, each once."""
    here = {one.id: one for one in life.watch.of(Refund)}
    there: Counter[str] = Counter()
    for account in life.stripe_accounts():
        for refund in account.shelf("refund"):
            name = (refund["metadata"] or {}).get("refund", "")
            if name:
                there[name] += 1
            if (
                name
                and name in here
                and (refund["status"] == "succeeded") != (here[name].status == "succeeded")
            ):
                yield f"{name} is {here[name].status} here, and {refund['status']} at Stripe."
            if name and name not in here:
                yield f"{refund['id']} at Stripe is {name}, of which nothing is known here."
    for name, refund in here.items():
        if (
            refund.status == "succeeded"
            and refund.reference
            and not refund.reference.startswith("hand")
            and there[name] > 1
        ):
            yield f"{name} was given back {there[name]} times."


def _letters(life: Life) -> Iterator[str]:
    """At most one letter of each kind for an event, and none that was forgotten."""
    for name, count in life.letters.items():
        if count > 1:
            yield f"{name} was handed to the mail server {count} times."
    for one in life.watch.of(Delivery):
        if one.status == "pending" and one.wake is None:
            yield f"{one.id} will never be sent."


def _left_behind(life: Life) -> Iterator[str]:
    """Nothing is parked, and what should have been worked has been."""
    parked = [key for key, (shard, _) in life.watch.wakes.items() if shard.startswith("parked/")]
    yield from (f"{key} is parked." for key in parked)
    late = keys.stamp(life.moment - timedelta(hours=1))
    for key, (shard, stamp) in life.watch.wakes.items():
        if stamp < late and not shard.startswith("parked/"):
            yield f"{key} has been awake since {stamp}."
