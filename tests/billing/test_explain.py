"""An explanation says all that an amount depends on: someone who has nothing else computes the same invoice."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.explain import explained, written
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee
from chalicelib.billing.sentences import exactly
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Category, Exemption, Tax
from tests.billing import recompute
from tests.billing.sold import subscription, subscriptions

NOW = datetime(2026, 3, 5, 6, tzinfo=UTC)
D = Decimal
NAMES = {"invoice", "number", "id", "product", "code", "name"}
TABLE = (
    Tier(up_to=D(10), unit_amount=D(1250), flat_amount=D(90)),
    Tier(up_to=D("12.5"), unit_amount=D("999.5"), flat_amount=D(70)),
    Tier(unit_amount=D("799.125"), flat_amount=D(500)),
)


def line(n: int = 1, unit_amount: str = "8000", quantity: str = "12.5", **more: Any) -> Line:
    return Line(id=f"li_{n}", name="Coffee", unit_amount=D(unit_amount), quantity=D(quantity), **more)


def rich(currency: str = "usd") -> Invoice:
    """Every kind of line, discount, fee and tax at once, a part of a month, and a balance."""
    once = Share(days=9, of_days=31, start_on=date(2026, 2, 20), end_on=date(2026, 3, 1))
    tax = {"taxes": ("vat", "city")}
    sold = subscription(
        line(1, product="prod_1", discounts=(UnitDiscount(percent=D(10)), UnitDiscount(amount=D("1.5"))), **tax),
        line(2, "0", "12.25", model=Model.GRADUATED, tiers=TABLE, discounts=(UnitDiscount(percent=D("12.5")),), taxes=("vat",)),
        line(3, "0", "11", model=Model.VOLUME, tiers=TABLE, product="prod_1", taxes=("green",)),
        line(4, "0", "13", model=Model.STAIRSTEP, tiers=tuple(replace(tier, unit_amount=D(0)) for tier in TABLE), taxes=("green", "city")),
        line(5, "3333", "1", kind=Kind.ONE_TIME, taxes=("vat",)),
        line(6, "777.7", "3", kind=Kind.PRORATION, share=once, taxes=("vat",)),
        currency=currency,
        cancel_on=date(2026, 3, 25),
        discounts=(
            Discount(coupon="cpn_1", name="WELCOME", percent=D("5.5"), code="HELLO2026"),
            Discount(coupon="cpn_2", name="Seven", amount=Money(701, currency), products=("prod_1",)),
        ),
        fees=(
            Fee(name="Card", types=("card",), percent=D("2.9"), taxes=("vat",)),
            Fee(name="Desk", types=("card",), amount=Money(30, currency)),
        ),
        taxes=(
            Tax(id="vat", name="VAT", percent=D(19)),
            Tax(id="green", name="Green", percent=D("7.7"), inclusive=True),
            Tax(id="city", name="City", percent=D("2.25")),
        ),
    )  # fmt: skip
    return invoice_of(sold, "INV-000001", NOW, balance=1000)


def as_json(invoice: Invoice) -> Any:
    """The explanation as the API sends it."""
    return msgspec.json.decode(msgspec.json.encode(explained(invoice)))


@pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
def test_an_invoice_with_everything_is_recomputed_from_its_explanation(currency: str):
    """The checker, which knows nothing of the core, comes to every amount."""
    recompute.check(as_json(rich(currency)))


@pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
def test_no_number_of_an_explanation_can_be_altered_unnoticed(currency: str):
    """Each number and day, one at a time, also in the sentences, is one too high: the checker objects each time.

    Only the prices of a tier that the quantity does not reach are free: no amount depends on them.
    """
    told = as_json(rich(currency))
    altered = list(alterations(told))
    assert len(altered) > 400
    assert [place for place, alter in altered if unnoticed(told, alter)] == []


def unnoticed(told: Any, alter: Callable[[Any], None]) -> bool:
    changed = copy.deepcopy(told)
    alter(changed)
    assert changed != told
    try:
        recompute.check(changed)
    except (recompute.Wrong, ValueError):
        return False
    return True


def alterations(told: Any, *path: str | int) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Each number below a place, and how to make it another."""
    if isinstance(told, dict):
        for key, value in (told | {"tiers": reached(told)} if "steps" in told else told).items():
            if key not in NAMES:
                yield from alterations(value, *path, key)
    elif isinstance(told, list):
        for n, value in enumerate(told):
            yield from alterations(value, *path, n)
    else:
        for n, other in enumerate(others(told, is_text=path[-1] == "sentence")):
            yield f"{path} {n}", setting(path, other)


def reached(line: Any) -> list[Any]:
    """The tiers of a line, without the prices of those its quantity does not reach."""
    used = {step["tier"] for step in line["steps"]}
    bounds = ("above", "up_to")
    return [
        tier if n in used else {key: tier[key] for key in bounds} for n, tier in enumerate(line["tiers"], 1)
    ]


def others(told: Any, *, is_text: bool) -> list[Any]:
    """What a value may be altered to: each number in it, one higher."""
    if is_text:
        found = re.finditer(r"\d+", told.replace("HELLO2026", "HELLO...."))
        return [f"{told[: one.start()]}{int(one[0]) + 1}{told[one.end() :]}" for one in found]
    if type(told) is int:
        return [told + 1]
    if isinstance(told, str) and re.fullmatch(r"\d+(\.\d+)?(/\d+)?", told):
        return [written(Fraction(told) + 1)]
    if isinstance(told, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", told):
        return [(date.fromisoformat(told) + timedelta(days=1)).isoformat()]
    return []


def setting(path: tuple[str | int, ...], value: Any) -> Callable[[Any], None]:
    def alter(told: Any) -> None:
        for key in path[:-1]:
            told = told[key]
        told[path[-1]] = value

    return alter


@settings(max_examples=200)
@given(subscriptions(), st.sampled_from([None, None, *Exemption]), st.integers(0, 10**5))
def test_any_invoice_is_recomputed_from_its_explanation(
    sold: Subscription, exemption: Exemption | None, balance: int
):
    """Tiers, parts of periods, discounts, coupons, fees and taxes of any kind and currency: nothing is left unsaid."""
    recompute.check(as_json(invoice_of(sold, "INV-000001", NOW, balance=balance, exemption=exemption)))


def test_a_line_is_told_in_a_sentence():
    """Days, price, discount, rounding, coupon and tax, in the order they were applied."""
    sold = subscription(
        replace(line(), discounts=(UnitDiscount(percent=D(10)),), taxes=("vat",)),
        cancel_on=date(2026, 3, 25),
        discounts=(Discount(coupon="cpn_1", name="WELCOME", percent=D(5)),),
        taxes=(Tax(id="vat", name="VAT", percent=D(19)),),
    )
    told = explained(invoice_of(sold, "INV-000001", NOW))
    assert told.lines[0].sentence == (
        "20 days of 31 (5 March to 24 March 2026) of 12.5 × 80.00 USD = 1000.00 USD, less 10 % = 900.00 USD, "
        "is 580.64516… USD, rounded to 580.65 USD; coupon WELCOME (5 % of 580.65 USD) takes 29.03 USD; "
        "VAT 19 % on 551.62 USD is 104.81 USD."
    )
    assert told.discounts[0].sentence == "Coupon WELCOME: 5 % of 580.65 USD takes 29.03 USD."
    assert told.taxes[0].sentence == "VAT: 19 % of 551.62 USD is 104.81 USD, and comes on top."
    assert told.sentence == (
        "The lines come to 580.65 USD, less 29.03 USD (WELCOME), plus 104.81 USD VAT; the total is 656.43 USD: 656.43 USD due."
    )


def test_tiers_are_told():
    """A graduated price is told tier by tier; where one tier is the price of all units, the sentence says which."""
    graduated = line(1, "0", "12", model=Model.GRADUATED, tiers=TABLE)
    volume = line(2, "0", "11", model=Model.VOLUME, tiers=TABLE)
    told = explained(invoice_of(subscription(graduated, volume), "INV-000001", NOW))
    assert [step.amount for step in told.lines[0].steps] == ["12590", "2069"]
    assert told.lines[0].sentence == (
        "5 March to 4 April 2026: 10 × 12.50 USD + 0.90 USD + 2 × 9.995 USD + 0.70 USD = 146.59 USD."
    )
    assert told.lines[1].sentence == (
        "5 March to 4 April 2026: 11 × 9.995 USD + 0.70 USD "
        "(quantity 11 is in tier 2: above 10 up to 12.5) = 110.645 USD, rounded to 110.65 USD."
    )


def test_who_pays_no_tax_is_told_why():
    """A reverse charge is a tax of nothing, and the sentence says whose it is."""
    sold = subscription(replace(line(), taxes=("vat",)), taxes=(Tax(id="vat", name="VAT", percent=D(19)),))
    told = explained(invoice_of(sold, "INV-000001", NOW, exemption=Exemption.REVERSE))
    assert (told.taxes[0].percent, told.taxes[0].category) == ("0", Category.REVERSE_CHARGE)
    assert told.taxes[0].sentence == "VAT on 1000.00 USD: none, reverse charge: the buyer owes it."


def test_what_a_tax_service_said_is_not_called_our_rule():
    """An amount that is not the percentage of the sum is told as it is, and marked."""
    sold = subscription(replace(line(), taxes=("vat",)), taxes=(Tax(id="vat", name="VAT", percent=D(19)),))
    invoice = invoice_of(sold, "INV-000001", NOW)
    assert explained(invoice).taxes[0].by_rate
    told_otherwise = replace(invoice, taxes=(replace(invoice.taxes[0], amount=Money(18999, "usd")),))
    assert not explained(told_otherwise).taxes[0].by_rate


def test_what_settled_an_invoice_is_told():
    """A balance, credits and payments are taken off the total, and a paid invoice owes nothing."""
    invoice = invoice_of(subscription(line()), "INV-000001", NOW, balance=2500)
    credited = replace(invoice, amount_credited=Money(500, "usd"))
    assert explained(credited).sentence == (
        "The lines come to 1000.00 USD; the total is 1000.00 USD: 25.00 USD from the customer's balance, 5.00 USD credited, 970.00 USD due."
    )
    paid = replace(credited, status=InvoiceStatus.PAID, amount_paid=Money(97000, "usd"))
    assert explained(paid).sentence.endswith("5.00 USD credited, 970.00 USD paid, 0.00 USD due.")
    recompute.check(as_json(credited))
    recompute.check(as_json(paid))


def test_an_invoice_of_before_is_explained():
    """One stored without ids, discounts or taxes, as release 0.1 did, is explained too."""
    invoice = invoice_of(subscription(line()), "INV-000001", NOW)
    old = replace(invoice, lines=tuple(replace(one, id="", off=(), taxes=()) for one in invoice.lines))
    recompute.check(as_json(old))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("12.50"), "12.5"),
        (D("1E-12"), "0.000000000001"),
        (D("1E+3"), "1000"),
        (Fraction(18000, 31), "18000/31"),
        (Fraction(-7, 4), "-1.75"),
        (Fraction(1, 3), "1/3"),
        (0, "0"),
        (D("0.00"), "0"),
    ],
)
def test_an_exact_number_is_written_in_digits_or_as_a_fraction(value: Any, text: str):
    """Digits alone where they end, however small the number; else lowest terms."""
    assert written(value) == text


@given(st.fractions())
def test_an_exact_number_is_read_as_what_it_was(value: Fraction):
    """Nothing is lost in writing."""
    assert Fraction(written(value)) == value


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        ("1250", "usd", "12.50 USD"),
        ("1250", "jpy", "1250 JPY"),
        ("1250", "kwd", "1.250 KWD"),
        ("999.5", "usd", "9.995 USD"),
        ("18000/31", "usd", "5.80645… USD"),
        ("0.000000000001", "usd", "0.00000… USD"),
        ("0.5", "jpy", "0.5 JPY"),
        ("0", "usd", "0.00 USD"),
        ("100000/3", "jpy", "33333.333… JPY"),
    ],
)
def test_an_exact_amount_is_told_in_major_units(minor: str, currency: str, text: str):
    """With its currency's decimals at least, and three more at most before it is cut."""
    assert exactly(minor, currency) == text


def test_dates_are_told_with_their_last_day():
    """A period over the new year says both years."""
    sold = replace(subscription(line()), anchor_on=date(2026, 12, 20))
    told = explained(invoice_of(sold, "INV-000001", NOW))
    assert told.lines[0].sentence.startswith("20 December 2026 to 19 January 2027: 12.5 × 80.00 USD")
