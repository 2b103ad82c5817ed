"""What people do, by name: each is a request, asked for once and again under the same key until it has an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from sandbox.world import Killed
from sandbox.worlds import pages

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

PAUSES: Final = tuple(timedelta(minutes=m) for m in (2, 2, 40, 240, 700))
"""After no answer the same is asked again; all of it well within the day a key is kept."""
UNSETTLED: Final = frozenset({"idempotency_key_in_use", "conflict", "lost_a_race"})
Request = tuple[str, dict[str, Any]]
Ask = Callable[["Life", str, Random], Request | None]
Then = Callable[["Life", "Asked", int, Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request on its way; `then` goes on from its answer."""

    name: str
    who: str
    path: str
    body: dict[str, Any]
    key: str
    tries: int = 0
    then: Then | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """`often` weighs it against the others; `ask` gives None where there is nothing to ask for."""

    often: int
    ask: Ask
    then: Then | None = None


def do(life: Life, name: str, who: str, seed: int) -> None:
    """Let a person act, if there is anything to act on."""
    chance = Random(seed)
    if name == "subscribe":
        subscribe(life, who)
        return
    request = ACTS[name].ask(life, who, chance)
    if request is not None:
        put(life, name, who, *request, then=ACTS[name].then)


def put(
    life: Life, name: str, who: str, path: str, body: dict[str, Any], *, then: Then | None = None
) -> None:
    """Ask for it under a key of its own."""
    life.asked += 1
    ask(life, Asked(name=name, who=who, path=path, body=body, key=f"key {life.asked}", then=then))


def ask(life: Life, asked: Asked) -> None:
    """One try; what had no answer, or one that is not final, is tried again later."""
    outer, life.act = life.act, asked
    try:
        status, answer = life.call("POST", asked.path, asked.body, asked.key)
    except Killed:
        life.restart()
        status, answer = 0, {}
    finally:
        life.act = outer
    code = answer.get("code", "") if isinstance(answer, dict) else ""
    life.log("act", f"{asked.who} {asked.name} {asked.path} {asked.body} → {status} {code}".rstrip())
    if status in (0, 429, 503) or code in UNSETTLED:
        again = replace(asked, tries=asked.tries + 1)
        if again.tries < len(PAUSES):
            life.later(life.moment + PAUSES[asked.tries], lambda: ask(life, again))
        return
    if status >= 500:
        life.watch.breach(f"{asked.name} was answered {status}: {answer}")
    life.seen[f"act: {asked.name}" if status < 300 else f"refused: {asked.name}: {code}"] += 1
    if asked.then:
        asked.then(life, asked, status, answer)


# -- buying ---------------------------------------------------------------------------------------


def meet(life: Life, who: str) -> None:
    """A person becomes a contact."""
    person = life.person(who)
    body: dict[str, Any] = {"name": who.capitalize(), "email": f"{who}@perennial.example"}
    if person.taxed:
        body["address"] = {"country": "DE", "city": "Berlin"}
    status, answer = life.call("POST", "/v1/contacts", body)
    if status != 201:
        raise AssertionError(answer)
    life.people[who].contact = answer["id"]


def subscribe(life: Life, who: str, method: str | None = None) -> None:
    """A person leaves a method, and subscribes with it; where it is refused, with another a day later.

    Who is sent invoices needs none.
    """
    if life.person(who).way != "charge_automatically":
        put(life, "subscribe", who, "/v1/subscriptions", _sold(life, who), then=_then_subscribed)
        return
    body = {"contact": life.people[who].contact, "payment_method": method or life.person(who).method}
    put(life, "leave a method", who, "/v1/payment_methods", body, then=_then_subscribe)


def _then_subscribe(life: Life, asked: Asked, status: int, answer: Any) -> None:
    if status >= 300:
        life.later(life.moment + timedelta(days=1), lambda: subscribe(life, asked.who, "pm_card_visa"))
        return
    _left(life, asked.who, answer)
    person = life.person(asked.who)
    body = _sold(life, asked.who) | {"payment_method": answer["id"]}
    if person.script and not life.people[asked.who].debit:
        life.stripe.script(*person.script, payment_method=answer["id"])
    put(life, "subscribe", asked.who, "/v1/subscriptions", body, then=_then_subscribed)


def _sold(life: Life, who: str) -> dict[str, Any]:
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


def _left(life: Life, who: str, answer: Any) -> None:
    known = life.people[who]
    known.method, known.customer, known.debit = answer["id"], answer["customer"], answer["type"] != "card"


def _then_subscribed(life: Life, asked: Asked, status: int, answer: Any) -> None:
    if status < 300:
        life.people[asked.who].subscription = answer["id"]


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


def _to(verb: str, body: Callable[[Life, str, Random], dict[str, Any] | None]) -> Ask:
    """A POST to a person's subscription."""

    def ask_(life: Life, who: str, chance: Random) -> Request | None:
        name, said = life.people[who].subscription, None
        if name:
            said = body(life, who, chance)
        return None if said is None else (f"/v1/subscriptions/{name}/{verb}", said)

    return ask_


def _to_invoice(verb: str) -> Ask:
    def ask_(life: Life, who: str, chance: Random) -> Request | None:
        found = invoices_of(life, who)
        return (f"/v1/invoices/{chance.choice(found).id}/{verb}", {}) if found else None

    return ask_


def _ahead(life: Life, chance: Random, days: tuple[int, ...]) -> str:
    return (life.trace.day(life.moment) + timedelta(days=chance.choice(days))).isoformat()


def _pause(life: Life, who: str, chance: Random) -> dict[str, Any]:
    shifts = chance.random() < 0.5
    body: dict[str, Any] = {"shifts": shifts, "prorate": not shifts and chance.random() < 0.5}
    return body | ({"resume_on": _ahead(life, chance, (1, 4, 12, 35))} if chance.random() < 0.6 else {})


def _resume(life: Life, who: str, chance: Random) -> dict[str, Any]:
    shifts = chance.random() < 0.5
    return {"shifts": shifts, "prorate": not shifts and chance.random() < 0.5}


def _move(life: Life, who: str, chance: Random) -> dict[str, Any] | None:
    found = of(life, who)
    on = found.next_on + timedelta(days=chance.choice((-3, 2, 5, 9))) if found else None
    return (
        {"on": on.isoformat(), "prorate": chance.random() < 0.4, "force": chance.random() < 0.7}
        if on
        else None
    )


def _change(life: Life, who: str, chance: Random) -> dict[str, Any] | None:
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


def _credit(life: Life, who: str, chance: Random) -> Request | None:
    found = [one for one in invoices_of(life, who) if one.lines]
    if not found:
        return None
    invoice = chance.choice(found)
    body: dict[str, Any] = {"invoice": invoice.id, "reason": "Sorry"}
    if chance.random() < 0.6:
        cents = max(1, invoice.lines[0].amount.amount // chance.choice((2, 3, 10)))
        body["lines"] = [{"line": 0, "amount": {"amount": cents, "currency": invoice.currency}}]
    return "/v1/credit_notes", body


def _adjust(life: Life, who: str, chance: Random) -> Request | None:
    amount = {"amount": chance.choice((100, 1500, 20_000, -50)), "currency": life.person(who).currency}
    return f"/v1/contacts/{life.people[who].contact}/balance", {"amount": amount, "reason": "By hand"}


def _another(life: Life, who: str, chance: Random) -> Request | None:
    if not life.people[who].subscription:
        return None
    from sandbox.worlds.plan import GOOD, METHODS, takes

    fitting = [one for one in METHODS if takes(life.person(who).currency, one)]
    method = chance.choice(GOOD) if chance.random() < 0.6 else chance.choice(fitting)
    return "/v1/payment_methods", {"contact": life.people[who].contact, "payment_method": method}


def _then(name: str, days: tuple[int, ...], often: float) -> Then:
    """Some come back to what they did: another act of theirs, days later."""

    def goes_on(life: Life, asked: Asked, status: int, answer: Any) -> None:
        chance = Random(f"{name} {asked.key}")
        if status < 300 and chance.random() < often:
            at = life.moment + timedelta(days=chance.choice(days))
            life.later(at, lambda: do(life, name, asked.who, chance.randrange(10**9)))

    return goes_on


def _then_charged_on(life: Life, asked: Asked, status: int, answer: Any) -> None:
    if status >= 300:
        return
    _left(life, asked.who, answer)
    name = life.people[asked.who].subscription
    body = {"payment_method": answer["id"]}
    put(
        life,
        "another method",
        asked.who,
        f"/v1/subscriptions/{name}/payment_method",
        body,
        then=_then_switched,
    )


def _then_switched(life: Life, asked: Asked, status: int, answer: Any) -> None:
    life.people[asked.who].switched = status < 300


def _again(life: Life, who: str, chance: Random) -> Request | None:
    """Who has ended comes back."""
    found = of(life, who)
    if found is None or found.ended_at is None:
        return None
    return "/v1/payment_methods", {"contact": life.people[who].contact, "payment_method": "pm_card_visa"}


def _refund(life: Life, who: str, chance: Random) -> Request | None:
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


def _record(life: Life, who: str, chance: Random) -> Request | None:
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


def _undo(life: Life, who: str, chance: Random) -> Request | None:
    by_hand = [one for one in payments_of(life, who) if one.origin == "hand"]
    return (f"/v1/payments/{chance.choice(by_hand).id}/undo", {}) if by_hand else None


def _once_more(life: Life, who: str, chance: Random) -> Request | None:
    owed = [one for one in invoices_of(life, who) if one.amount_due]
    return (f"/v1/invoices/{chance.choice(owed).id}/pay", {}) if owed else None


def _instalments(life: Life, who: str, chance: Random) -> Request | None:
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


def _collection(life: Life, who: str, chance: Random) -> dict[str, Any]:
    if chance.random() < 0.5:
        return {"collection_method": "send_invoice", "days_until_due": chance.choice((0, 5, 20))}
    return {"collection_method": "charge_automatically", "payment_method": life.people[who].method}


def mend(life: Life, who: str, chance: Random) -> None:
    """Whoever owes something gives a card that works."""
    found = of(life, who)
    if found is None or found.ended_at is not None:
        return
    broken = found.arrears or (found.method and found.method.refused)
    if not broken or chance.random() < 0.2:
        return
    life.people[who].mended = True
    body = {"contact": life.people[who].contact, "payment_method": "pm_card_visa"}
    put(life, "mend", who, "/v1/payment_methods", body, then=_then_charged_on)


def _buys(act: Callable[[Life, str, Random], None]) -> Ask:
    """What a buyer does on a page, which is no request to the API."""

    def ask_(life: Life, who: str, chance: Random) -> Request | None:
        act(life, who, chance)
        return None

    return ask_


ACTS: Final[dict[str, Act]] = {
    "pause": Act(often=3, ask=_to("pause", _pause), then=_then("resume", (2, 9, 30), 0.7)),
    "resume": Act(often=4, ask=_to("resume", _resume)),
    "cancel": Act(often=1, ask=_to("cancel", lambda *_: {})),
    "cancel with credit": Act(often=1, ask=_to("cancel", lambda *_: {"credit": True})),
    "cancel at period end": Act(
        often=2,
        ask=_to("cancel", lambda *_: {"at_period_end": True}),
        then=_then("reactivate", (1, 3, 8), 0.5),
    ),
    "cancel on a day": Act(
        often=2, ask=_to("cancel", lambda life, _, chance: {"on": _ahead(life, chance, (1, 5, 20, 40))})
    ),
    "reactivate": Act(often=3, ask=_to("reactivate", lambda *_: {})),
    "move date": Act(often=3, ask=_to("next_billing_date", _move)),
    "change": Act(often=6, ask=_to("change", _change)),
    "change collection": Act(often=3, ask=_to("collection", _collection)),
    "credit": Act(often=3, ask=_credit),
    "void": Act(often=2, ask=_to_invoice("void")),
    "write off": Act(often=1, ask=_to_invoice("mark_uncollectible")),
    "adjust balance": Act(often=2, ask=_adjust),
    "leave another method": Act(often=5, ask=_another, then=_then_charged_on),
    "come back": Act(often=2, ask=_again, then=_then_subscribe),
    "refund": Act(often=4, ask=_refund),
    "record a payment": Act(often=3, ask=_record, then=_then("undo a payment", (0, 2, 15), 0.3)),
    "undo a payment": Act(often=2, ask=_undo),
    "ask once more": Act(often=3, ask=_once_more),
    "instalments": Act(often=3, ask=_instalments),
    "pay on a page": Act(often=7, ask=_buys(pages.pay)),
    "confirm at the bank": Act(often=6, ask=_buys(pages.confirm)),
    "leave a method on a page": Act(often=4, ask=_buys(pages.leave)),
}
ON_PAGES: Final = frozenset({"pay on a page", "confirm at the bank", "leave a method on a page", "come back"})
"""Acts that are counted by what they come to."""
