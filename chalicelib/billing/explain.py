"""How each amount of an invoice came to be, told from what the invoice keeps.

It computes anew, in fractions; what was charged is taken from the invoice, never from here.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from chalicelib.billing import pricing, sentences, tax
from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.explanation import (
    ExplainedBase,
    ExplainedDiscount,
    ExplainedLine,
    ExplainedPart,
    ExplainedPeriod,
    ExplainedReduction,
    ExplainedShare,
    ExplainedStep,
    ExplainedTax,
    ExplainedTier,
    Explanation,
)
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Exact, Money
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import InvoiceLine, InvoiceTax, touched
from chalicelib.billing.tax import Category, Tax


def explained(invoice: Invoice) -> Explanation:
    """Explain an invoice, however long ago it was issued."""
    zero = Money.zero(invoice.currency)
    discounts = tuple(_discount(invoice, n) for n in range(len(invoice.discounts)))
    made = Explanation(
        invoice=invoice.id,
        number=invoice.number,
        currency=invoice.currency,
        status=invoice.status,
        lines=tuple(_line(invoice, line, discounts) for line in invoice.lines),
        subtotal=invoice.subtotal,
        discounts=discounts,
        taxes=_taxes(invoice),
        total=invoice.total,
        amount_applied=invoice.amount_applied or zero,
        amount_credited=invoice.amount_credited or zero,
        amount_paid=invoice.amount_paid,
        amount_due=invoice.amount_due,
    )
    return replace(made, sentence=sentences.of_invoice(made))


def written(value: Exact) -> str:
    """An exact number in digits alone where they end, else as a fraction in lowest terms: 12.5, 18000/31."""
    numerator, denominator = value.as_integer_ratio()
    places = denominator.bit_length()  # so many always suffice for a denominator of twos and fives
    if 10**places % denominator:
        return f"{numerator}/{denominator}"
    sign = "-" if numerator < 0 else ""
    digits = f"{abs(numerator) * 10**places // denominator:0{places + 1}d}"
    return sign + f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")


def _line(invoice: Invoice, line: InvoiceLine, discounts: Sequence[ExplainedDiscount]) -> ExplainedLine:
    steps = _steps(line)
    price = sum((Fraction(step.amount) for step in steps), Fraction(0))
    reductions, left = _reductions(line, price)
    period = _period(invoice, line)
    made = ExplainedLine(
        id=line.id,
        name=line.name,
        kind=line.kind,
        product=line.product,
        period=period,
        quantity=written(line.quantity),
        model=line.model or Model.FLAT,
        tiers=_tiers(line.tiers),
        base=_fee_base(line),
        steps=steps,
        price=written(price),
        discounts=reductions,
        exact=written(left * Fraction(period.factor) if period else left),
        amount=line.amount,
        coupons=_parts(invoice, line, discounts),
        charged=line.charged,
        taxes=_shares(invoice, line),
    )
    return replace(made, sentence=sentences.of_line(made))


def _fee_base(line: InvoiceLine) -> ExplainedBase | None:
    of = line.percent_of
    return ExplainedBase(percent=written(of.percent), of=of.amount) if of else None


def _period(invoice: Invoice, line: InvoiceLine) -> ExplainedPeriod | None:
    """The days of a recurring line, or of a part of its period; a line that is there once has none."""
    share = line.share
    if share is not None:
        start_on, end_on, days, of_days = share.start_on, share.end_on, share.days, share.of_days
    elif line.kind is None:
        start_on, end_on = invoice.period_start_on, invoice.period_end_on
        days = of_days = (end_on - start_on).days
    else:
        return None
    factor = written(Fraction(days, of_days)) if of_days else "1"
    return ExplainedPeriod(start_on=start_on, end_on=end_on, days=days, of_days=of_days, factor=factor)


def _tiers(tiers: Sequence[Tier]) -> tuple[ExplainedTier, ...]:
    above = [pricing.NONE, *(tier.up_to for tier in tiers[:-1] if tier.up_to is not None)]
    return tuple(
        ExplainedTier(
            above=written(below),
            up_to=None if tier.up_to is None else written(tier.up_to),
            unit_amount=written(tier.unit_amount),
            flat_amount=written(tier.flat_amount),
        )
        for below, tier in zip(above, tiers, strict=False)
    )


def _steps(line: InvoiceLine) -> tuple[ExplainedStep, ...]:
    if line.model is None or line.model is Model.FLAT:
        return (_step(None, line.quantity, line.unit_amount, pricing.NONE),)
    return tuple(
        _step(step.tier + 1, step.quantity, step.unit_amount, step.flat_amount)
        for step in pricing.walk(line.model, line.tiers, line.quantity)
    )


def _step(tier: int | None, quantity: Decimal, unit_amount: Decimal, flat_amount: Decimal) -> ExplainedStep:
    return ExplainedStep(
        tier=tier,
        quantity=written(quantity),
        unit_amount=written(unit_amount),
        flat_amount=written(flat_amount),
        amount=written(Fraction(quantity) * Fraction(unit_amount) + Fraction(flat_amount)),
    )


def _reductions(line: InvoiceLine, price: Fraction) -> tuple[tuple[ExplainedReduction, ...], Fraction]:
    """The line's own discounts one after another, and what they leave of its exact price."""
    told, left = [], price
    for discount in line.discounts:
        off = min(left, _reduction(discount, left, line.quantity))
        left -= off
        told.append(
            ExplainedReduction(
                percent=_maybe(discount.percent),
                unit_amount=_maybe(discount.amount),
                off=written(off),
                left=written(left),
            )
        )
    return tuple(told), left


def _reduction(discount: UnitDiscount, price: Fraction, quantity: Decimal) -> Fraction:
    if discount.percent is not None:
        return _percent_of(price, discount.percent)
    return Fraction(discount.amount or 0) * Fraction(quantity)


def _discount(invoice: Invoice, n: int) -> ExplainedDiscount:
    """The n-th coupon: what it was on, by rate or amount, and what it took."""
    one = invoice.discounts[n]
    base = Money(
        sum(_left(line, n) for line in invoice.lines if touched(line, one.products)), one.amount.currency
    )
    fixed = one.fixed.amount if one.fixed else one.amount.amount
    made = ExplainedDiscount(
        coupon=one.coupon,
        name=one.name,
        code=one.code,
        products=one.products,
        percent=_maybe(one.percent),
        fixed=one.fixed,
        base=base,
        exact=written(fixed if one.percent is None else _percent_of(base.amount, one.percent)),
        amount=one.amount,
    )
    return replace(made, sentence=sentences.of_discount(made))


def _left(line: InvoiceLine, n: int) -> int:
    """What the first n coupons left of a line, in minor units."""
    return line.amount.amount - sum(part.amount for part in line.off[:n])


def _parts(
    invoice: Invoice, line: InvoiceLine, discounts: Sequence[ExplainedDiscount]
) -> tuple[ExplainedPart, ...]:
    """A coupon that is not for the line is left out; one that had nothing to take here is not."""
    return tuple(
        ExplainedPart(
            discount=n + 1,
            name=discount.name,
            percent=discount.percent,
            fixed=discount.fixed,
            base=discount.base,
            whole=discount.amount,
            part=part,
            left=Money(_left(line, n + 1), invoice.currency),
        )
        for n, (discount, part) in enumerate(zip(discounts, line.off, strict=False))
        if touched(line, discount.products)
    )


def _taxes(invoice: Invoice) -> tuple[ExplainedTax, ...]:
    by_rate = _are_by_rate(invoice)
    return tuple(_tax(invoice, one, by_rate=by_rate) for one in invoice.taxes)


def _tax(invoice: Invoice, one: InvoiceTax, *, by_rate: bool) -> ExplainedTax:
    on = sum((_on(invoice, line, one) for line in invoice.lines if _has(line, one)), Fraction(0))
    made = ExplainedTax(
        tax=one.tax,
        name=one.name,
        percent=written(one.percent),
        inclusive=one.inclusive,
        category=one.category or Category.STANDARD,
        by_rate=by_rate,
        on=written(on),
        exact=written(_percent_of(on, one.percent)),
        base=one.base,
        amount=one.amount,
    )
    return replace(made, sentence=sentences.of_tax(made))


def _shares(invoice: Invoice, line: InvoiceLine) -> tuple[ExplainedShare, ...]:
    parts = {share.tax: share.amount for share in line.taxes}
    return tuple(
        ExplainedShare(
            tax=one.tax,
            name=one.name,
            percent=written(one.percent),
            inclusive=one.inclusive,
            on=written(_on(invoice, line, one)),
            base=one.base,
            whole=one.amount,
            part=parts[one.tax],
        )
        for one in invoice.taxes
        if one.tax in parts
    )


def _on(invoice: Invoice, line: InvoiceLine, one: InvoiceTax) -> Fraction:
    """What a tax is on: inside a price, the exact rest of it; on top, what the whole cents inside leave of it."""
    inside = [other for other in invoice.taxes if other.inclusive and _has(line, other)]
    if one.inclusive:
        percents = sum((Fraction(other.percent) for other in inside), Fraction(0))
        return Fraction(100 * line.charged.amount, 100 + percents)
    names = {other.tax for other in inside}
    parts = sum(share.amount.amount for share in line.taxes if share.tax in names)
    return Fraction(line.charged.amount - parts)


def _has(line: InvoiceLine, one: InvoiceTax) -> bool:
    return any(share.tax == one.tax for share in line.taxes)


def _are_by_rate(invoice: Invoice) -> bool:
    """Whether the taxes are what our own rule makes of their rates: a tax service may have another."""
    rates = {
        one.tax: Tax(id=one.tax, name=one.name, percent=one.percent, inclusive=one.inclusive)
        for one in invoice.taxes
    }
    on = [[share.tax for share in line.taxes] for line in invoice.lines]
    levies = tax.levied([line.charged.amount for line in invoice.lines], on, rates)
    told = {one.tax: (one.base.amount, one.amount.amount) for one in invoice.taxes}
    ours = {levy.tax.id: (levy.base, levy.amount) for levy in levies}
    shares = [{share.tax: share.amount.amount for share in line.taxes} for line in invoice.lines]
    return told == ours and all(
        shares[n][levy.tax.id] == levy.shares[n] for levy in levies for n, has in enumerate(levy.on) if has
    )


def _percent_of(base: int | Fraction, percent: Decimal) -> Fraction:
    return base * Fraction(percent) * Fraction(1, 100)


def _maybe(value: Decimal | None) -> str | None:
    return None if value is None else written(value)
