"""What an order comes to: every amount of its summary is that of an invoice the renewals issue."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import summaries
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Kind
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from tests.billing.ordered import NOW, TODAY, line, subscription, usd

RECURRING = [frequency for frequency in Frequency if frequency.recurring]

VAT = Tax(id="vat", name="VAT", percent=Decimal("7.7"))
INSIDE = Tax(id="inside", name="Inside", percent=Decimal(19), inclusive=True)
ONCE = Tax(id="once", name="Once", percent=Decimal(3), once=True)
TIERS = (
    Tier(up_to=Decimal(10), unit_amount=Decimal(100)),
    Tier(unit_amount=Decimal(80), flat_amount=Decimal(55)),
)
LINES = st.builds(
    line,
    name=st.sampled_from("abc"),
    price=st.integers(0, 90_000),
    quantity=st.decimals(Decimal("0.01"), Decimal(40), places=2),
    discounts=st.sampled_from([(), (UnitDiscount(percent=Decimal("12.5")),)]),
    taxes=st.sampled_from([(), ("vat",), ("inside",), ("vat", "inside")]),
    product=st.sampled_from([None, "prod_a"]),
) | st.builds(
    line,
    name=st.just("tiered"),
    price=st.just(0),
    quantity=st.integers(1, 30).map(Decimal),
    model=st.sampled_from([Model.GRADUATED, Model.VOLUME]),
    tiers=st.just(TIERS),
)  # fmt: skip
DISCOUNTS = [
    Discount(coupon="cou_1", name="Thrice", percent=Decimal(20), until_on=date(2026, 5, 1)),
    Discount(coupon="cou_2", name="Once", amount=usd(1234), once=True),
    Discount(coupon="cou_3", name="Ever", percent=Decimal("3.3"), products=("prod_a",)),
]
FEES = [
    Fee(name="Card", types=("card",), percent=Decimal("2.9"), taxes=("vat",)),
    Fee(name="Debit", types=("sepa_debit",), amount=usd(35)),
    Fee(name="Setup", amount=usd(500), once=True),
]


@st.composite
def groups_sold(draw: Any) -> list[Subscription]:
    """Subscriptions as an order makes them."""
    return [
        subscription(
            *draw(st.lists(LINES, min_size=1, max_size=3)),
            id=f"sub_{n}",
            frequency=draw(st.sampled_from([Frequency.WEEKLY, Frequency.MONTHLY, Frequency.ANNUALLY])),
            anchor_on=TODAY + timedelta(days=draw(st.sampled_from([-70, -1, 0, 1, 45]))),
            payments=draw(st.sampled_from([None, 1, 2, 13])),
            extras=tuple(replace(one, kind=Kind.ONE_TIME) for one in draw(st.lists(LINES, max_size=1))),
            discounts=tuple(draw(st.lists(st.sampled_from(DISCOUNTS), unique=True))),
            fees=tuple(draw(st.lists(st.sampled_from(FEES), unique=True))),
            taxes=(VAT, INSIDE, *draw(st.sampled_from([(), (ONCE,)]))),
        )
        for n in range(draw(st.integers(1, 3)))
    ]


def renewals(sold: Subscription, count: int) -> list[Invoice]:
    """The first invoices, as renewals issue them one by one."""
    issued: list[Invoice] = []
    while not sold.at_its_end and len(issued) < count:
        issued.append(invoice_of(sold.taking_effect(), f"INV-{len(issued)}", NOW))
        sold = sold.taking_effect().renewed()
    return issued


@given(groups_sold())
def test_the_summary_is_what_the_renewals_issue(sold: list[Subscription]):
    """Due now and later, to the cent: total, subtotal, discounts and taxes are those of the invoices that will be issued."""
    told = summaries.summary(sold, TODAY, NOW)
    issued = {n: renewals(one, 60) for n, one in enumerate(sold)}
    now = [one for invoices in issued.values() for one in invoices if one.period_start_on <= TODAY]
    assert told.due_now.total.amount == sum(one.total.amount for one in now)
    for name, amounts in (("discounts", "coupon"), ("taxes", "tax")):
        expected: dict[str, int] = {}
        for part in (part for one in now for part in getattr(one, name)):
            expected[getattr(part, amounts)] = expected.get(getattr(part, amounts), 0) + part.amount.amount
        assert {getattr(one, amounts): one.amount.amount for one in getattr(told.due_now, name)} == expected
    after = {n: [one for one in invoices if one.period_start_on > TODAY] for n, invoices in issued.items()}
    for n, one in enumerate(sold):
        mine = [(later.on, later.amounts.total) for later in told.later if later.subscription == n]
        expected_later = [(invoice.period_start_on, invoice.total) for invoice in after[n]]
        assert mine == (expected_later if one.payments else expected_later[:12])
    assert [one.on for one in told.later] == sorted(one.on for one in told.later)


@given(groups_sold())
def test_what_is_foreseen_is_each_invoice_as_it_is_issued(sold: list[Subscription]):
    """Every field but the number: what is known to be the same a period on is not computed again, and is the same."""
    for one in sold:
        seen = [replace(invoice, number="") for invoice in renewals(one, 15)]
        assert list(islice(summaries.walk(one, NOW), 15)) == seen


@given(groups_sold())
def test_a_summary_adds_up(sold: list[Subscription]):
    """Subtotal less discounts plus fees plus the taxes on top is the total; all payments are the whole total, or it is not known."""
    told = summaries.summary(sold, TODAY, NOW)
    for amounts in (
        told.due_now,
        *(one.amounts for one in told.later),
        *(one.amounts for one in told.recurring),
    ):
        on_top = sum(tax.amount.amount for tax in amounts.taxes if not tax.inclusive)
        less = sum(one.amount.amount for one in amounts.discounts)
        more = sum(fee.amount.amount for fee in amounts.fees)
        assert amounts.total.amount == amounts.subtotal.amount - less + more + on_top
    known = all(one.payments for one in sold)
    assert (told.total_known, told.total is not None, told.has_more) == (known, known, not known)
    if told.total is not None:
        parts = [told.due_now.total.amount, *(one.amounts.total.amount for one in told.later)]
        assert told.total.amount == sum(parts)
    assert sum(one.total.amount for one in told.per_frequency) == sum(
        one.amounts.total.amount for one in told.recurring
    )
    for one in told.recurring:
        shares = sum(tax.amount.amount for part in one.lines for tax in part.taxes)
        assert shares == sum(tax.amount.amount for tax in one.amounts.taxes)


def test_what_is_once_is_due_now_and_not_recurring():
    """A one-time line, a one-off discount, fee and tax are in what is due now, and in nothing that comes after."""
    sold = subscription(
        line("plan", 10000, taxes=("vat",)), payments=3, taxes=(VAT, ONCE), fees=(FEES[2],),
        extras=(replace(line("setup", 2000), kind=Kind.ONE_TIME),), discounts=(DISCOUNTS[1],),
    )  # fmt: skip
    told = summaries.summary([sold], TODAY, NOW)
    assert told.due_now.subtotal == usd(12000)
    assert [(one.name, one.amount) for one in told.due_now.discounts] == [("Once", usd(1234))]
    assert [(one.name, one.amount) for one in told.due_now.fees] == [("Setup", usd(500))]
    # 12.34 off 120.00 is 10.28 off the plan: 7.7 % of 89.72 is 6.91; 3 % of 107.66 and the fee's 5.00 is 3.38.
    assert [(one.tax, one.amount) for one in told.due_now.taxes] == [("vat", usd(691)), ("once", usd(338))]
    assert told.due_now.total == usd(12000 - 1234 + 500 + 691 + 338)
    assert [one.amounts.total for one in told.later] == [usd(10770)] * 2
    assert told.total == usd(12295 + 2 * 10770)
    [recurring] = told.recurring
    assert (recurring.amounts.total, recurring.lines[0].taxes[0].amount) == (usd(10770), usd(770))
    assert [(one.frequency, one.tax, one.total) for one in told.per_frequency] == [
        (Frequency.MONTHLY, usd(770), usd(10770))
    ]


def test_a_long_term_is_told_in_part_and_its_total_whole():
    """Of 1200 payments the next 500 are listed, and the total is of all of them."""
    told = summaries.summary([subscription(line("a", 100), payments=1200)], TODAY, NOW)
    assert (len(told.later), told.has_more, told.total) == (500, True, usd(120_000))
