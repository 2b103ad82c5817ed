"""What people ask for, by what they have: each a request to the API, drawn by chance; None where there is nothing to ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

Request = tuple[str, dict[str, Any]]
Ask = Callable[["Life", str, Random], Request | None]


# -- the table ------------------------------------------------------------------------------------


def of(life: Life, who: str) -> Subscription | None:
    """A person's subscription as it stands."""
    found: Subscription | None = life.watch.get(Subscription, life.people[who].subscription)
    return found


def invoices_of(life: Life, who: str) -> list[Invoice]:
    """A person's invoices, oldest first."""
    name = life.people[who].subscription
    found = [one for one in life.watch.of(Invoice) if one.subscription == name]
    return sorted(found, key=lambda one: one.number)


def payments_of(life: Life, who: str) -> list[Payment]:
    """A person's payments, by name."""
    name = life.people[who].subscription
    return sorted((one for one in life.watch.of(Payment) if one.subscription == name), key=lambda one: one.id)


def to(verb: str, body: Callable[[Life, str, Random], dict[str, Any] | None]) -> Ask:
    """A POST to a person's subscription."""

    def ask_(life: Life, who: str, chance: Random) -> Request | None:
        name, said = life.people[who].subscription, None
        if name:
            said = body(life, who, chance)
        return None if said is None else (f"/v1/subscriptions/{name}/{verb}", said)

    return ask_


def to_invoice(verb: str) -> Ask:
    def ask_(life: Life, who: str, chance: Random) -> Request | None:
        found = invoices_of(life, who)
        return (f"/v1/invoices/{chance.choice(found).id}/{verb}", {}) if found else None

    return ask_


def ahead(life: Life, chance: Random, days: tuple[int, ...]) -> str:
    return (life.trace.day(life.moment) + timedelta(days=chance.choice(days))).isoformat()


def pause(life: Life, who: str, chance: Random) -> dict[str, Any]:
    shifts = chance.random() < 0.5
    body: dict[str, Any] = {"shifts": shifts, "prorate": not shifts and chance.random() < 0.5}
    return body | ({"resume_on": ahead(life, chance, (1, 4, 12, 35))} if chance.random() < 0.6 else {})


def resume(life: Life, who: str, chance: Random) -> dict[str, Any]:
    shifts = chance.random() < 0.5
    return {"shifts": shifts, "prorate": not shifts and chance.random() < 0.5}


def move(life: Life, who: str, chance: Random) -> dict[str, Any] | None:
    found = of(life, who)
    on = found.next_on + timedelta(days=chance.choice((-3, 2, 5, 9))) if found else None
    return (
        {"on": on.isoformat(), "prorate": chance.random() < 0.4, "force": chance.random() < 0.7}
        if on
        else None
    )


def change(life: Life, who: str, chance: Random) -> dict[str, Any] | None:
    found = of(life, who)
    if found is None:
        return None
    how = {
        "proration": chance.choice(("none", "next_invoice", "invoice_now")),
        "force": chance.random() < 0.8,
    }
    drawn = chance.random()
    if drawn < 0.2:
        return how | {"frequency": chance.choice(("weekly", "monthly", "quarterly"))}
    lines = life.trace.subscriptions[found.id].prices
    id_ = chance.choice([*lines])
    if drawn < 0.5:
        return how | {"quantities": {id_: chance.choice((1, 2, 3, 5))}}
    cents = chance.randrange(100, 12_000)
    return how | {
        "lines": [{"id": one, **({"unit_amount": str(cents)} if one == id_ else {})} for one in lines]
    }


def credit(life: Life, who: str, chance: Random) -> Request | None:
    found = [one for one in invoices_of(life, who) if one.lines]
    if not found:
        return None
    invoice = chance.choice(found)
    body: dict[str, Any] = {"invoice": invoice.id, "reason": "Sorry"}
    if chance.random() < 0.6:
        cents = max(1, invoice.lines[0].amount.amount // chance.choice((2, 3, 10)))
        body["lines"] = [{"line": 0, "amount": {"amount": cents, "currency": invoice.currency}}]
    return "/v1/credit_notes", body


def adjust(life: Life, who: str, chance: Random) -> Request | None:
    amount = {"amount": chance.choice((100, 1500, 20_000, -50)), "currency": life.person(who).currency}
    return f"/v1/contacts/{life.people[who].contact}/balance", {"amount": amount, "reason": "By hand"}


def another(life: Life, who: str, chance: Random) -> Request | None:
    if not life.people[who].subscription:
        return None
    from sandbox.worlds.plan import GOOD, METHODS, takes

    fitting = [one for one in METHODS if takes(life.person(who).currency, one)]
    method = chance.choice(GOOD) if chance.random() < 0.6 else chance.choice(fitting)
    return "/v1/payment_methods", {"contact": life.people[who].contact, "payment_method": method}


def refund(life: Life, who: str, chance: Random) -> Request | None:
    paid = [one for one in payments_of(life, who) if one.status == "succeeded" and one.request]
    if not paid:
        return None
    payment = chance.choice(paid)
    body: dict[str, Any] = {
        "payment": payment.id,
        "reason": "requested_by_customer",
        "to": chance.choice(("payment", "payment", "balance")),
    }
    if chance.random() < 0.5:
        cents = max(1, payment.amount.amount // chance.choice((2, 3, 10)))
        body["amount"] = {"amount": cents, "currency": payment.amount.currency}
    return "/v1/refunds", body


def record(life: Life, who: str, chance: Random) -> Request | None:
    """Money that came another way: what an invoice owes, some of it, or more."""
    owed = [one for one in invoices_of(life, who) if one.amount_due]
    if not owed:
        return None
    due = owed[0].amount_due
    amount = max(1, due.amount * chance.choice((1, 1, 2)) // chance.choice((1, 1, 2)))
    body = {
        "contact": life.people[who].contact,
        "amount": {"amount": amount, "currency": due.currency},
        "received_on": life.trace.day(life.moment).isoformat(),
        "type": chance.choice(("bank_transfer", "check", "cash")),
        "reference": f"{chance.randrange(10**6)}",
    }
    return "/v1/payments", body


def undo(life: Life, who: str, chance: Random) -> Request | None:
    by_hand = [one for one in payments_of(life, who) if one.origin == "hand"]
    return (f"/v1/payments/{chance.choice(by_hand).id}/undo", {}) if by_hand else None


def once_more(life: Life, who: str, chance: Random) -> Request | None:
    owed = [one for one in invoices_of(life, who) if one.amount_due]
    return (f"/v1/invoices/{chance.choice(owed).id}/pay", {}) if owed else None


def instalments(life: Life, who: str, chance: Random) -> Request | None:
    owed = [one for one in invoices_of(life, who) if one.amount_due]
    if not owed:
        return None
    first = life.trace.day(life.moment)
    days = [first + timedelta(days=n) for n in (chance.choice((0, 3)), 10, 25)]
    parts = [
        {"due_on": day.isoformat(), "percent": percent}
        for day, percent in zip(days, (50, 30, 20), strict=True)
    ]
    return f"/v1/invoices/{chance.choice(owed).id}/payment_schedule", {"instalments": parts}


def collection(life: Life, who: str, chance: Random) -> dict[str, Any]:
    if chance.random() < 0.5:
        return {"collection_method": "send_invoice", "days_until_due": chance.choice((0, 5, 20))}
    return {"collection_method": "charge_automatically", "payment_method": life.people[who].method}


# -- buying ----------------------------------------------------------------------------------------


def sold(life: Life, who: str) -> dict[str, Any]:
    """What a person subscribes to."""
    person = life.person(who)
    way: dict[str, Any] = {"collection_method": person.way} if person.way != "charge_automatically" else {}
    lines = [
        {"name": f"coffee {n}", "unit_amount": str(cents), "quantity": quantity}
        for n, (cents, quantity) in enumerate(person.lines)
    ]
    return {
        "contact": life.people[who].contact,
        "currency": person.currency,
        "frequency": person.frequency,
        "lines": lines,
        "start_delay_days": person.delay,
        **({"payments": person.payments} if person.payments else {}),
        **({"automatic_tax": True} if person.taxed else {}),
        **(way | {"days_until_due": person.terms, "accept_online": True} if way else {}),
    }
