"""What people do, by name: each is a request, asked for once and again under the same key until it has an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from sandbox.world import Killed
from sandbox.worlds import pages, wishes
from sandbox.worlds.wishes import Ask, Request

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

PAUSES: Final = tuple(timedelta(minutes=m) for m in (2, 2, 40, 240, 700))
"""After no answer the same is asked again; all of it well within the day a key is kept."""
UNSETTLED: Final = frozenset({"idempotency_key_in_use", "conflict", "lost_a_race"})
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
        put(life, "subscribe", who, "/v1/subscriptions", wishes.sold(life, who), then=_then_subscribed)
        return
    body = {"contact": life.people[who].contact, "payment_method": method or life.person(who).method}
    put(life, "leave a method", who, "/v1/payment_methods", body, then=_then_subscribe)


def _then_subscribe(life: Life, asked: Asked, status: int, answer: Any) -> None:
    if status >= 300:
        life.later(life.moment + timedelta(days=1), lambda: subscribe(life, asked.who, "pm_card_visa"))
        return
    _left(life, asked.who, answer)
    person = life.person(asked.who)
    body = wishes.sold(life, asked.who) | {"payment_method": answer["id"]}
    if person.script and not life.people[asked.who].debit:
        life.stripe.script(*person.script, payment_method=answer["id"])
    put(life, "subscribe", asked.who, "/v1/subscriptions", body, then=_then_subscribed)


def _left(life: Life, who: str, answer: Any) -> None:
    known = life.people[who]
    known.method, known.customer, known.debit = answer["id"], answer["customer"], answer["type"] != "card"


def _then_subscribed(life: Life, asked: Asked, status: int, answer: Any) -> None:
    if status < 300:
        life.people[asked.who].subscription = answer["id"]


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
    found = wishes.of(life, who)
    if found is None or found.ended_at is None:
        return None
    return "/v1/payment_methods", {"contact": life.people[who].contact, "payment_method": "pm_card_visa"}


def mend(life: Life, who: str, chance: Random) -> None:
    """Whoever owes something gives a card that works."""
    found = wishes.of(life, who)
    if found is None or found.ended_at is not None:
        return
    broken = found.arrears or (found.method and found.method.refused)
    if not broken or chance.random() < 0.2:
        return
    life.people[who].mended_at = life.moment
    body = {"contact": life.people[who].contact, "payment_method": "pm_card_visa"}
    put(life, "mend", who, "/v1/payment_methods", body, then=_then_charged_on)


def _buys(act: Callable[[Life, str, Random], None]) -> Ask:
    """What a buyer does on a page, which is no request to the API."""

    def ask_(life: Life, who: str, chance: Random) -> Request | None:
        act(life, who, chance)
        return None

    return ask_


ACTS: Final[dict[str, Act]] = {
    "pause": Act(often=3, ask=wishes.to("pause", wishes.pause), then=_then("resume", (2, 9, 30), 0.7)),
    "resume": Act(often=4, ask=wishes.to("resume", wishes.resume)),
    "cancel": Act(often=1, ask=wishes.to("cancel", lambda *_: {})),
    "cancel with credit": Act(often=1, ask=wishes.to("cancel", lambda *_: {"credit": True})),
    "cancel at period end": Act(
        often=2,
        ask=wishes.to("cancel", lambda *_: {"at_period_end": True}),
        then=_then("reactivate", (1, 3, 8), 0.5),
    ),
    "cancel on a day": Act(
        often=2,
        ask=wishes.to("cancel", lambda life, _, chance: {"on": wishes.ahead(life, chance, (1, 5, 20, 40))}),
    ),
    "reactivate": Act(often=3, ask=wishes.to("reactivate", lambda *_: {})),
    "move date": Act(often=3, ask=wishes.to("next_billing_date", wishes.move)),
    "change": Act(often=6, ask=wishes.to("change", wishes.change)),
    "change collection": Act(often=3, ask=wishes.to("collection", wishes.collection)),
    "credit": Act(often=3, ask=wishes.credit),
    "void": Act(often=2, ask=wishes.to_invoice("void")),
    "write off": Act(often=1, ask=wishes.to_invoice("mark_uncollectible")),
    "adjust balance": Act(often=2, ask=wishes.adjust),
    "leave another method": Act(often=5, ask=wishes.another, then=_then_charged_on),
    "come back": Act(often=2, ask=_again, then=_then_subscribe),
    "refund": Act(often=4, ask=wishes.refund),
    "record a payment": Act(often=3, ask=wishes.record, then=_then("undo a payment", (0, 2, 15), 0.3)),
    "undo a payment": Act(often=2, ask=wishes.undo),
    "ask once more": Act(often=3, ask=wishes.once_more),
    "instalments": Act(often=3, ask=wishes.instalments),
    "pay on a page": Act(often=7, ask=_buys(pages.pay)),
    "confirm at the bank": Act(often=6, ask=_buys(pages.confirm)),
    "leave a method on a page": Act(often=4, ask=_buys(pages.leave)),
}
ON_PAGES: Final = frozenset({"pay on a page", "confirm at the bank", "leave a method on a page", "come back"})
"""Acts that are counted by what they come to."""
