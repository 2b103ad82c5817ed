"""Lines and subscriptions as they are ordered today."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from chalicelib.billing.collection import Method
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription

TODAY = date(2026, 1, 31)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def line(name: str, price: int | str, **more: Any) -> Line:
    return Line(id=name, name=name, unit_amount=Decimal(price), **more)


def subscription(*lines: Line, **more: Any) -> Subscription:
    """A subscription as it is sold, from today on."""
    made = Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=lines,
        anchor_on=TODAY,
        zone="UTC",
        hour=6,
        status=Status.SCHEDULED,
        created_at=NOW,
        method=Method(id="pm_1", customer="cus_1", label="Visa"),
    )
    return replace(made, **more)
