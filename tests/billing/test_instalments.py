"""A payment schedule adds up to what is owed, whatever is paid or credited on the way."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import instalments
from chalicelib.billing.errors import Invalid
from chalicelib.billing.instalments import Instalment, Part
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import issued
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from tests.billing.monthly import sold

TODAY = date(2026, 3, 5)
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def owing(amount: int) -> Invoice:
    line = Line(id="li_1", name="Coffee", unit_amount=Decimal(amount))
    return issued(sold(), (line,), Period(TODAY, TODAY + 30 * DAY), "INV-1", NOW)


@given(st.integers(100_000, 10**9), st.lists(st.integers(1, 3000), min_size=1, max_size=35))
def test_percents_add_up_to_what_is_owed(owed: int, weights: list[int]):
    """Each part is within a cent of its percent, and all of them are what is owed."""
    shares = [Decimal(weight) / 1000 for weight in weights]
    rest = 100 - sum(shares)
    if rest <= 0:
        return
    parts = [Part(due_on=TODAY + n * DAY, percent=one) for n, one in enumerate([*shares, rest])]
    if any(Decimal(owed) * (part.percent or 0) < 51 * 100 for part in parts):
        return
    made = instalments.planned(usd(owed), parts, TODAY)
    assert sum(one.amount.amount for one in made) == owed
    for part, one in zip(parts, made, strict=True):
        assert abs(one.amount.amount - Decimal(owed) * (part.percent or 0) / 100) < 1


def test_what_cannot_be_split_is_refused_with_what_it_should_come_to():
    """Amounts that miss what is owed are told both sums."""
    parts = [Part(due_on=TODAY, amount=1000), Part(due_on=TODAY + DAY, amount=1001)]
    with pytest.raises(Invalid, match="instalments_do_not_add_up") as refused:
        instalments.planned(usd(2000), parts, TODAY)
    assert "20.01" in refused.value.detail
    assert "20.00" in refused.value.detail


@given(
    st.lists(st.integers(50, 900), min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from(["pay", "credit", "apply"]), st.integers(1, 1500)), max_size=6),
)
def test_what_is_due_rises_to_what_is_owed(amounts: list[int], acts: list[tuple[str, int]]):
    """However much is paid or credited, what is due by a day never falls with the days, and in the end is all that is owed."""
    parts = tuple(Instalment(on=TODAY + n * DAY, amount=usd(one)) for n, one in enumerate(amounts))
    invoice = owing(sum(amounts)).split(parts, NOW)
    for act, amount in acts:
        some = usd(min(amount, invoice.amount_due.amount))
        if not some:
            break
        if act == "pay":
            name = invoice.next_payment()
            invoice = invoice.reserved(name).paid(name, some, NOW)
        else:
            invoice = invoice.credited(some, NOW) if act == "credit" else invoice.applied(some, NOW)
    due = [invoice.due_now(TODAY + n * DAY).amount for n in range(-1, len(amounts))]
    assert due == sorted(due)
    assert due[-1] == invoice.amount_due.amount
    if invoice.status is InvoiceStatus.OPEN and due[0] < due[-1]:
        on = invoice.next_due_on(TODAY - DAY)
        assert on is not None
        assert invoice.due_now(on)


def test_a_credit_comes_off_the_last_parts():
    """A credit takes the last part first; what would be too little for Stripe joins the one before."""
    parts = tuple(Instalment(on=TODAY + n * DAY, amount=usd(1000)) for n in range(3))
    assert [one.amount.amount for one in instalments.cut(parts, usd(700))] == [1000, 1000, 300]
    assert [one.amount.amount for one in instalments.cut(parts, usd(980))] == [1000, 1020]
    assert [one.amount.amount for one in instalments.cut(parts, usd(1000))] == [1000, 1000]
    assert [one.amount.amount for one in instalments.cut(parts, usd(2400))] == [600]
    assert instalments.cut(parts, usd(3000)) == ()


def test_a_sent_invoice_lacks_what_was_due_before_today():
    """On the day it is due nothing is wrong with it; the day after all of it is lacking, and of parts the first."""
    invoice = replace(owing(2000), due_on=TODAY)
    assert (invoice.lacking(TODAY), invoice.lacking(TODAY + DAY)) == (usd(0), usd(2000))
    parts = (Instalment(on=TODAY, amount=usd(500)), Instalment(on=TODAY + 9 * DAY, amount=usd(1500)))
    split = invoice.split(parts, NOW)
    assert split.due_on == TODAY + 9 * DAY
    assert (split.lacking(TODAY), split.lacking(TODAY + DAY)) == (usd(0), usd(500))
