"""What a renewal lets expect of the next invoice is what the next invoice is; how far a total is from that is exact."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing.billing_runs import Fate, begun, fate, name_of, tallied
from chalicelib.billing.collection import Method
from chalicelib.billing.discounts import Discount
from chalicelib.billing.forecast import deviation, foretelling
from chalicelib.billing.invoices import InvoiceStatus
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Change, Subscription
from chalicelib.billing.tax import Exemption, Tax

NOW = datetime(2026, 1, 31, 11, tzinfo=UTC)
TAX = Tax(id="txr_1", name="VAT", percent=Decimal(19))
LINE = Line(id="li_1", name="Coffee", unit_amount=Decimal("1999.5"), taxes=("txr_1",))
DEARER = (replace(LINE, unit_amount=Decimal(2400)),)

coupons = st.builds(
    Discount,
    coupon=st.just("co_1"),
    name=st.just("Spring"),
    percent=st.sampled_from([Decimal(10), Decimal("33.3")]),
    once=st.booleans(),
    until_on=st.sampled_from([None, date(2026, 2, 28), date(2026, 3, 31), date(2026, 3, 1)]),
)
fees = st.builds(
    Fee, name=st.just("Card"), types=st.just(("card",)), percent=st.just(Decimal("1.5")), once=st.booleans()
)
subscriptions = st.builds(
    Subscription,
    account=st.just("acct_1"),
    id=st.just("sub_1"),
    contact=st.just("con_1"),
    currency=st.just("usd"),
    frequency=st.sampled_from([Frequency.WEEKLY, Frequency.MONTHLY]),
    lines=st.just((LINE,)),
    anchor_on=st.just(date(2026, 1, 31)),
    zone=st.just("UTC"),
    hour=st.just(6),
    status=st.just(Status.ACTIVE),
    created_at=st.just(NOW),
    payments=st.sampled_from([None, 3]),
    method=st.just(Method(id="pm_1", customer="cus_1", label="Visa")),
    taxes=st.lists(st.builds(lambda once: replace(TAX, once=once), st.booleans()), max_size=1).map(tuple),
    discounts=st.lists(coupons, max_size=2).map(tuple),
    fees=st.lists(fees, max_size=1).map(tuple),
    extras=st.sampled_from([(), (replace(LINE, id="li_x", kind=Kind.ONE_TIME),)]),
    change=st.sampled_from([None, Change(lines=DEARER), Change(frequency=Frequency.QUARTERLY)]),
    cancel_on=st.sampled_from([None, None, date(2026, 3, 10)]),
)


@given(subscription=subscriptions, exemption=st.sampled_from([None, Exemption.EXEMPT]))
def test_what_is_foretold_is_what_is_billed(subscription: Subscription, exemption: Exemption | None):
    """With coupons that end, one-off taxes, fees and lines, changes and a day of cancellation, three cycles long."""
    foretold = None
    for _ in range(3):
        if subscription.at_its_end or subscription.ends_first:
            assert foretold is None
            return
        billed = subscription.taking_effect()
        invoice = invoice_of(billed, "INV-1", NOW, exemption=exemption)
        assert foretold in (None, invoice.total.amount)
        subscription = foretelling(billed, billed.renewed(), invoice, exemption)
        foretold = subscription.foretold
        assert (foretold is None) == (subscription.at_its_end or subscription.ends_first)


def test_with_automatic_tax_only_the_same_again_is_known():
    """Taxes that must be asked for are not guessed: the next total is known only where nothing of it changes."""
    plain = _plain(automatic_tax=True)
    invoice = invoice_of(plain, "INV-1", NOW)
    assert foretelling(plain, plain.renewed(), invoice, None).foretold == invoice.total.amount
    once = replace(plain, discounts=(Discount(coupon="co_1", name="First", percent=Decimal(10), once=True),))
    assert foretelling(once, once.renewed(), invoice, None).foretold is None


@given(total=st.integers(0, 10**9), one=st.integers(0, 10**9), other=st.integers(0, 10**9) | st.none())
def test_the_larger_deviation_counts(total: int, one: int, other: int | None):
    """Of what was before and what was foretold the one a total is further from, as an exact share of it."""
    found = deviation(total, one, other)
    assert found is not None
    shares = [Fraction(abs(total - known), known or 1) for known in (one, other) if known is not None]
    assert found.share == max(shares)
    assert found.permille == max(shares) * 1000 // 1
    assert deviation(total, None) is None


def test_a_run_counts_its_invoices_by_currency():
    """The first begins it, each further one moves its last number and its own currency's total."""
    first = invoice_of(_plain(), "INV-000007", NOW)
    run = begun(date(2026, 1, 31), first)
    other = replace(first, number="INV-000008", total=Money(500, "eur"))
    run = run.counting(other).counting(replace(first, number="INV-000010"))
    assert (run.id, run.first_number, run.last_number, run.issued) == (
        name_of(date(2026, 1, 31)),
        "INV-000007",
        "INV-000010",
        3,
    )
    assert run.totals == (Money(2 * first.total.amount, "usd"), Money(500, "eur"))


def test_every_fate_of_an_invoice_is_told_apart():
    """Charged, settled, held, pending, declined, open, void and uncollectible; tallied in that list's order."""
    open_ = invoice_of(_plain(), "INV-000001", NOW)
    paid = replace(open_, status=InvoiceStatus.PAID, paid_by="pay_1")
    found = {
        Fate.CHARGED: paid,
        Fate.SETTLED: replace(paid, paid_by=None),
        Fate.DECLINED: replace(open_, failed_at=NOW),
        Fate.OPEN: open_,
        Fate.VOID: replace(open_, status=InvoiceStatus.VOID),
        Fate.UNCOLLECTIBLE: replace(open_, status=InvoiceStatus.UNCOLLECTIBLE),
    }
    assert {fate(invoice, None) for invoice in found.values()} == set(found)
    assert all(fate(invoice, None) is met for met, invoice in found.items())
    tallies = tallied([(paid, Fate.CHARGED), (open_, Fate.OPEN), (paid, Fate.CHARGED)])
    assert [(one.fate, one.count, one.totals) for one in tallies] == [
        (Fate.CHARGED, 2, (2 * paid.total,)),
        (Fate.OPEN, 1, (open_.total,)),
    ]


def _plain(**more: Any) -> Subscription:
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=(replace(LINE, taxes=()),),
        anchor_on=date(2026, 1, 31),
        zone="UTC",
        hour=6,
        status=Status.ACTIVE,
        created_at=NOW,
        **more,
    )
