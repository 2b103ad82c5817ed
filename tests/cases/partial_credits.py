"""The field's cases on the tax of what is credited in part; they are among those on discounts."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from chalicelib.billing import rating
from chalicelib.billing.credits import Wanted, credited
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.tax import Tax
from tests.cases.field import Values

START = date(2026, 1, 31)
NOW = datetime(2026, 1, 31, 6, tzinfo=UTC)


def partial_credit_tax(given: Values) -> Values:
    """A paid invoice of one line with those taxes on top, of which a part is given back."""
    net = given["invoice_net_minor"]
    invoice = charged(net, given["tax_lines_minor"])
    wanted = Wanted(line=0, amount=Money(given["credited_net_minor"], "usd"))
    note = credited(invoice, [], [wanted], number="CN-000001", now=NOW, day=START)
    taxes = {share.tax: share.amount.amount for share in note.lines[0].taxes}
    assert note.total.amount == given["credited_net_minor"] + sum(taxes.values())
    return {"tax_lines_minor": taxes, "tax_minor": sum(taxes.values())}


def charged(net: int, taxes: dict[str, int]) -> Invoice:
    """An invoice of one line whose taxes come to those amounts: such a percentage of it each, if one with 12 decimals does."""
    rates = [Tax(id=name, name=name, percent=percent_of(tax, net)) for name, tax in taxes.items()]
    line = Line(id="li_1", name="Plan", unit_amount=Decimal(net), taxes=tuple(taxes))
    made = rating.rated([line], "usd", START, taxes=rates)
    assert {share.tax: share.amount.amount for share in made.lines[0].taxes} == taxes
    return Invoice(
        account="acct_1",
        id="inv_1_0001",
        subscription="sub_1",
        contact="con_1",
        cycle=0,
        number="INV-000001",
        currency="usd",
        lines=made.lines,
        period_start_on=START,
        period_end_on=START,
        issued_at=NOW,
        total=made.total,
        amount_paid=made.total,
        status=InvoiceStatus.PAID,
        taxes=made.taxes,
    )


def percent_of(tax: int, net: int) -> Decimal:
    """The percentage that a tax is of an amount, to six decimals: near enough to come to it again."""
    return Decimal(round(Fraction(tax * 100 * 10**6, net))).scaleb(-6)
