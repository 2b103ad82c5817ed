"""Money is whole minor units and a currency, and here alone is an exact amount rounded to it.

Amounts stay exact rationals (Decimal, Fraction) until the one rounding: half up, mirrored for negatives.
There is never a float.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
)
from fractions import Fraction
from math import lcm
from typing import Final, Self

from chalicelib.billing.currencies import EXPONENTS, exponent, largest_at_stripe, stripe_exponent, unknown
from chalicelib.billing.errors import Invalid

Exact = int | Fraction | Decimal
"""A number without rounding error."""

EXACT: Final = Context(prec=400, traps=[Inexact, Rounded, InvalidOperation, DivisionByZero, Overflow])
"""Decimal arithmetic that raises where it would lose a digit."""

_PLAIN: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in minor units of `currency` (lower-case ISO 4217); may be negative.

    Checked when made, wherever it comes from: Invalid `invalid_amount`, `unknown_currency`.
    Two currencies never meet in one sum or comparison: Invalid `currency_mismatch`.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise _no_amount("Send a whole number of minor units, such as 1250.")
        if self.currency not in EXPONENTS:
            raise unknown(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(0, currency)

    def major(self) -> Decimal:
        """The amount in major units, with all its decimals: 1250 usd is Decimal("12.50")."""
        return Decimal(f"{self.amount}E-{EXPONENTS[self.currency]}")

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise _mismatch(self, other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise _mismatch(self, other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __abs__(self) -> "Money":
        return Money(abs(self.amount), self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __lt__(self, other: "Money") -> bool:
        return (self - other).amount < 0

    def __le__(self, other: "Money") -> bool:
        return (self - other).amount <= 0

    def __gt__(self, other: "Money") -> bool:
        return (self - other).amount > 0

    def __ge__(self, other: "Money") -> bool:
        return (self - other).amount >= 0

    def __str__(self) -> str:
        return f"{self.major()} {self.currency}"


_set_amount: Final = vars(Money)["amount"].__set__
_set_currency: Final = vars(Money)["currency"].__set__


def known(amount: int, currency: str) -> Money:
    """Money of a whole number that was computed here, in a currency that was checked: it is not checked again."""
    made = object.__new__(Money)
    _set_amount(made, amount)
    _set_currency(made, currency)
    return made


def total(parts: Iterable[Money], currency: str) -> Money:
    """The sum of the parts, which are all in `currency`; zero if there are none."""
    amount = 0
    for part in parts:
        if part.currency != currency:
            raise _mismatch(Money.zero(currency), part)
        amount += part.amount
    return Money(amount, currency)


def split(whole: Money, weights: Sequence[Exact]) -> tuple[Money, ...]:
    """Share `whole` in proportion to the weights so that the parts sum to it exactly.

    Largest remainder: each part is cut down to a minor unit, and what is left goes one by one to the largest
    fractions cut off, ties to the first. Mirrored for negatives. Invalid `invalid_weights` if there are none,
    one is negative or all are zero.
    """
    return tuple(Money(part, whole.currency) for part in shared(whole.amount, _whole_ratios(weights)))


def shared(whole: int, weights: Sequence[int]) -> list[int]:
    """The same of whole numbers, by whole weights that are known to be none below 0 and one above."""
    of_all = sum(weights)
    amount = abs(whole)
    parts: list[int] = []
    cut: list[int] = []
    for weight in weights:
        floor, rest = divmod(amount * weight, of_all)
        parts.append(floor)
        cut.append(-rest)
    left = amount - sum(parts)
    if left:
        for n in sorted(range(len(cut)), key=cut.__getitem__)[:left]:
            parts[n] += 1
    return parts if whole >= 0 else [-part for part in parts]


def round_half_up(value: Exact) -> int:
    """The nearest whole number, a half going away from zero: 2.5 is 3, -2.5 is -3."""
    return half_up(*_ratio(value))


def rounded(value: Decimal, over: int = 1) -> int:
    """A Decimal, divided by a whole number above 0, to the nearest whole number, a half going away from zero."""
    if over == 1:
        return int(value.to_integral_value(ROUND_HALF_UP))
    numerator, denominator = _ratio(value)
    return half_up(numerator, denominator * over)


def from_major(value: Exact, currency: str) -> Money:
    """Round an exact amount in major units to money: the one rounding."""
    numerator, denominator = _ratio(value)
    return Money(half_up(numerator * 10 ** exponent(currency), denominator), currency)


def parse_major(text: str, currency: str) -> Money:
    """Read an amount in major units, "12.50", that needs no rounding; Invalid `invalid_amount`."""
    decimals = exponent(currency)
    if not _PLAIN.fullmatch(text):
        raise _no_amount("Write an amount in digits and a point, such as 12.50.")
    minor = Fraction(text) * 10**decimals
    if minor.denominator != 1:
        raise _no_amount(f"An amount in {currency} has at most {decimals} decimals.")
    return Money(minor.numerator, currency)


def smallest_at_stripe(currency: str) -> int:
    """What every charge at Stripe is a multiple of, in minor units: 10 with three decimals, 100 for `mga`."""
    decimals = exponent(currency)
    finest = 2 if decimals == 3 else stripe_exponent(currency)
    return _ten(max(0, decimals - finest))


def most_at_stripe(currency: str) -> int:
    """The greatest amount of one charge, in minor units: of `isk` and `ugx` two digits fewer than its integer has."""
    return _shift(largest_at_stripe(currency), exponent(currency) - stripe_exponent(currency))


def to_stripe(money: Money) -> int:
    """The integer Stripe's API takes for it (docs.stripe.com/currencies#special-cases).

    `isk` and `ugx` go in hundredths, `mga` in whole units, and of three decimals the last is 0: Invalid
    `amount_not_chargeable` if that would lose something.
    """
    step = smallest_at_stripe(money.currency)
    if money.amount % step:
        detail = f"Stripe takes {money.currency} in multiples of {step} minor units, not {money.amount}."
        raise Invalid("amount_not_chargeable", detail, "amount")
    return _shift(money.amount, stripe_exponent(money.currency) - exponent(money.currency))


def from_stripe(amount: int, currency: str) -> Money:
    """The money an integer of Stripe's API means; Invalid `invalid_amount` below one minor unit."""
    places = exponent(currency) - stripe_exponent(currency)
    if places < 0 and amount % _ten(-places):
        raise _no_amount(f"Stripe's {currency} comes in multiples of {_ten(-places)}.")
    return Money(_shift(amount, places), currency)


def _shift(amount: int, places: int) -> int:
    return amount * _ten(places) if places >= 0 else amount // _ten(-places)


def _ten(power: int) -> int:
    return int(10**power)


def half_up(numerator: int, denominator: int) -> int:
    """A fraction of whole numbers, its denominator above 0, to the nearest whole number, a half going away from zero."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -rounded if numerator < 0 else rounded


def _ratio(value: Exact) -> tuple[int, int]:
    if isinstance(value, Decimal) and not (value.is_finite() and abs(value.adjusted()) < 100):
        raise _no_amount("An amount is a finite number of less than 100 digits.")
    if not isinstance(value, Exact):
        raise TypeError(f"money takes int, Fraction or Decimal, not {type(value).__name__}")
    return value.as_integer_ratio()


def _whole_ratios(weights: Sequence[Exact]) -> list[int]:
    """The weights times their common denominator."""
    ratios = [_ratio(weight) for weight in weights]
    if any(numerator < 0 for numerator, _ in ratios) or not any(numerator for numerator, _ in ratios):
        detail = "Shares need at least one weight, none negative and one above zero."
        raise Invalid("invalid_weights", detail, "weights")
    common = lcm(*(denominator for _, denominator in ratios))
    return [numerator * (common // denominator) for numerator, denominator in ratios]


def _no_amount(detail: str) -> Invalid:
    return Invalid("invalid_amount", detail, "amount")


def _mismatch(one: Money, other: Money) -> Invalid:
    detail = f"{one.currency} and {other.currency} cannot be added or compared; both must be in one currency."
    return Invalid("currency_mismatch", detail, "currency")
