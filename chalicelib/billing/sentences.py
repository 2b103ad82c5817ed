"""An explanation in plain English: amounts in major units with their currency's code, days with their months.

The core knows no locale; a page that does may say the same from the same values.
"""

from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from chalicelib.billing.currencies import exponent
from chalicelib.billing.explanation import (
    ExplainedDiscount,
    ExplainedLine,
    ExplainedPart,
    ExplainedPeriod,
    ExplainedReduction,
    ExplainedShare,
    ExplainedStep,
    ExplainedTax,
    Explanation,
)
from chalicelib.billing.money import Exact, Money
from chalicelib.billing.pricing import Model
from chalicelib.billing.tax import Category

MONTHS: Final = """
    January February March April May June July August September October November December""".split()
SPARED: Final = {
    Category.ZERO: "zero-rated",
    Category.EXEMPT: "exempt",
    Category.REVERSE_CHARGE: "reverse charge: the buyer owes it",
    Category.INTRA_COMMUNITY: "sold within the EU: the buyer owes it",
    Category.EXPORT: "exported, so not taxed",
    Category.OUTSIDE: "outside of VAT",
}
MORE: Final = 3
"""How many decimals an exact amount shows beyond its currency's before it is cut."""


def of_line(line: ExplainedLine) -> str:
    """From the days to what is charged, and the taxes' parts."""
    told = [_price(line), *(_coupon(part) for part in line.coupons), *(_tax(share) for share in line.taxes)]
    return "; ".join(told) + "."


def of_discount(one: ExplainedDiscount) -> str:
    """What a coupon took of what."""
    name = f"{one.name} ({one.code})" if one.code else one.name
    return f"Coupon {name}: {_terms(one.percent, one.fixed)} of {money(one.base)} takes {money(one.amount)}."


def of_tax(one: ExplainedTax) -> str:
    """A rate's tax on the sum of its lines."""
    if one.category in SPARED:
        return f"{one.name} on {money(one.base)}: none, {SPARED[one.category]}."
    where = "is inside the prices" if one.inclusive else "comes on top"
    return f"{one.name}: {one.percent} % of {money(one.base)} is {money(one.amount)}, and {where}."


def of_invoice(told: Explanation) -> str:
    """From the sum of the lines to what is due."""
    off = [f"less {money(one.amount)} ({one.name})" for one in told.discounts]
    on_top = [f"plus {money(one.amount)} {one.name}" for one in told.taxes if not one.inclusive]
    inside = [f"{money(one.amount)} {one.name}" for one in told.taxes if one.inclusive]
    settled = [
        (told.amount_applied, "from the customer's balance"),
        (told.amount_credited, "credited"),
        (told.amount_paid, "paid"),
    ]
    total = f"the total is {money(told.total)}" + (f", {' and '.join(inside)} of it inside" if inside else "")
    due = [f"{money(amount)} {how}" for amount, how in settled if amount] + [f"{money(told.amount_due)} due"]
    parts = ", ".join([f"The lines come to {money(told.subtotal)}", *off, *on_top])
    return f"{parts}; {total}: {', '.join(due)}."


def money(amount: Money) -> str:
    """12.50 USD."""
    return exactly(amount.amount, amount.currency)


def exactly(minor: Exact | str, currency: str) -> str:
    """An exact amount of minor units in major ones, cut with an ellipsis where it has many decimals: 580.645… USD."""
    places = exponent(currency)
    value = Fraction(minor) * Fraction(1, 10**places)
    shown = places + MORE
    cut, rest = divmod(value.numerator * 10**shown, value.denominator)
    digits = f"{cut:0{shown + 1}d}"
    whole, decimals = digits[:-shown], digits[-shown:]
    kept = decimals if rest else decimals[:places] + decimals[places:].rstrip("0")
    return f"{whole}{'.' if kept else ''}{kept}{'…' if rest else ''} {currency.upper()}"


def days(period: ExplainedPeriod) -> str:
    """5 March to 24 March 2026, the last day included."""
    last = period.end_on - timedelta(days=1)
    start = _day(period.start_on)
    if period.start_on.year == last.year:
        start = start.removesuffix(f" {last.year}")
    return f"{start} to {_day(last)}"


def _day(on: date) -> str:
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def _price(line: ExplainedLine) -> str:
    """The exact amount's way, and its rounding where it needed one."""
    currency = line.amount.currency
    told = f"{_share(line.period)}{_walk(line)} = {exactly(line.price, currency)}"
    told += "".join(_reduction(one, currency) for one in line.discounts)
    if line.period is not None and line.period.days != line.period.of_days:
        told += f", is {exactly(line.exact, currency)}"
    if Fraction(line.exact) != line.amount.amount:
        told += f", rounded to {money(line.amount)}"
    return told


def _share(period: ExplainedPeriod | None) -> str:
    if period is None:
        return ""
    if period.days == period.of_days:
        return f"{days(period)}: "
    return f"{period.days} days of {period.of_days} ({days(period)}) of "


def _walk(line: ExplainedLine) -> str:
    """The sum of the steps, and for all units in one tier which one that is."""
    currency = line.amount.currency
    if line.base is not None:
        return f"{line.base.percent} % of {money(line.base.of)}"
    if line.model is Model.STAIRSTEP:
        told = " + ".join(exactly(step.flat_amount, currency) for step in line.steps)
    else:
        told = " + ".join(_step(step, currency) for step in line.steps)
    if line.model in (Model.VOLUME, Model.STAIRSTEP):
        told += f" ({_tier(line)})"
    return told


def _step(step: ExplainedStep, currency: str) -> str:
    told = f"{step.quantity} × {exactly(step.unit_amount, currency)}"
    return told if step.flat_amount == "0" else f"{told} + {exactly(step.flat_amount, currency)}"


def _tier(line: ExplainedLine) -> str:
    """Where the quantity falls: tier 2, for quantities above 10 up to 50."""
    step = line.steps[0]
    tier = line.tiers[(step.tier or 1) - 1]
    upper = f" up to {tier.up_to}" if tier.up_to else ""
    return f"quantity {line.quantity} is in tier {step.tier}: above {tier.above}{upper}"


def _reduction(one: ExplainedReduction, currency: str) -> str:
    terms = f"{one.percent} %" if one.unit_amount is None else f"{exactly(one.unit_amount, currency)} each"
    return f", less {terms} = {exactly(one.left, currency)}"


def _coupon(one: ExplainedPart) -> str:
    terms = f"{_terms(one.percent, one.fixed)} of {money(one.base)}"
    if one.part == one.whole:
        return f"coupon {one.name} ({terms}) takes {money(one.part)}"
    return f"coupon {one.name} ({terms} is {money(one.whole)}) takes {money(one.part)} here"


def _terms(percent: str | None, fixed: Money | None) -> str:
    if percent is not None:
        return f"{percent} %"
    return f"{money(fixed)} off" if fixed else "off"


def _tax(one: ExplainedShare) -> str:
    where = " inside" if one.inclusive else ""
    if one.part == one.whole:
        return f"{one.name} {one.percent} % on {money(one.base)} is {money(one.whole)}{where}"
    rate = f"{one.name} {one.percent} % on {money(one.base)} is {money(one.whole)}"
    return f"{rate}, this line's part {money(one.part)}{where}"
