"""What is simulated is what happens: the same invoices, payments, letters, facts and statuses, in every field but the number."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from chalicelib.billing.collection import Method
from chalicelib.billing.deliveries import Delivery, DeliveryStatus, Letter
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.numbering import name_of
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.periods import Frequency, moment
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import advance, attach, buyers, cancel, checkout, create, pause, publish, simulate
from chalicelib.operations.assume import Assumption, Do
from chalicelib.operations.rehearse import HappeningKind
from chalicelib.operations.simulate import Simulation
from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from sandbox.world import World
from sandbox.worlds.steady import in_turn
from tests.stories.buyer import pays
from tests.stories.diary import Diary
from tests.stories.wishes import BATCHES, STARTS_ON, TAXES, WISHES, Wish

OWN_CLOCK = {
    "request",
    "sent_at",
    "leased_until",
    "look_at",
    "looks",
    "reference",
    "fee",
    "net",
    "reason",
    "session",
}
"""Fields of a payment that are real time's or Stripe's, such as its words for a decline; the description of a request has the invoice's number."""
ON_PAGE = {"method_label", "method_type", "version"}
"""Fields of a payment on a page that its buyer decides there, and how often it was looked at while they did."""


SEEDED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
WEEKLY = Wish(
    terms={
        "anchor_on": date(2026, 1, 29),
        "frequency": Frequency.WEEKLY,
        "lines": (Line(id="li_1", name="Coffee", unit_amount=Decimal(2500)),),
        "zone": "Australia/Lord_Howe",
        "hour": 23,
    },
    declines=((6, "insufficient_funds", 5), (15, "insufficient_funds", 5)),
    deeds=(),
)
"""Two of its invoices are asked for at one moment, and the bank declines but one more."""


@pytest.fixture(autouse=True)
def one_after_another() -> Iterator[None]:
    """Charges of one moment are put in their order, as they are foretold.

    Side by side a bank meets them in any order: which of them it declines, if it declines one, nobody can foretell.
    """
    with in_turn():
        yield


@settings(SEEDED, max_examples=3)
@given(batch=BATCHES)
@example(batch=([WEEKLY], RetryPolicy(days=(2, 9, 30), at_end=AtEnd.CANCEL)))
def test_a_simulation_is_what_happens(world: World, batch: tuple[list[Wish], RetryPolicy]):
    """For random subscriptions, declines, pauses and cancellations, eight months later all is as it was foretold."""
    _foretold_and_lived(world, *batch)


@pytest.mark.slow
@settings(SEEDED, max_examples=8)
@given(batch=st.tuples(st.lists(WISHES, min_size=8, max_size=8), BATCHES.map(lambda one: one[1])))
def test_many_simulations_are_what_happens(world: World, batch: tuple[list[Wish], RetryPolicy]):
    """The same for sixty-four more."""
    _foretold_and_lived(world, *batch)


def test_an_account_in_real_time_lives_as_foretold(diary: Diary):
    """With every message twice: a fortnightly plan whose card declines twice, and the letters in the customer's inbox."""
    id_ = diary.subscribes("ada", "coffee-500g", on="2026-01-10")
    assume = [{"on": "2026-01-11", "declines": "insufficient_funds", "times": 2}]
    told = diary.post(f"/v1/subscriptions/{id_}/simulate", until="2026-03-12", assume=assume)
    diary.it_is("2026-01-11")
    diary.card("ada", "insufficient_funds", "insufficient_funds")
    diary.it_is("2026-03-12", hour=23)
    issued = {row["id"]: row for row in diary.every(f"/v1/invoices?subscription={id_}")}
    for one in told["invoices"]:
        assert issued.pop(one["id"]) | {"number": ""} == one | {"number": ""}
    assert not issued
    paid = diary.every(f"/v1/payments?subscription={id_}")
    seen = ("id", "status", "amount", "created_at", "settled_at", "decline_code")
    assert [[row[name] for name in seen] for row in reversed(paid)] == [
        [row[name] for name in seen] for row in told["payments"]
    ]
    letters = [one["what"] for one in told["happenings"] if one["kind"] == "letter"]
    assert ["subscribed", *letters] == diary.every_letter("ada")
    assert "payment_failed" in letters


def _foretold_and_lived(world: World, wishes: list[Wish], retries: RetryPolicy) -> None:
    """Simulate at the start and again on the way, live the days, and compare."""
    told = Told(world, retries)
    sold = [told.sells(wish) for wish in wishes]
    end_on = STARTS_ON + timedelta(days=240)
    first = {one.id: told.simulated(one, end_on) for one in sold}
    assert told.written() == told.written_before
    later = {}
    half_way = STARTS_ON + timedelta(days=75)
    for on in sorted(
        {day for one in sold for day in one.days(told)} | {half_way, end_on + timedelta(days=1)}
    ):
        told.it_is(on)
        if on == half_way:
            later = {one.id: told.simulated(one, end_on, since=on) for one in sold}
        for one in sold:
            told.does(one, on)
    world.settle()
    for one in sold:
        told.compare(one, first[one.id], STARTS_ON)
        told.compare(one, later[one.id], half_way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A subscription at work, and what it was sold on."""

    id: str
    contact: str
    customer: str
    other_card: str
    wish: Wish

    def days(self, told: "Told") -> Iterator[date]:
        yield from (day for day, _, _ in told.declines(self))
        yield from (day for day, _ in told.deeds(self))
        yield from told.pays(self)


class Told:
    """An account with a clock of its own, at midnight where it is, and what is foretold of it."""

    def __init__(self, world: World, retries: RetryPolicy) -> None:
        self.world = world
        self.service: Service = world.service()
        self.account = create.account(
            self.service,
            name="Roaster",
            email="roaster@perennial.example",
            currency="usd",
            zone="America/New_York",
            livemode=False,
            retries=retries,
            clock_at=moment(STARTS_ON, 0, "America/New_York"),
        )
        self.written_before: Any = None

    # -- what people do ---------------------------------------------------------------------------

    def sells(self, wish: Wish) -> Sold:
        """Sold as `subscribe` does it, with terms its order cannot say yet."""
        service, account = self.service, self.account.id
        contact = buyers.contact(service, account, {"name": "Ada", "email": "ada@perennial.example"})
        card = attach.payment_method(service, account, contact.id, "pm_card_visa")
        other = attach.payment_method(service, account, contact.id, "pm_card_mastercard")
        subscription = Subscription(
            account=account,
            id=service.new_id("sub_"),
            contact=contact.id,
            currency="usd",
            status=Status.SCHEDULED,
            created_at=self.at.now,
            method=None
            if "collection" in wish.terms
            else Method(id=card.id, customer=card.customer, label=card.label),
            taxes=TAXES,
            **wish.terms,
        )
        changes = Changeset(account)
        changes.put(subscription)
        about = {"contact": contact.id, "subscription": subscription.id}
        publish.fact(changes, EventType.SUBSCRIPTION_CREATED, subscription, about, self.at)
        service.store.commit(changes)
        self.written_before = self.written()
        return Sold(
            id=subscription.id, contact=contact.id, customer=card.customer, other_card=other.id, wish=wish
        )

    def does(self, one: Sold, on: date) -> None:
        """What was assumed of a day is done on it; what is refused changes nothing, as it was foretold."""
        for day, code, times in self.declines(one):
            if day == on:
                self.world.stripe("POST", "script", {"customer": one.customer, "outcomes": [code] * times})
        for day, deed in self.deeds(one):
            if day == on:
                self._does(one, deed)
        if on in self.pays(one):
            self._pays(one)

    def _pays(self, one: Sold) -> None:
        """Whatever is open is paid on Stripe's page, and its buyer led back."""
        found = self.service.store.get(Subscription, self.account.id, one.id)
        if owed := [invoice.id for invoice in self._invoices(found) if invoice.amount_due]:
            pays(checkout.pay(self.service, self.account.id, owed, back_url="https://pay.perennial.example"))
            there = next(pay for pay in self._payments(one) if pay.status is PaymentStatus.CHECKOUT)
            checkout.refresh(self.service, self.account.id, there.id)

    def _does(self, one: Sold, deed: Do | None) -> None:
        service, account = self.service, self.account.id
        try:
            match deed:
                case None:
                    attach.to_subscription(service, account, one.id, one.other_card)
                case Do.CANCEL:
                    cancel.subscription(service, account, one.id, at_period_end=False)
                case Do.CANCEL_AT_PERIOD_END:
                    cancel.subscription(service, account, one.id, at_period_end=True)
                case Do.REACTIVATE:
                    cancel.off(service, account, one.id)
                case Do.PAUSE:
                    pause.subscription(service, account, one.id)
                case Do.RESUME:
                    pause.over(service, account, one.id, shifts=True)
        except WrongState:
            pass

    def declines(self, one: Sold) -> list[tuple[date, str, int]]:
        return [(STARTS_ON + timedelta(days=after), code, times) for after, code, times in one.wish.declines]

    def deeds(self, one: Sold) -> list[tuple[date, Do | None]]:
        return [(STARTS_ON + timedelta(days=after), deed) for after, deed in one.wish.deeds]

    def pays(self, one: Sold) -> list[date]:
        return [STARTS_ON + timedelta(days=after) for after in one.wish.pays]

    def it_is(self, on: date) -> None:
        """The clock goes on to the beginning of a local day."""
        at = moment(on, 0, self.account.zone)
        if at > self.at.now:
            business = advance.to(self.service, self.account.id, at)
            while business.clock is not None and business.clock.target_at is not None:
                advance.clocks(self.service, self.account.id, [])
                business = self.service.store.get(Account, self.account.id, self.account.id)
        self.world.drain()

    # -- what is foretold, and what is there --------------------------------------------------------

    @property
    def at(self) -> Moment:
        return Moment(self.service.store.get(Account, self.account.id, self.account.id), self.service.real())

    def simulated(self, one: Sold, end_on: date, since: date = STARTS_ON) -> Simulation:
        """What is to come, told what is assumed of the days from one on."""
        left = self._left(one, since)
        deeds = [
            Assumption(on=on, do=deed) if deed else Assumption(on=on, payment_method=one.other_card)
            for on, deed in self.deeds(one)
            if on >= since
        ]
        paid = [Assumption(on=on, pays=True) for on in self.pays(one) if on >= since]
        return simulate.subscription(self.service, self.account.id, one.id, end_on, [*left, *deeds, *paid])

    def _left(self, one: Sold, since: date) -> list[Assumption]:
        """The declines that the bank has still to say: those scripted before are said in their order."""
        declined = sum(payment.decline_code is not None for payment in self._payments(one))
        found = []
        for on, code, times in self.declines(one):
            said = min(declined, times) if on < since else 0
            declined -= said
            if times > said:
                found.append(Assumption(on=max(on, since), declines=code, times=times - said))
        return found

    def written(self) -> list[Any]:
        """The versions of all that is in the table, of every account."""
        return sorted(_scan())

    def compare(self, one: Sold, foretold: Simulation, since: date) -> None:
        """All that has come since a day is as it was foretold."""
        begin = moment(since, 0, self.account.zone)
        subscription = self.service.store.get(Subscription, self.account.id, one.id)
        assert foretold.complete
        assert _of_subscription(subscription, foretold) == foretold.subscription
        invoices = self._invoices(subscription)
        mine = {invoice.id: _of_invoice(invoice) for invoice in invoices if invoice.issued_at >= begin}
        assert mine == {invoice.id: _of_invoice(invoice) for invoice in foretold.invoices}
        paid = {pay.id: _of_payment(one, pay) for pay in self._payments(one) if pay.created_at >= begin}
        assert paid == {pay.id: _of_payment(one, pay) for pay in foretold.payments}
        events, letters = self._told_since(one, begin)
        kinds = (HappeningKind.EVENT, HappeningKind.LETTER)
        assert sorted([*events, *letters]) == sorted(
            (told.at, str(told.kind), told.what, _letter(one, told.subject), told.to or "")
            for told in foretold.happenings
            if told.kind in kinds
        )

    def _invoices(self, subscription: Subscription) -> list[Invoice]:
        names = [name_of(subscription.id, n) for n in range(subscription.ordinal)]
        return [self.service.store.get(Invoice, self.account.id, name) for name in names]

    def _payments(self, one: Sold) -> list[Payment]:
        return [
            record
            for record in _all(self.service, f"{self.account.id}/payment")
            if isinstance(record, Payment) and record.subscription == one.id
        ]

    def _told_since(self, one: Sold, begin: datetime) -> tuple[list[Any], list[Any]]:
        letters = [
            (record.created_at, "letter", str(record.letter), _letter(one, record.id), self._to(record))
            for record in self._deliveries
            if record.contact == one.contact
            and record.letter is not Letter.SUBSCRIBED
            and record.created_at >= begin
        ]
        events = [
            (record.created_at, "event", str(record.type), record.subject, "")
            for record in self._events
            if record.about.get("subscription") == one.id
            and record.type is not EventType.SUBSCRIPTION_CREATED
            and record.created_at >= begin
        ]
        return events, letters

    def _to(self, letter: Delivery) -> str:
        """Who got it; or would have: this clock passes days before letters go, and what is settled by then is not told."""
        if letter.status is DeliveryStatus.SKIPPED:
            assert letter.letter in (
                Letter.PAYMENT_FAILED,
                Letter.UPCOMING_PAYMENT,
                Letter.OVERDUE,
                Letter.ACTION_REQUIRED,
                Letter.CHANGED,
                Letter.CANCELED,
                Letter.METHOD_UPDATED,
            ), letter
            return self.service.store.get(Contact, self.account.id, letter.contact).email
        return letter.to or ""

    @cached_property
    def _deliveries(self) -> list[Delivery]:
        """All letters, read once: when all is over."""
        found = _all(self.service, f"{self.account.id}/delivery")
        return [record for record in found if isinstance(record, Delivery)]

    @cached_property
    def _events(self) -> list[Event]:
        """All facts, read once: when all is over."""
        days = (self.at.now.date() - STARTS_ON).days
        owners = [f"{self.account.id}/event/{STARTS_ON + timedelta(days=n)}" for n in range(days + 1)]
        found = (record for owner in owners for record in _all(self.service, owner))
        return [record for record in found if isinstance(record, Event)]


def _all(service: Service, owner: str) -> Iterator[Any]:
    after = None
    while True:
        page = service.store.owned(owner, limit=100, after=after)
        yield from page.records
        after = page.next
        if after is None:
            return


def _scan() -> Iterator[tuple[str, str]]:
    pages = boto3.Session().client("dynamodb").get_paginator("scan").paginate(TableName="perennial")
    for page in pages:
        for item in page["Items"]:
            yield item["key"]["S"], item.get("version", {"N": "0"})["N"]


def _of_subscription(found: Subscription, foretold: Simulation) -> Subscription:
    """With the method it was assumed to be paid with, where its buyer chose one on a page.

    How often it was written is not compared: what happens at one moment is one write or two, as workers meet it.
    """
    assumed = foretold.subscription.method
    found = replace(found, version=foretold.subscription.version)
    return replace(found, method=assumed) if assumed and found.method and assumed.id == "assumed" else found


def _letter(one: Sold, name: str) -> str:
    """The name of a letter, without how often a payment had been looked at where it was made on a page."""
    return re.sub(r"_\d+_payment_", "_payment_", name) if one.wish.pays else name


def _of_invoice(invoice: Invoice) -> Invoice:
    return replace(invoice, number="")


def _of_payment(one: Sold, payment: Payment) -> dict[str, Any]:
    names = set(Payment.__dataclass_fields__) - OWN_CLOCK - (ON_PAGE if one.wish.pays else set())
    return {name: getattr(payment, name) for name in names}
