"""The field's cases on rounding and on sharing an amount."""

from decimal import Decimal
from fractions import Fraction

from chalicelib.billing import money
from chalicelib.billing.currencies import EXPONENTS
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money
from tests.cases import field
from tests.cases.field import Case, Values


@field.cases("rounding_allocation")
def test_rounding_and_allocation(case: Case):
    """Halves go away from zero, and an amount is shared by largest remainder.

    Another mode of rounding runs where it rounds the same: everywhere but at a half, and at a half it takes away from
    zero. The running remainder runs where the unit left over is the first part's by both.
    """
    field.check(case, {
        "round": rounded,
        "round_to_unit": rounded_to_unit,
        "cash_rounding": rounded_to_coin,
        "round_currency": rounded_to_currency,
        "is_rounded": is_rounded,
        "allocate": allocated,
        "allocate_equal": allocated_equally,
        "allocate_weights": allocated_by_name,
    })  # fmt: skip


def rounded(given: Values) -> Values:
    value = Fraction(given["value"])
    of_our_mode(given["mode"], value)
    return {"rounded": str(money.round_half_up(Decimal(given["value"])))}


def rounded_to_unit(given: Values) -> Values:
    unit = 10 ** given["power_of_ten"]
    value = Fraction(given["amount_minor"], unit)
    of_our_mode(given["mode"], value)
    return {"amount_minor": money.round_half_up(value) * unit}


def rounded_to_coin(given: Values) -> Values:
    coin = given["smallest_cash_minor"]
    return {"amount_minor": money.round_half_up(Fraction(given["amount_minor"], coin)) * coin}


def rounded_to_currency(given: Values) -> Values:
    of_our_decimals(given)
    return {"rounded": str(money.from_major(Decimal(given["value"]), given["currency"].lower()).major())}


def is_rounded(given: Values) -> Values:
    of_our_decimals(given)
    value = Decimal(given["value"])
    return {"rounded_already": money.from_major(value, given["currency"].lower()).major() == value}


def allocated(given: Values) -> Values:
    ratios = [Fraction(str(ratio)) for ratio in given["ratios"]]
    if given.get("convention", "largest remainder") != "largest remainder":
        of_one_unit_over(given["total_minor"], ratios)
    return shared(given["total_minor"], ratios)


def allocated_equally(given: Values) -> Values:
    return shared(given["total_minor"], [Fraction(1)] * given["parts"], "invalid parts")


def allocated_by_name(given: Values) -> Values:
    of_our_decimals(given)
    names = [name for name, _ in given["weights"]]
    try:
        whole = money.parse_major(given["total"], given["currency"].lower())
        parts = money.split(whole, [Decimal(weight) for _, weight in given["weights"]])
    except Invalid as refused:
        return {"error": refused.code}
    return {"parts": {name: str(part.major()) for name, part in zip(names, parts, strict=True) if part}}


def shared(total: int, ratios: list[Fraction], error: str = "invalid ratios") -> Values:
    try:
        return {"parts": [part.amount for part in money.split(Money(total, "usd"), ratios)]}
    except Invalid:
        return {"error": error}


def of_our_decimals(given: Values) -> None:
    if EXPONENTS.get(given["currency"].lower()) != given["exponent"]:
        field.left_out("a currency, or a number of decimals, that ISO 4217 does not have")


def of_our_mode(mode: str, value: Fraction) -> None:
    """Leave out a half that the mode would round toward zero, and a mode that is not about halves."""
    toward_even = int(abs(value)) % 2 == 0
    away = {
        "HALF_UP": True,
        "HALF_DOWN": False,
        "HALF_EVEN": not toward_even,
        "HALF_ODD": toward_even,
        "HALF_POSITIVE_INFINITY": value > 0,
        "HALF_NEGATIVE_INFINITY": value < 0,
    }
    if mode not in away and value.denominator != 1:
        field.left_out(f"{mode}: it does not round to the nearest")
    if value.denominator == 2 and not away.get(mode, True):
        field.left_out(f"{mode}: a half that goes toward zero")


def of_one_unit_over(total: int, ratios: list[Fraction]) -> None:
    """Leave out what the running remainder may share otherwise: two units over, or one that is not the first part's."""
    if not sum(ratios):
        return
    cut = [abs(total) * ratio / sum(ratios) % 1 for ratio in ratios]
    if sum(cut) > 1 or cut[0] != max(cut):
        field.left_out("running remainder: the units over fall elsewhere")
