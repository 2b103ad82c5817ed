"""A monthly subscription as it is sold, the methods it is charged on, and the schedule that comes for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from chalicelib.billing.collection import Method
from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription

VISA = Method(id="pm_visa", customer="cus_1", label="Visa •••• 4242")
AMEX = Method(id="pm_amex", customer="cus_1", label="American Express •••• 0005")
Step = Callable[[Subscription, datetime], tuple[Subscription, datetime]]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sold(anchor: str = "2026-01-31", **changed: object) -> Subscription:
    """A monthly subscription of a UTC account, sold at midnight of the day it begins."""
    subscription = Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=(Line(id="li_1", name="Coffee", unit_amount=Decimal(2500)),),
        anchor_on=date.fromisoformat(anchor),
        zone="UTC",
        hour=6,
        status=Status.SCHEDULED,
        created_at=at(anchor),
        reminder_days=14,
        method=VISA,
    )
    return replace(subscription, **changed)  # type: ignore[arg-type]


def looked_at(late: timedelta) -> Step:
    """The schedule comes, so late after the moment, and does as operations/renew does."""

    def step(subscription: Subscription, now: datetime) -> tuple[Subscription, datetime]:
        if subscription.wake is None:
            return subscription, now
        now = max(now, subscription.wake.at + late)
        return renewed_at(subscription, now), now

    return step


def renewed_at(subscription: Subscription, now: datetime) -> Subscription:
    if now < subscription.next_at:
        return subscription.reminded_of_next()
    if subscription.ends_first:
        return subscription.canceled(now)
    if subscription.at_its_end:
        return subscription.expired(now)
    return subscription.renewed()
