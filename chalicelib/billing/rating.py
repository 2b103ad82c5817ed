"""From lines to amounts: each line rounded once, then coupons, then fees, then taxes once per rate, then the sum.

What comes out keeps everything it was computed from, so that each amount can be explained, and computed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from chalicelib.billing import discounts as coupons
from chalicelib.billing import lines as price
from chalicelib.billing import tax
from chalicelib.billing.currencies import exponent
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Base, Kind, Line, Share
from chalicelib.billing.money import EXACT, Money, known
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.records import quick
from chalicelib.billing.tax import Category, Exemption, Levy, Tax

COUPONED: Final = (None, Kind.ONE_TIME)
"""The kinds of lines that coupons are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What is added where a payment is made by one of `types` (Stripe's, such as card): a percent or an amount.

    Without types it is added whatever the payment is made by. A percentage is of what is charged after discounts,
    before tax. `taxes` are ids of the subscription's taxes.
    """

    name: str
    types: tuple[str, ...] = ()
    percent: Decimal | None = None
    amount: Money | None = None
    taxes: tuple[str, ...] = ()
    once: bool = False

    def touches(self, type_: str | None) -> bool:
        """Whether it is added to a payment by a method of that type."""
        return not self.types or type_ in self.types


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class TaxShare:
    """The part of an invoice's tax that is a line's."""

    tax: str
    amount: Money


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A line as it was charged: what its price was computed from, and the `amount` that was rounded to.

    `off` are the parts of the invoice's discounts that are this line's, in their order; `taxes` its shares of the
    invoice's taxes. `id` is the subscription's line.
    """

    name: str
    unit_amount: Decimal
    quantity: Decimal
    amount: Money
    description: str = ""
    product: str | None = None
    id: str = ""
    model: Model | None = None
    tiers: tuple[Tier, ...] = ()
    discounts: tuple[UnitDiscount, ...] = ()
    kind: Kind | None = None
    share: Share | None = None
    percent_of: Base | None = None
    off: tuple[Money, ...] = ()
    taxes: tuple[TaxShare, ...] = ()

    @property
    def charged(self) -> Money:
        """The amount after the invoice's discounts; taxes that are inside it included."""
        return Money(self.amount.amount - sum(part.amount for part in self.off), self.amount.currency)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDiscount:
    """A coupon as it was taken off: its terms, and the sum of its parts.

    `percent`, or `fixed`, of which a smaller invoice takes less; of all lines or of `products`.
    """

    coupon: str
    name: str
    amount: Money
    percent: Decimal | None = None
    code: str | None = None
    fixed: Money | None = None
    products: tuple[str, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTax:
    """One rate's tax (BG-23): `base` is what it is a percentage of, without tax."""

    tax: str
    name: str
    percent: Decimal
    base: Money
    amount: Money
    inclusive: bool = False
    category: Category | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """What an invoice is made of."""

    lines: tuple[InvoiceLine, ...]
    discounts: tuple[InvoiceDiscount, ...]
    taxes: tuple[InvoiceTax, ...]
    total: Money


Levying = Callable[[Sequence[Line], Sequence[int]], tuple[Levy, ...]]
"""The taxes of lines and of what is charged for each, in minor units."""


def rated(
    lines: Sequence[Line],
    currency: str,
    on: date,
    *,
    discounts: Sequence[Discount] = (),
    taxes: Sequence[Tax] = (),
    fees: Sequence[Fee] = (),
    exemption: Exemption | None = None,
    levy: Levying | None = None,
) -> Rated:
    """Price the lines of an invoice whose period starts `on` a local date.

    Coupons touch neither fees nor prorated lines, which have their part of them already. `levy` answers for the
    taxes in place of the library's (`taxes`), as automatic tax does.
    """
    exponent(currency)  # checked once, for all the amounts
    amounts = [price.minor(line) for line in lines]
    given = [discount for discount in discounts if discount.holds(on)]
    off: list[tuple[int, ...]] = [()] * len(amounts)
    left = amounts
    if given:
        off, left = _off(lines, amounts, given, currency)
    if fees and any(left):
        added = [fee_line(fee, Money(sum(left), currency), n) for n, fee in enumerate(fees, 1)]
        more = [price.minor(line) for line in added]
        lines, amounts, left = [*lines, *added], [*amounts, *more], [*left, *more]
        off = [*off, *[()] * len(added)]
    levies = levy(lines, left) if levy else levied(lines, left, taxes, exemption=exemption)
    on_top = sum([one.amount for one in levies if not one.tax.inclusive])
    return Rated(
        lines=tuple(
            [
                _line(line, known(amount, currency), parts, levies, n)
                for n, (line, amount, parts) in enumerate(zip(lines, amounts, off, strict=True))
            ]
        ),
        discounts=tuple(
            [
                _discount(one, sum([parts[n] for parts in off if parts]), currency)
                for n, one in enumerate(given)
            ]
        ),
        taxes=tuple([_tax(one, currency) for one in levies]),
        total=known(sum(left) + on_top, currency),
    )


def _off(
    lines: Sequence[Line], amounts: list[int], given: Sequence[Discount], currency: str
) -> tuple[list[tuple[int, ...]], list[int]]:
    """Each line's parts of the discounts, in their order (0 where one is not for it), and what they leave of it."""
    left = amounts
    taken: list[list[int]] = []
    for discount in given:
        open_ = [
            one if touched(line, discount.products) else 0 for line, one in zip(lines, left, strict=True)
        ]
        parts = coupons.shares(discount, open_, currency)
        left = [one - part for one, part in zip(left, parts, strict=True)]
        taken.append(parts)
    return list(zip(*taken, strict=True)), left


def touched(line: Line | InvoiceLine, products: Sequence[str]) -> bool:
    """Whether a coupon for products (none: for all) is for a line: neither for fees nor for prorated lines."""
    return line.kind in COUPONED and (not products or line.product in products)


def fee_line(fee: Fee, charged: Money, n: int) -> Line:
    """A fee as a line: its unit amount is exact, and is rounded as any line is.

    An amount in another currency than what is charged is Invalid `currency_mismatch`.
    """
    if fee.percent is not None:
        unit = EXACT.scaleb(EXACT.multiply(Decimal(charged.amount), fee.percent), coupons.HUNDREDTH)
        base = Base(percent=fee.percent, amount=charged)
    else:
        amount = fee.amount or Money.zero(charged.currency)
        if amount.currency != charged.currency:
            detail = f"The fee {fee.name!r} is in {amount.currency}; give one in {charged.currency}."
            raise Invalid("currency_mismatch", detail, "fees")
        unit, base = Decimal(amount.amount), None
    return Line(
        id=f"fee_{n}", name=fee.name, unit_amount=unit, taxes=fee.taxes, kind=Kind.FEE, percent_of=base
    )


def levied(
    lines: Sequence[Line],
    left: Sequence[int],
    taxes: Sequence[Tax],
    *,
    exemption: Exemption | None = None,
) -> tuple[Levy, ...]:
    """The library's taxes of lines, of what is charged for each in minor units; a one-off tax is on every line."""
    if not taxes:
        return ()
    once = [one.id for one in taxes if one.once]
    rates = {one.id: one.spared(exemption) if exemption else one for one in taxes}
    return tax.levied(left, [(*line.taxes, *once) if once else line.taxes for line in lines], rates)


def _line(line: Line, amount: Money, off: Sequence[int], levies: Sequence[Levy], n: int) -> InvoiceLine:
    currency = amount.currency
    return InvoiceLine(
        name=line.name,
        unit_amount=line.unit_amount,
        quantity=line.quantity,
        amount=amount,
        description=line.description,
        product=line.product,
        id=line.id,
        model=line.model,
        tiers=line.tiers,
        discounts=line.discounts,
        kind=line.kind,
        share=line.share,
        percent_of=line.percent_of,
        off=tuple([known(part, currency) for part in off]),
        taxes=tuple(
            [TaxShare(tax=one.tax.id, amount=known(one.shares[n], currency)) for one in levies if one.on[n]]
        ),
    )


def _discount(discount: Discount, amount: int, currency: str) -> InvoiceDiscount:
    return InvoiceDiscount(
        coupon=discount.coupon,
        name=discount.name,
        amount=known(amount, currency),
        percent=discount.percent,
        code=discount.code,
        fixed=discount.amount,
        products=discount.products,
    )


def _tax(levy: Levy, currency: str) -> InvoiceTax:
    one = levy.tax
    return InvoiceTax(
        tax=one.id,
        name=one.name,
        percent=one.percent,
        base=known(levy.base, currency),
        amount=known(levy.amount, currency),
        inclusive=one.inclusive,
        category=one.category,
    )


def scaled(lines: Sequence[Line], share: Share) -> tuple[Line, ...]:
    """Recurring lines for a part of their period."""
    return tuple(replace(line, share=share) if line.kind is None else line for line in lines)
