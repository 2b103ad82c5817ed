"""The field's cases on taxes, and on what an invoice comes to: each is put to our core as one invoice."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from chalicelib.billing import lines as price
from chalicelib.billing import rating, tax
from chalicelib.billing.currencies import exponent
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money, from_major
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee, Rated
from chalicelib.billing.tax import Category, Tax
from chalicelib.views.einvoice import xml
from tests.cases import field
from tests.cases.field import Case, Values
from tests.einvoice import official, read, shelf

ON = date(2026, 1, 1)


@field.cases("tax_totals")
def test_tax_totals(case: Case):
    """Line nets are rounded once, coupons and fees come before tax, and tax is rounded once a rate.

    Each invoice of EN 16931 is written as one, too. Amounts are compared as numbers: 38 is 38.00. A document's allowance runs as a coupon, its charge as a fee. The exact
    tax of a line stands beside the topic: tax is of a rate's sum.
    """
    answers = {
        "single_tax": single_tax,
        "single_tax_minor": single_tax_minor,
        "several_taxes": several_taxes,
        "discount_then_tax": discount_then_tax,
        "inclusive_or_exclusive": inclusive_or_exclusive,
        "tax_by_rate": tax_by_rate,
        "line_net": line_net,
        "document_totals": document_totals,
        "invoice_totals": invoice_totals,
    }
    field.check(replace(case, expected=numbers(case.expected)), {
        kind: (lambda given, answer=answer: numbers(answer(given))) for kind, answer in answers.items()
    }, beside=frozenset({"line_tax_exact"}))  # fmt: skip


def numbers(value: Any) -> Any:
    """Texts of digits as what they say, at any depth."""
    match value:
        case dict():
            given = {name: numbers(one) for name, one in value.items()}
            # Outside of VAT some write no percentage, and some 0.
            return given | {"percent": given["percent"] or Fraction(0)} if "percent" in given else given
        case list():
            told = [numbers(one) for one in value]
            return sorted(told, key=_rate) if any(isinstance(one, dict) for one in told) else told
        case str() if value.replace(".", "", 1).lstrip("-").isdigit():
            return Fraction(value)
        case _:
            return value


def _rate(told: Values) -> tuple[str, Fraction]:
    """Rates are in no order of their own."""
    return str(told.get("category")), told.get("percent") or told.get("tax_percent") or Fraction(0)


# -- an invoice of ours ---------------------------------------------------------------------------


def line(n: int, unit: str | Fraction, currency: str, quantity: str = "1", **more: Any) -> Line:
    minor = Fraction(unit) * 10 ** exponent(currency)
    return Line(
        id=f"li_{n}", name=f"Line {n}", unit_amount=exactly(minor), quantity=Decimal(quantity), **more
    )


def exactly(value: Fraction) -> Decimal:
    """A price of at most 12 decimals; what has more is no price of ours."""
    scaled = value * 10**12
    if scaled.denominator != 1:
        field.left_out("a price of one with more than 12 decimals")
    if value < 0:
        field.left_out("a price below zero: we give back by a credit note")
    return Decimal(scaled.numerator).scaleb(-12)


def rated(lines: list[Line], taxes: list[Tax], currency: str, **more: Any) -> Rated:
    return rating.rated(lines, currency, ON, taxes=taxes, **more)


def rate(percent: str | None, category: str | None = None, *, inclusive: bool = False) -> Tax:
    """A rate as the library would take it; 0 percent without a category is zero-rated."""
    given = Decimal(percent or 0)
    category = category or ("S" if given else "Z")
    if category not in {one.value for one in Category} or (category == "S" and not given):
        field.left_out(f"category {category} at {given} percent: not one the library takes")
    if given > tax.MAX_PERCENT:
        field.left_out("a rate above 100 percent")
    kind = Category(category)
    tax.check_percentage(given, kind, "percent")
    return Tax(
        id=f"{kind} {given.normalize()}", name="VAT", percent=given, inclusive=inclusive, category=kind
    )


def in_major(amount: Money | int, currency: str = "usd") -> str:
    return str((amount if isinstance(amount, Money) else Money(amount, currency)).major())


# -- the topics -----------------------------------------------------------------------------------


def single_tax(given: Values) -> Values:
    currency = given["currency"].lower()
    if exponent(currency) != given["exponent"]:
        field.left_out("a number of decimals that ISO 4217 does not have")
    vat = rate(given["tax_percent"])
    of = rated([line(1, given["net"], currency, taxes=(vat.id,))], [vat], currency)
    return {"tax": in_major(of.taxes[0].amount)}


def single_tax_minor(given: Values) -> Values:
    vat = rate(given["tax_percent"])
    only = Line(id="li_1", name="Line", unit_amount=Decimal(given["net_minor"]), taxes=(vat.id,))
    return {"tax_minor": rated([only], [vat], "usd").taxes[0].amount.amount}


def several_taxes(given: Values) -> Values:
    currency = given["currency"].lower()
    taxes = [replace(rate(given["tax_percent"]), id=f"t{n}") for n in range(given["times"])]
    only = line(1, given["net"], currency, taxes=tuple(one.id for one in taxes))
    made = rated([only], taxes, currency)
    return {"tax_total": in_major(sum(one.amount.amount for one in made.taxes), currency)}


def discount_then_tax(given: Values) -> Values:
    vat = rate(given["tax_percent"])
    off = Discount(coupon="c", name="Off", amount=from_major(Fraction(given["discount"]), "usd"))
    made = rated([line(1, given["net"], "usd", taxes=(vat.id,))], [vat], "usd", discounts=[off])
    return {"tax": in_major(made.taxes[0].amount), "total": in_major(made.total)}


def inclusive_or_exclusive(given: Values) -> Values:
    vat = rate(given["tax_percent"], inclusive=given["prices_include_tax"])
    made = rated([line(1, given["price"], "usd", taxes=(vat.id,))], [vat], "usd")
    told = made.taxes[0]
    return {"total": in_major(made.total), "tax": in_major(told.amount), "net": in_major(told.base)}


def tax_by_rate(given: Values) -> Values:
    if given["rounding"] != "sum then round":
        of_one_line_a_rate(given["lines"])
    rates: dict[str, Tax] = {}
    lines: list[Line] = []
    for n, row in enumerate(given["lines"], 1):
        taxes: tuple[str, ...] = ()
        if row["tax_percent"] is not None:
            vat = rate(row["tax_percent"], inclusive=given["prices_include_tax"])
            rates[vat.id], taxes = vat, (vat.id,)
        lines.append(line(n, row["amount"], "eur", taxes=taxes))
    made = rated(lines, list(rates.values()), "eur")
    told = [
        {"tax_percent": str(one.percent), "base": in_major(one.base), "tax": in_major(one.amount)}
        for one in made.taxes
    ]
    free = sum(one.amount.amount for one in made.lines if not one.taxes)
    if any(row["tax_percent"] is None for row in given["lines"]):
        told.append({"tax_percent": None, "base": in_major(free), "tax": "0.00"})
    return {"rates": told, "tax_total": in_major(sum(one.amount.amount for one in made.taxes))}


def of_one_line_a_rate(rows: list[Values]) -> None:
    """Rounding each line's tax is the same as rounding once where no two lines share a rate."""
    percents = [row["tax_percent"] for row in rows]
    if len(set(percents)) < len(percents):
        field.left_out("the tax of each line is rounded: EN 16931 rounds once a rate")


# -- lines and documents of EN 16931 --------------------------------------------------------------


def line_net(given: Values) -> Values:
    row = given | {"allowances_charges": []}
    for word, charge in (("charge", True), ("allowance", False)):
        if word in given:
            row["allowances_charges"].append({"charge": charge, "amount": given[word]})
    return {"line_net": in_major(price.amount(en_line(1, row, "usd"), "usd"))}


def en_line(n: int, row: Values, currency: str, **more: Any) -> Line:
    """A line: what is added once is a tier's flat amount, what is taken off once comes off each unit.

    A price for so many units that has no end is a share of a period, which is divided exactly too.
    """
    if row.get("line_net_given") is not None:
        return line(n, row["line_net_given"], currency, **more)
    quantity, each = Fraction(row["quantity"]), Fraction(row.get("price_base_quantity", 1))
    if quantity <= 0:
        field.left_out("a quantity that is not above zero: we give back by a credit note")
    unit = Fraction(row.get("list_price", row["unit_price"]))
    beside = row.get("allowances_charges", ())
    added = sum(Fraction(one["amount"]) * (1 if one["charge"] else -1) for one in beside)
    if unit * quantity / each + added < 0:
        field.left_out("a line below zero: we give back by a credit note")
    discounts = off_each(row, max(Fraction(0), -added / quantity), currency)
    if (unit / each * 10**14).denominator != 1:
        if added or discounts or quantity.denominator != 1 or each.denominator != 1:
            field.left_out("a price of so many units without end, and more to it")
        days = Share(days=int(quantity), of_days=int(each), start_on=ON, end_on=ON)
        return replace(line(n, unit, currency, **more), share=days)
    made = line(n, unit / each, currency, str(exactly(quantity)), discounts=discounts, **more)
    if added <= 0:
        return made
    tier = Tier(unit_amount=made.unit_amount, flat_amount=minor(added, currency))
    return replace(made, unit_amount=Decimal(0), model=Model.VOLUME, tiers=(tier,))


def off_each(row: Values, allowed: Fraction, currency: str) -> tuple[UnitDiscount, ...]:
    """What comes off each unit: the discount of a list price, a percentage, a part of the line's allowance."""
    discounts: list[UnitDiscount] = []
    if "price_discount" in row:
        discounts.append(UnitDiscount(amount=minor(Fraction(row["price_discount"]), currency)))
    if "allowance_percent" in row:
        discounts.append(UnitDiscount(percent=Decimal(row["allowance_percent"])))
    if allowed:
        discounts.append(UnitDiscount(amount=minor(allowed, currency)))
    return tuple(discounts)


def minor(value: Fraction, currency: str) -> Decimal:
    return exactly(value * 10 ** exponent(currency))


def document_totals(given: Values) -> Values:
    currency = given.get("currency", "EUR").lower()
    rates: dict[str, Tax] = {}
    lines: list[Line] = []
    for n, row in enumerate(given["lines"], 1):
        unit = Fraction(row["unit_price"]) + Fraction(row.get("product_charge", 0))
        unit -= Fraction(row.get("product_allowance", 0))
        beside = [
            {"charge": word == "charge", "amount": row[word]}
            for word in ("charge", "allowance")
            if word in row
        ]
        vat = rate(row["tax_percent"])
        rates[vat.id] = vat
        plain = {"quantity": row["quantity"], "unit_price": unit, "allowances_charges": beside}
        lines.append(en_line(n, plain, currency, taxes=(vat.id,)))
    off = given.get("document_allowance_percent")
    discounts = [Discount(coupon="c", name="Off", percent=Decimal(off))] if off else []
    made = rated(lines, list(rates.values()), currency, discounts=discounts)
    total = in_major(made.total, currency)
    basis = sum(one.base.amount for one in made.taxes)
    return {"tax_basis": in_major(basis, currency), "payable": total, "grand_total": total}


def invoice_totals(given: Values) -> Values:
    """A document's allowances are coupons for the lines of their rate, its charges fees, what is prepaid the balance."""
    made, percents = rated_of(given)
    currency, beside = given["currency"].lower(), given.get("document_allowances_charges", [])
    off = sum(one.amount.amount for one in made.discounts)
    asked = sum(Fraction(row["amount"]) for row in beside if not row["charge"])
    if off != asked * 10 ** exponent(currency):
        field.left_out("an allowance of more than the lines of its rate")
    nets = [one.amount.amount for one in made.lines if one.kind is None]
    fees = sum(one.amount.amount for one in made.lines if one.kind is Kind.FEE)
    levied = sum(one.amount.amount for one in made.taxes)
    paid = from_major(Fraction(given.get("prepaid") or 0), currency).amount
    if paid > made.total.amount:
        field.left_out("more was prepaid than is owed: the rest stays on the customer's balance")
    told = {
        "line_nets": nets, "lines_total": sum(nets), "tax_total": levied, "tax_exclusive": made.total.amount - levied,
        "tax_inclusive": made.total.amount, "payable": made.total.amount - paid,
        "allowance_total": off, "charge_total": fees,
    }  # fmt: skip
    subtotals = [
        {
            "category": one.category or Category.STANDARD,
            "percent": percents[one.tax],
            "taxable": in_major(one.base),
            "tax": in_major(one.amount),
        }
        for one in made.taxes
    ]
    check_einvoices(made, currency, paid)
    return {word: written(value, currency) for word, value in told.items()} | {"tax_subtotals": subtotals}


def rated_of(given: Values) -> tuple[Rated, dict[str, Any]]:
    """The invoice of a case, and what its source writes for each rate's percentage."""
    currency = given["currency"].lower()
    if Fraction(given.get("payable_rounding") or 0):
        field.left_out("the amount to pay is rounded (BT-114): we ask for the total")
    beside = given.get("document_allowances_charges", [])
    rates = {vat.id: vat for row in (*given["lines"], *beside) for vat in [rate_of(row)]}
    lines = [
        en_line(n, row, currency, taxes=(rate_of(row).id,), product=rate_of(row).id)
        for n, row in enumerate(given["lines"], 1)
    ]
    made = rated(
        lines,
        list(rates.values()),
        currency,
        discounts=[allowance(row, currency) for row in beside if not row["charge"]],
        fees=[charge(row, currency) for row in beside if row["charge"]],
    )
    return made, {rate_of(row).id: row["tax_percent"] for row in (*given["lines"], *beside)}


def check_einvoices(made: Rated, currency: str, paid: int) -> None:
    """In both syntaxes it passes the official rules and says the same: a charge is a line there, as it is on our invoice."""
    of = shelf.invoice(shelf.line(), currency=currency)
    issued = replace(of, lines=made.lines, discounts=made.discounts, taxes=made.taxes, total=made.total)
    issued = replace(issued, amount_applied=Money(paid, currency) if paid else None)
    for syntax in (xml.cii(issued, None, shelf.BUSINESS), xml.ubl(issued, None, shelf.BUSINESS)):
        assert official.judged(syntax).failed == ()
        found = read.figures(syntax)
        assert (found.with_tax, found.due) == (
            made.total.major(),
            Money(made.total.amount - paid, currency).major(),
        )
        told = [
            (str(one.category or "S"), one.percent, Fraction(one.base.major()), Fraction(one.amount.major()))
            for one in made.taxes
        ]
        assert sorted((kind, Decimal(rate), *sums) for kind, rate, *sums in found.taxes) == sorted(told)


def written(value: int | list[int], currency: str) -> str | list[str]:
    return (
        [in_major(one, currency) for one in value] if isinstance(value, list) else in_major(value, currency)
    )


def rate_of(row: Values) -> Tax:
    return rate(row["tax_percent"], row["tax_category"])


def once(row: Values, currency: str) -> Money:
    if Fraction(row["amount"]) < 0:
        field.left_out("an allowance or a charge below zero")
    return from_major(Fraction(row["amount"]), currency)


def allowance(row: Values, currency: str) -> Discount:
    amount = once(row, currency)
    return Discount(coupon="c", name="Allowance", amount=amount, products=(rate_of(row).id,))


def charge(row: Values, currency: str) -> Fee:
    amount = once(row, currency)
    return Fee(name="Charge", types=("card",), amount=amount, taxes=(rate_of(row).id,))
