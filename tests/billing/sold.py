"""Random subscriptions with all that can be on a line and on an invoice, for hypothesis."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from chalicelib.billing.collection import Method
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax

START = date(2026, 3, 5)
CURRENCIES = ("usd", "eur", "jpy", "kwd", "clf")
PRODUCTS = ("prod_1", "prod_2", None)
TAXES = ("t0", "t1", "t2", "t3")


def decimals(most: int, places: int, least: int = 0) -> st.SearchStrategy[Decimal]:
    """Numbers with up to so many decimals, plain ones often."""
    fine = st.builds(
        lambda digits, n: Decimal(f"{digits}E-{n}"), st.integers(least, most), st.integers(0, places)
    )
    return st.integers(least, most).map(Decimal) | fine


amounts = decimals(10**7, 12) | st.just(Decimal(0))
quantities = decimals(10**4, 6, least=1)
percents = st.builds(
    lambda digits, n: Decimal(f"{digits}E-{n}"), st.integers(1, 100), st.integers(0, 6)
) | st.just(Decimal(100))


@st.composite
def tables(draw: st.DrawFn, *, units: bool = True) -> tuple[Tier, ...]:
    """Tiers without gap or overlap, the last one open."""
    bounds = sorted(draw(st.sets(decimals(200, 3, least=1), max_size=4)))
    return tuple(
        Tier(up_to=up_to, unit_amount=draw(amounts) if units else Decimal(0), flat_amount=draw(amounts))
        for up_to in (*bounds, None)
    )


unit_discounts = st.builds(UnitDiscount, percent=percents) | st.builds(UnitDiscount, amount=amounts)


@st.composite
def shares(draw: st.DrawFn) -> Share:
    """A part of March."""
    of_days = draw(st.integers(1, 366))
    days = draw(st.integers(0, of_days))
    return Share(days=days, of_days=of_days, start_on=START, end_on=START + timedelta(days=days))


@st.composite
def lines(draw: st.DrawFn, n: int) -> Line:
    kind = draw(st.sampled_from((None, None, None, Kind.ONE_TIME, Kind.PRORATION)))
    made = Line(
        id=f"li_{n}",
        name="Coffee",
        unit_amount=Decimal(0),
        quantity=draw(quantities),
        product=draw(st.sampled_from(PRODUCTS)),
        discounts=tuple(draw(st.lists(unit_discounts, max_size=2))),
        taxes=tuple(draw(st.lists(st.sampled_from(TAXES), max_size=3, unique=True))),
        kind=kind,
        share=draw(shares()) if kind is Kind.PRORATION else None,
    )
    model = draw(st.sampled_from((None, *Model)))
    if model in (None, Model.FLAT):
        return replace(made, model=model, unit_amount=draw(amounts))
    return replace(made, model=model, tiers=draw(tables(units=model is not Model.STAIRSTEP)))


@st.composite
def coupons(draw: st.DrawFn, n: int, currency: str) -> Discount:
    products = tuple(draw(st.lists(st.sampled_from(("prod_1", "prod_2", "prod_3")), max_size=2, unique=True)))
    made = Discount(coupon=f"cpn_{n}", name="WELCOME", products=products)
    if draw(st.booleans()):
        return replace(made, percent=draw(percents), code="HELLO2026")
    return replace(made, amount=Money(draw(st.integers(1, 10**6)), currency))


@st.composite
def rates(draw: st.DrawFn) -> tuple[Tax, ...]:
    """Four rates, some inside the price; not all of them on every line."""
    return tuple(
        Tax(
            id=id_,
            name="VAT",
            percent=draw(percents),
            inclusive=draw(st.booleans()),
            once=draw(st.booleans()),
        )
        for id_ in TAXES
    )


@st.composite
def fees(draw: st.DrawFn, currency: str) -> Fee:
    taxes = tuple(draw(st.lists(st.sampled_from(TAXES), max_size=2, unique=True)))
    made = Fee(name="Card", types=("card",), taxes=taxes)
    if draw(st.booleans()):
        return replace(made, percent=draw(percents))
    return replace(made, amount=Money(draw(st.integers(1, 500)), currency))


@st.composite
def subscriptions(draw: st.DrawFn) -> Subscription:
    """Of one to five lines, in currencies of any number of decimals; some end within their period."""
    currency = draw(st.sampled_from(CURRENCIES))
    made = subscription(
        *(draw(lines(n)) for n in range(draw(st.integers(1, 5)))),
        currency=currency,
        taxes=draw(rates()),
        discounts=tuple(draw(coupons(n, currency)) for n in range(draw(st.integers(0, 3)))),
        fees=tuple(draw(fees(currency)) for _ in range(draw(st.integers(0, 2)))),
    )
    cut = draw(st.none() | st.integers(1, 30))
    return made if cut is None else replace(made, cancel_on=START + timedelta(days=cut))


def subscription(*lines: Line, currency: str = "usd", **more: Any) -> Subscription:
    """Monthly from 5 March 2026, by card."""
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency=currency,
        frequency=Frequency.MONTHLY,
        lines=lines,
        anchor_on=START,
        zone="UTC",
        hour=6,
        status=Status.ACTIVE,
        created_at=datetime(2026, 1, 30, tzinfo=UTC),
        method=Method(id="pm_1", customer="cus_1", label="Visa •••• 4242"),
        **more,
    )
