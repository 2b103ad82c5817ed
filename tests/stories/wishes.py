"""Subscriptions at random: what is sold, what its bank says, and what people do with it."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from chalicelib.billing.collection import Collection, CollectionMethod
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee
from chalicelib.billing.tax import Tax
from chalicelib.operations.assume import Do

ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC", "Pacific/Apia")
ANCHORS = (date(2026, 1, 31), date(2026, 1, 30), date(2026, 2, 28), date(2026, 2, 3), date(2026, 1, 29))
STARTS_ON = date(2026, 1, 28)
TAXES = (
    Tax(id="txr_1", name="VAT", percent=Decimal(19)),
    Tax(id="txr_2", name="Levy", percent=Decimal("2.125"), inclusive=True),
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    """One to three lines: flat or tiered, decimal prices and quantities, discounted, taxed."""
    return tuple(draw(st.builds(_line, st.just(n), _PRICES, _TAXED)) for n in range(draw(st.integers(1, 3))))


_PRICES = st.one_of(
    st.builds(
        lambda cents, quantity: {"unit_amount": Decimal(cents) / 1000, "quantity": Decimal(quantity) / 4},
        st.integers(1_000_000, 9_000_000),
        st.integers(4, 30),
    ),
    st.builds(
        lambda model, quantity, step: {
            "unit_amount": Decimal(0),
            "quantity": Decimal(quantity),
            "model": model,
            "tiers": (
                Tier(up_to=Decimal(5), unit_amount=_by(model, 900), flat_amount=Decimal(1000)),
                Tier(up_to=Decimal(9), unit_amount=_by(model, 750), flat_amount=Decimal(1000 + step)),
                Tier(unit_amount=_by(model, 333), flat_amount=Decimal(2000)),
            ),
        },
        st.sampled_from((Model.VOLUME, Model.GRADUATED, Model.STAIRSTEP)),
        st.integers(1, 20),
        st.integers(0, 500),
    ),
)
_TAXED = st.fixed_dictionaries(
    {
        "taxes": st.sampled_from(((), ("txr_1",), ("txr_2",), ("txr_1", "txr_2"))),
        "discounts": st.sampled_from(
            ((), (UnitDiscount(percent=Decimal("12.5")),), (UnitDiscount(amount=Decimal(7)),))
        ),
    }
)


def _by(model: Model, cents: int) -> Decimal:
    return Decimal(0) if model is Model.STAIRSTEP else Decimal(cents)


def _line(n: int, price: dict[str, Any], more: dict[str, Any]) -> Line:
    return Line(id=f"li_{n}", name=f"Line {n}", **price, **more)


DISCOUNTS = (
    (),
    (Discount(coupon="co_1", name="Ten", percent=Decimal(10)),),
    (Discount(coupon="co_2", name="First", amount=Money(500, "usd"), once=True),),
    (
        Discount(coupon="co_3", name="Spring", percent=Decimal("33.3"), until_on=date(2026, 5, 15)),
        Discount(coupon="co_4", name="Five", amount=Money(5, "usd")),
    ),
)
FEES = ((), (Fee(name="Card", types=("card",), percent=Decimal("1.5")),))
SETUP = Line(id="li_setup", name="Setup", unit_amount=Decimal(4999), kind=Kind.ONE_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A subscription to be sold, and what is assumed of its days; a deed comes so many days after the start."""

    terms: dict[str, Any]
    declines: tuple[tuple[int, str, int], ...]
    deeds: tuple[tuple[int, Do | None], ...]
    pays: tuple[int, ...] = ()


CHARGED = st.builds(
    Wish,
    terms=st.fixed_dictionaries(
        {
            "frequency": st.sampled_from([one for one in Frequency if one is not Frequency.ONE_TIME]),
            "lines": lines(),
            "anchor_on": st.sampled_from(ANCHORS),
            "zone": st.sampled_from(ZONES),
            "hour": st.sampled_from((0, 2, 6, 23)),
            "reminder_days": st.sampled_from((None, 3, 14)),
            "payments": st.sampled_from((None, None, 3, 9)),
            "discounts": st.sampled_from(DISCOUNTS),
            "fees": st.sampled_from(FEES),
            "extras": st.sampled_from(((), (SETUP,))),
        }
    ),
    declines=st.lists(
        st.tuples(
            st.integers(0, 120),
            st.sampled_from(("insufficient_funds", "insufficient_funds", "generic_decline", "stolen_card")),
            st.integers(1, 6),
        ),
        max_size=2,
    ).map(lambda found: tuple(sorted(found))),
    deeds=st.lists(
        st.tuples(st.integers(5, 200), st.sampled_from((None, *Do))), max_size=2, unique_by=lambda one: one[0]
    ).map(lambda found: tuple(sorted(found, key=lambda one: one[0]))),
)


def _sent(wish: Wish, way: CollectionMethod, days: int, pays: set[int]) -> Wish:
    """The same by invoice: nobody is charged but after a first payment, and what is paid is paid on a page, on some days."""
    collection = Collection(way=way, days_until_due=days)
    return replace(wish, terms=wish.terms | {"collection": collection}, declines=(), pays=tuple(sorted(pays)))


SENT = st.builds(
    _sent,
    CHARGED,
    st.sampled_from((CollectionMethod.SEND_INVOICE, CollectionMethod.CHARGE_AFTER_FIRST_INVOICE)),
    st.sampled_from((0, 7, 45)),
    st.sets(st.integers(5, 200), max_size=3),
)
WISHES = st.one_of(CHARGED, CHARGED, SENT)
BATCHES = st.tuples(
    st.lists(WISHES, min_size=5, max_size=7),
    st.sampled_from(
        (
            RetryPolicy(),
            RetryPolicy(days=(2, 9, 30), at_end=AtEnd.CANCEL),
            RetryPolicy(days=(1, 4), at_end=AtEnd.PAST_DUE),
        )
    ),
)
