"""A second opinion on what was due: the calendar of each subscription reckoned again from what people asked for.

It follows the facts in the order in which they were committed. It imports nothing of the product's rules: boundaries
are counted here from the day a subscription began, an instant is a local day at the billing hour, and a cycle's price
is what was agreed, in whole cents. Whatever was billed and was not due, or was due and nobody billed at a quiet
moment, is a sentence.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from chalicelib.billing.events import Event
from chalicelib.billing.invoices import Invoice

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

LENGTHS: Final = {
    "weekly": (0, 7), "biweekly": (0, 14), "monthly": (1, 0), "quarterly": (3, 0), "per_six_months": (6, 0), "annually": (12, 0),
}  # fmt: skip
"""Months and days of an interval."""


@dataclass(slots=True)
class Reckoned:
    """What is known of a subscription from what was asked for; `at` is how many intervals its next boundary is from `anchor`."""

    id: str
    frequency: str
    anchor: date
    prices: dict[str, tuple[int, int]]
    payments: int | None
    at: int = 0
    billed: int = 0
    saved: dict[str, Any] | None = None
    paused_on: date | None = None
    resumes: dict[str, Any] = field(default_factory=dict)
    cancel_on: date | None = None
    at_period_end: bool = False
    ended: bool = False
    record_only: bool = False

    def boundary(self, n: int) -> date:
        """The day so many intervals from the anchor, the last of a shorter month."""
        months, days = LENGTHS[self.frequency]
        if days:
            return self.anchor + timedelta(days=days * n)
        year, month = divmod(self.anchor.year * 12 + self.anchor.month - 1 + months * n, 12)
        return date(year, month + 1, min(self.anchor.day, calendar.monthrange(year, month + 1)[1]))

    @property
    def next_on(self) -> date:
        """The local day of the next boundary."""
        return self.boundary(self.at)

    @property
    def over(self) -> bool:
        """Whether all payments of a fixed term have been billed."""
        return self.payments is not None and self.billed >= self.payments

    @property
    def ends_on(self) -> date | None:
        """The day a planned cancellation comes."""
        return self.next_on if self.at_period_end else self.cancel_on

    def restart(self, on: date) -> None:
        """Counted from another day."""
        self.anchor, self.at = on, 0

    def price(self) -> int:
        """Of a whole period, in cents."""
        return sum(cents * quantity for cents, quantity in self.prices.values())


class Trace:
    """Follows the facts, and keeps what does not follow from them in the watch."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self.subscriptions: dict[str, Reckoned] = {}
        self._zone, self._hour = ZoneInfo(life.plan.zone), life.plan.hour
        self.opened: set[str] = set()
        self._readers = {
            "subscription.created": self._created,
            "invoice.opened": self._opened,
            "subscription.changed": self._changed,
            "subscription.paused": self._paused,
            "subscription.resumed": self._resumed,
            "subscription.cancel_scheduled": self._canceling,
            "subscription.reactivated": self._reactivated,
            "subscription.canceled": self._canceled,
            "subscription.expired": self._expired,
        }

    def day(self, at: datetime) -> date:
        """The local day of a moment."""
        return at.astimezone(self._zone).date()

    def moment(self, on: date) -> datetime:
        """A local day at the billing hour, which no clock change touches."""
        return datetime(on.year, on.month, on.day, self._hour, tzinfo=self._zone).astimezone(UTC)

    def fact(self, event: Event) -> None:
        """One more fact has been committed."""
        if event.version > 1:
            return
        self._life.seen[f"fact: {event.type}"] += 1
        read = self._readers.get(str(event.type))
        if read is not None:
            read(event)

    def _of(self, event: Event) -> Reckoned:
        return self.subscriptions[event.about.get("subscription", event.subject)]

    def _wrong(self, sentence: str) -> None:
        self._life.watch.breach(sentence)

    @property
    def _asked(self) -> dict[str, Any]:
        """The body of the act that is being done, if any."""
        return (self._life.act.body or {}) if self._life.act else {}

    def _named(self, *names: str) -> bool:
        return self._life.act is not None and self._life.act.name in names

    # -- facts ------------------------------------------------------------------------------------

    def _created(self, event: Event) -> None:
        body = self._asked
        today = self.day(self._life.moment)
        self.subscriptions[event.subject] = Reckoned(
            id=event.subject,
            frequency=body["frequency"],
            anchor=today + timedelta(days=body.get("start_delay_days") or 0),
            prices={
                f"li_{n}": (int(one["unit_amount"]), int(one.get("quantity", 1)))
                for n, one in enumerate(body["lines"], 1)
            },
            payments=body.get("payments"),
            record_only=bool(body.get("record_only")),
        )

    def _opened(self, event: Event) -> None:
        known = self._of(event)
        invoice: Invoice = self._life.watch.get(Invoice, event.subject)
        if invoice.id in self.opened:
            self._wrong(f"{invoice.id} was issued twice.")
        self.opened.add(invoice.id)
        if not invoice.besides:
            self._cycle(known, invoice)

    def _cycle(self, known: Reckoned, invoice: Invoice) -> None:
        """The invoice of a cycle: the next one, due, for what was agreed."""
        self._take_effect(known)
        due_on, name = known.next_on, f"{invoice.id} of {known.id}"
        if known.ended or known.paused_on or known.over or known.record_only:
            self._wrong(f"{name} was issued, and nothing was due: {known}.")
        if invoice.period_start_on != due_on:
            self._wrong(f"{name} begins on {invoice.period_start_on}; due was the cycle of {due_on}.")
        if self._life.moment < self.moment(due_on):
            self._wrong(f"{name} was issued at {self._life.moment}, before {self.moment(due_on)}.")
        ends_on = known.boundary(known.at + 1)
        wanted = known.price()
        if known.cancel_on and due_on <= known.cancel_on < ends_on:
            part = Fraction((known.cancel_on - due_on).days, (ends_on - due_on).days)
            wanted = sum(_half_up(cents * quantity * part) for cents, quantity in known.prices.values())
            ends_on = known.cancel_on
        charged = sum(line.amount.amount for line in invoice.lines if line.kind is None)
        if (charged, invoice.period_end_on) != (wanted, ends_on):
            self._wrong(
                f"{name} charges {charged} up to {invoice.period_end_on}; agreed were {wanted} up to {ends_on}."
            )
        known.at, known.billed = known.at + 1, known.billed + 1

    def _take_effect(self, known: Reckoned) -> None:
        saved, known.saved = known.saved, None
        if saved is None:
            return
        self._sell(known, saved)
        if saved.get("frequency") not in (None, known.frequency):
            on = known.next_on
            known.frequency = saved["frequency"]
            known.restart(on)

    def _sell(self, known: Reckoned, body: dict[str, Any]) -> None:
        """Other prices or quantities."""
        if body.get("lines"):
            kept = {one["id"]: one for one in body["lines"]}
            known.prices = {
                id_: (int(kept[id_].get("unit_amount", cents)), int(kept[id_].get("quantity", quantity)))
                for id_, (cents, quantity) in known.prices.items()
                if id_ in kept
            }
        for id_, quantity in (body.get("quantities") or {}).items():
            known.prices[id_] = (known.prices[id_][0], int(quantity))

    def _changed(self, event: Event) -> None:
        known = self._of(event)
        body = self._asked
        if self._named("move date"):
            if date.fromisoformat(body["on"]) != known.next_on:
                known.restart(date.fromisoformat(body["on"]))
        elif not self._named("change"):
            return  # how it is collected, which is nothing to the calendar
        elif known.billed and body.get("proration", "none") == "none":
            known.saved = body
        else:
            self._now(known, body)

    def _now(self, known: Reckoned, body: dict[str, Any]) -> None:
        self._sell(known, body)
        known.saved = None
        if body.get("frequency") not in (None, known.frequency):
            on = self.day(self._life.moment) if known.billed else known.next_on
            known.frequency = body["frequency"]
            known.restart(on)

    def _paused(self, event: Event) -> None:
        known = self._of(event)
        known.paused_on, known.resumes = self.day(self._life.moment), self._asked

    def _resumed(self, event: Event) -> None:
        known = self._of(event)
        by_hand = self._named("resume")
        how = self._asked if by_hand else known.resumes
        today = self.day(self._life.moment)
        if not by_hand:
            if not how.get("resume_on"):
                self._wrong(f"{known.id} was resumed, and nobody asked for it.")
                return
            today = date.fromisoformat(how["resume_on"])
            if self._life.moment < self.moment(today):
                self._wrong(f"{known.id} was resumed at {self._life.moment}, before {self.moment(today)}.")
        lasted = today - (known.paused_on or today)
        known.paused_on, known.resumes = None, {}
        if how.get("shifts", True):
            if lasted:
                known.restart(known.next_on + lasted)
        elif not known.over:
            while known.next_on < today:
                known.at += 1

    def _canceling(self, event: Event) -> None:
        known = self._of(event)
        on = self._asked.get("on")
        known.at_period_end, known.cancel_on = on is None, date.fromisoformat(on) if on else None

    def _reactivated(self, event: Event) -> None:
        known = self._of(event)
        known.at_period_end, known.cancel_on = False, None

    def _canceled(self, event: Event) -> None:
        known = self._of(event)
        given_up = event.about.get("status") == "canceled"
        planned = known.ends_on is not None and self.moment(known.ends_on) <= self._life.moment
        if not (
            self._named("cancel", "cancel with credit")
            or planned
            or (given_up and self._life.plan.policy.get("at_end") == "cancel")
        ):
            self._wrong(f"{known.id} was canceled, and nobody asked for it.")
        known.ended = True

    def _expired(self, event: Event) -> None:
        known = self._of(event)
        if not known.over or self.moment(known.next_on) > self._life.moment:
            self._wrong(f"{known.id} expired before its term was over: {known}.")
        known.ended = True

    # -- quiet moments ----------------------------------------------------------------------------

    def quiet(self) -> None:
        """Nothing moves: what has come due must have been billed, resumed or ended."""
        for known in self.subscriptions.values():
            if not known.ended and not known.record_only and (late := self._late(known)):
                self._wrong(f"{known.id} was {late}, and nothing happened: {known}.")
                known.ended = True  # said once

    def _late(self, known: Reckoned) -> str | None:
        now = self._life.moment
        ends_on = known.ends_on
        if ends_on and self.moment(ends_on) <= now:
            return f"to be canceled on {ends_on}"
        if known.paused_on:
            on = known.resumes.get("resume_on")
            return f"to be resumed on {on}" if on and self.moment(date.fromisoformat(on)) <= now else None
        if self.moment(known.next_on) <= now:
            return f"to be {'ended' if known.over else 'billed'} on {known.next_on}"
        return None


def _half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2))
