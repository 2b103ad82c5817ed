"""Orders: terms, starts, how lines fall into subscriptions, who has which discount, and what it all comes to."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import orders, periods, redemptions, summaries
from chalicelib.billing.collection import Method
from chalicelib.billing.discounts import Coupon, Discount, Duration, PromotionCode, UnitDiscount
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.money import Money
from chalicelib.billing.orders import Backdate, Plan, Start
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax

TODAY = date(2026, 1, 31)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
RECURRING = [frequency for frequency in Frequency if frequency.recurring]


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def line(name: str, price: int | str, **more: Any) -> Line:
    return Line(id=name, name=name, unit_amount=Decimal(price), **more)


def subscription(*lines: Line, **more: Any) -> Subscription:
    """A subscription as it is sold, from today on."""
    made = Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=lines,
        anchor_on=TODAY,
        zone="UTC",
        hour=6,
        status=Status.SCHEDULED,
        created_at=NOW,
        method=Method(id="pm_1", customer="cus_1", label="Visa"),
    )
    return replace(made, **more)


# -- terms ------------------------------------------------------------------------------------------

TERMS = [
    ("P12M", Frequency.MONTHLY, 12),
    ("P1Y", Frequency.MONTHLY, 12),
    ("P3Y", Frequency.ANNUALLY, 3),
    ("P36M", Frequency.ANNUALLY, 3),
    ("P6M", Frequency.QUARTERLY, 2),
    ("P10Y", Frequency.PER_FIVE_YEARS, 2),
    ("P24M", Frequency.PER_TWO_YEARS, 1),
    ("P8W", Frequency.WEEKLY, 8),
    ("P8W", Frequency.BIWEEKLY, 4),
    ("P018M", Frequency.PER_SIX_MONTHS, 3),
]


@pytest.mark.parametrize(("term", "frequency", "payments"), TERMS)
def test_a_term_is_a_number_of_payments(term: str, frequency: Frequency, payments: int):
    """HubSpot's ISO 8601 terms: weeks where weeks are billed, months and years otherwise."""
    assert orders.payments_of(None, term, frequency) == payments


REFUSED_TERMS = [
    ("P7W", Frequency.BIWEEKLY, "term_not_whole", "P6W or P8W"),
    ("P1W", Frequency.BIWEEKLY, "term_not_whole", "P2W"),
    ("P5M", Frequency.QUARTERLY, "term_not_whole", "P3M or P6M"),
    ("P18M", Frequency.ANNUALLY, "term_not_whole", "P12M or P24M"),
    ("P3Y", Frequency.PER_TWO_YEARS, "term_not_whole", "P2Y or P4Y"),
    ("P0M", Frequency.MONTHLY, "term_not_whole", "P1M"),
    ("P2M", Frequency.WEEKLY, "term_malformed", "weeks"),
    ("P8W", Frequency.MONTHLY, "term_malformed", "months or years"),
    ("P1Y6M", Frequency.MONTHLY, "term_malformed", "P12M"),
    ("12", Frequency.MONTHLY, "term_malformed", "P12M"),
    ("P9999M", Frequency.MONTHLY, "payments_out_of_range", "1200"),
]


@pytest.mark.parametrize(("term", "frequency", "code", "accepted"), REFUSED_TERMS)
def test_a_term_that_is_not_whole_is_refused_with_the_nearest(
    term: str, frequency: Frequency, code: str, accepted: str
):
    """A term that no number of payments fills is refused, and the sentence names those that would do."""
    with pytest.raises(Invalid) as refused:
        orders.payments_of(None, term, frequency, "lines[2].")
    assert (refused.value.code, refused.value.param) == (code, "lines[2].term")
    assert accepted in refused.value.detail


@given(frequency=st.sampled_from(RECURRING), count=st.integers(1, 80))
def test_the_nearest_terms_a_refusal_names_are_accepted(frequency: Frequency, count: int):
    """Whatever is refused as not whole, each term named instead is taken."""
    for unit in "W" if frequency.days else "MY":
        try:
            orders.payments_of(None, f"P{count}{unit}", frequency)
        except Invalid as refused:
            for near in refused.detail.rpartition(": ")[2].rstrip(".").split(" or "):
                assert (orders.payments_of(None, near, frequency) or 0) > 0


def test_a_number_of_payments_stands_for_itself_and_not_beside_a_term():
    """A number from 1 to 1200 is taken as it is; a term beside it is one too many."""
    assert orders.payments_of(None, None, Frequency.MONTHLY) is None
    assert orders.payments_of(7, None, Frequency.MONTHLY) == 7
    for payments in (0, 1201):
        with pytest.raises(Invalid, match="from 1 to 1200"):
            orders.payments_of(payments, None, Frequency.MONTHLY)
    with pytest.raises(Invalid, match="one of them") as refused:
        orders.payments_of(12, "P12M", Frequency.MONTHLY)
    assert refused.value.param == "term"


# -- starts -----------------------------------------------------------------------------------------

STARTS = [
    (Start(), TODAY),
    (Start(on=date(2026, 3, 1)), date(2026, 3, 1)),
    (Start(days=0), TODAY),
    (Start(days=30), date(2026, 3, 2)),
    (Start(months=1), date(2026, 2, 28)),
    (Start(months=13), date(2027, 2, 28)),
    (Start(on=date(2025, 12, 31), backdate=Backdate.BILL), date(2025, 12, 31)),
    (Start(on=date(2036, 1, 31)), date(2036, 1, 31)),
]


@pytest.mark.parametrize(("start", "day"), STARTS)
def test_a_start_is_a_local_day(start: Start, day: date):
    """Today, a date, or some days or months from today, the last of a month where it is shorter."""
    assert orders.begins_on(start, TODAY) == day


REFUSED_STARTS = [
    (Start(on=date(2026, 1, 30)), "start_in_the_past", "start_on", "2026-01-31 or later"),
    (Start(on=date(2036, 2, 1)), "start_too_far", "start_on", "2036-01-31"),
    (Start(days=3653), "start_too_far", "start_delay_days", "2036-01-31"),
    (Start(days=10**9), "start_delay_out_of_range", "start_delay_days", "3660"),
    (Start(days=-1), "start_delay_out_of_range", "start_delay_days", "from 0"),
    (Start(months=121), "start_delay_out_of_range", "start_delay_months", "120"),
    (Start(on=TODAY, days=1), "start_ambiguous", "start_delay_days", "one of them"),
    (Start(on=date(2015, 1, 1), backdate=Backdate.SKIP), "start_too_early", "start_on", "2016-01-31"),
]


@pytest.mark.parametrize(("start", "code", "param", "accepted"), REFUSED_STARTS)
def test_a_start_out_of_bounds_is_refused(start: Start, code: str, param: str, accepted: str):
    """A past start is refused unless it says what becomes of the periods before; ten years are the bound either way."""
    with pytest.raises(Invalid) as refused:
        orders.begins_on(start, TODAY, "lines[0].")
    assert (refused.value.code, refused.value.param) == (code, f"lines[0].{param}")
    assert accepted in refused.value.detail


@given(
    frequency=st.sampled_from(RECURRING),
    start=st.dates(date(2016, 2, 1), date(2026, 1, 30)),
    payments=st.none() | st.integers(1, 700),
)
def test_what_was_billed_elsewhere_is_not_billed_here(
    frequency: Frequency, start: date, payments: int | None
):
    """Skipped periods are the ones that began before today: what is left of the term begins with the first that did not."""
    before = subscription(line("a", 100), frequency=frequency, anchor_on=start, payments=payments)
    gone = sum(1 for n in range(600) if periods.boundary(start, frequency, n) < TODAY)
    if payments is not None and payments <= gone:
        with pytest.raises(Invalid, match="longer term"):
            orders.taken_over(before, TODAY)
        return
    after = orders.taken_over(before, TODAY)
    assert after.next_on == periods.boundary(start, frequency, gone)
    assert after.next_on >= TODAY
    assert (after.status, after.ordinal) == (Status.ACTIVE, 0)
    assert after.payments == (None if payments is None else payments - gone)
    assert after.ends_on == before.ends_on


# -- groups -----------------------------------------------------------------------------------------

PLANS = st.none() | st.builds(
    Plan,
    frequency=st.sampled_from([Frequency.MONTHLY, Frequency.ANNUALLY]),
    payments=st.sampled_from([None, 1, 12]),
    start_on=st.sampled_from([TODAY, TODAY + timedelta(days=1)]),
    skip=st.booleans(),
)


@given(st.lists(PLANS, max_size=18))
def test_lines_are_together_exactly_where_all_is_the_same(plans: list[Plan | None]):
    """Two recurring lines share a subscription if and only if frequency, payments, start and backdating are equal."""
    groups = orders.grouped(plans)
    placed = sorted(n for places in groups.values() for n in places)
    assert placed == [n for n, plan in enumerate(plans) if plan is not None]
    of = {n: plan for plan, places in groups.items() for n in places}
    assert all(of[n] == plans[n] for n in placed)
    assert [min(places) for places in groups.values()] == sorted(min(places) for places in groups.values())


def test_an_order_makes_at_most_twenty_subscriptions():
    """Twenty groups are taken, one more is refused."""
    plans = [Plan(frequency=Frequency.MONTHLY, payments=n, start_on=TODAY) for n in range(1, 22)]
    assert len(orders.grouped(plans[:20])) == 20
    with pytest.raises(Invalid, match="at most 20 subscriptions; here are 21"):
        orders.grouped(plans)


# -- what goes with which ---------------------------------------------------------------------------

MONTHLY = subscription(line("a", 3000, product="prod_a"), id="sub_1")
YEARLY = subscription(line("b", 10000, product="prod_b"), id="sub_2", frequency=Frequency.ANNUALLY)
LATER = subscription(line("c", 5000, product="prod_c"), id="sub_3", anchor_on=TODAY + timedelta(days=9))


def off(**more: Any) -> orders.Giving:
    given_ = Discount(**{"coupon": "", "name": "Off"} | more)
    return lambda _: given_


def taken(groups: list[Subscription]) -> list[int]:
    """What each first invoice takes off."""
    return [sum(one.amount.amount for one in invoice_of(group, "", NOW).discounts) for group in groups]


def test_a_one_off_amount_is_given_once_and_shared_by_what_is_due_now():
    """50.00 off of 30.00 and 100.00 due now: 11.54 and 38.46, and nothing of what comes later."""
    groups = orders.discounted([LATER, MONTHLY, YEARLY], [off(amount=usd(5000), once=True)], TODAY)
    assert taken(groups) == [0, 1154, 3846]


@given(
    amounts=st.lists(st.integers(0, 500_000), min_size=1, max_size=5),
    offs=st.lists(
        st.integers(1, 900_000).map(lambda n: {"amount": usd(n)}) | st.sampled_from([{"percent": Decimal(50)}]),
        min_size=1, max_size=4,
    ),
)  # fmt: skip
def test_a_one_off_amount_is_the_same_however_the_lines_are_grouped(
    amounts: list[int], offs: list[dict[str, Any]]
):
    """Off as many subscriptions as are due now comes what would come off one of all their lines, rounding of percents aside."""
    apart = [subscription(line(str(n), amount)) for n, amount in enumerate(amounts)]
    whole = [subscription(*(line(str(n), amount) for n, amount in enumerate(amounts)))]
    given_ = [off(once=True, **one) for one in offs]
    here, there = (
        sum(taken(orders.discounted(apart, given_, TODAY))),
        sum(taken(orders.discounted(whole, given_, TODAY))),
    )
    assert abs(here - there) <= len(amounts) * sum("percent" in one for one in offs)


def test_a_percentage_is_of_every_subscription_and_a_one_off_one_of_those_due_now():
    """10 % forever is on all three; 10 % once on the two that are due now."""
    groups = [LATER, MONTHLY, YEARLY]
    assert taken(orders.discounted(groups, [off(percent=Decimal(10))], TODAY)) == [500, 300, 1000]
    assert taken(orders.discounted(groups, [off(percent=Decimal(10), once=True)], TODAY)) == [0, 300, 1000]


def test_an_amount_that_recurs_is_given_to_one_subscription():
    """5.00 off each invoice is off those of the first that is due now and has a line it is for."""
    groups = [LATER, MONTHLY, YEARLY]
    assert taken(orders.discounted(groups, [off(amount=usd(500))], TODAY)) == [0, 500, 0]
    assert taken(orders.discounted(groups, [off(amount=usd(500), products=("prod_b",))], TODAY)) == [
        0,
        0,
        500,
    ]
    assert taken(orders.discounted(groups, [off(amount=usd(500), products=("prod_c",))], TODAY)) == [
        500,
        0,
        0,
    ]


def test_a_discount_that_lasts_stays_though_the_first_invoice_is_free():
    """All off once, and 10 % forever: the second invoice has the 10 %."""
    given_ = [off(percent=Decimal(100), once=True), off(percent=Decimal(10))]
    [one] = orders.discounted([MONTHLY], given_, TODAY)
    assert invoice_of(one, "", NOW).total == usd(0)
    assert invoice_of(one.renewed(), "", NOW).total == usd(2700)


def test_months_of_a_coupon_count_from_each_first_invoice():
    """A coupon of three months ends three months after the first billing of each subscription."""
    coupon = Coupon(account="acct_1", id="cou_1", name="Off", created_at=NOW, percent=Decimal(10),
                    duration=Duration.REPEATING, months=3)  # fmt: skip
    groups = orders.discounted([MONTHLY, LATER], [coupon.discount], TODAY)
    assert [one.discounts[0].until_on for one in groups] == [date(2026, 4, 30), date(2026, 5, 9)]


def test_what_is_once_goes_with_the_first_that_is_due_now():
    """One-time lines and one-off amounts go with one subscription, one-off percentages with all that are due now."""
    fees = [Fee(name="Card", percent=Decimal(1)), Fee(name="Setup", amount=usd(900), once=True),
            Fee(name="Rush", percent=Decimal(5), once=True)]  # fmt: skip
    groups = orders.with_extras([LATER, MONTHLY, YEARLY], [line("setup", 700)], TODAY)
    groups = orders.with_fees(groups, fees, TODAY)
    vat, levy = (Tax(id=id_, name=id_, percent=Decimal(10)) for id_ in ("vat", "levy"))
    groups = orders.with_taxes(groups, [vat, replace(levy, once=True)], TODAY)
    assert [[one.kind for one in group.extras] for group in groups] == [[], [Kind.ONE_TIME], []]
    assert [[fee.name for fee in group.fees] for group in groups] == [
        ["Card"],
        ["Card", "Setup", "Rush"],
        ["Card", "Rush"],
    ]
    assert [[tax.id for tax in group.taxes] for group in groups] == [[], ["levy"], ["levy"]]


# -- summary ----------------------------------------------------------------------------------------

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


# -- who may take a coupon --------------------------------------------------------------------------

COUPON = Coupon(account="acct_1", id="cou_1", name="Off", created_at=NOW, percent=Decimal(10))
CODE = PromotionCode(account="acct_1", id="promo_1", code="Off10", coupon="cou_1", created_at=NOW)
SALE = redemptions.Sale(contact="con_1", now=NOW, subtotal=usd(5000), products=frozenset({"prod_a"}))

REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"active": False}, {}, "coupon_inactive"),
    ({"redeem_by": NOW}, {}, "coupon_expired"),
    ({"max_redemptions": 3, "redeemed": 3}, {}, "coupon_used_up"),
    ({"minimum": usd(5001)}, {}, "coupon_below_minimum"),
    ({"minimum": Money(1, "eur")}, {}, "coupon_other_currency"),
    ({"percent": None, "amount": Money(100, "eur")}, {}, "coupon_other_currency"),
    ({"products": ("prod_b",)}, {}, "coupon_other_products"),
    ({}, {"active": False}, "promotion_code_inactive"),
    ({}, {"expires_at": NOW}, "promotion_code_expired"),
    ({}, {"max_redemptions": 1, "redeemed": 1}, "promotion_code_used_up"),
    ({}, {"minimum": usd(5001)}, "promotion_code_below_minimum"),
    ({}, {"contact": "con_2"}, "promotion_code_of_another"),
]


@pytest.mark.parametrize(("coupon", "code", "why"), REFUSALS)
def test_a_refused_coupon_says_why(coupon: dict[str, Any], code: dict[str, Any], why: str):
    """Each reason has a code of its own, and a sentence."""
    with pytest.raises(Invalid) as refused:
        redemptions.check(replace(COUPON, **coupon), replace(CODE, **code), SALE, "discounts[0].coupon")
    assert (refused.value.code, refused.value.param) == (why, "discounts[0].coupon")
    assert refused.value.detail.endswith(".")


TAKEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"redeem_by": NOW + timedelta(seconds=1)}, {"expires_at": NOW + timedelta(seconds=1)}),
    ({"max_redemptions": 3, "redeemed": 2}, {"max_redemptions": 1}),
    ({"minimum": usd(5000)}, {"minimum": usd(5000), "contact": "con_1"}),
    ({"products": ("prod_b", "prod_a")}, {}),
    ({"percent": None, "amount": usd(1)}, {}),
]


@pytest.mark.parametrize(("coupon", "code"), TAKEN)
def test_a_coupon_is_taken_up_to_its_limits(coupon: dict[str, Any], code: dict[str, Any]):
    """The last moment, the last redemption and the very minimum are inside."""
    redemptions.check(replace(COUPON, **coupon), replace(CODE, **code), SALE, "discounts[0].coupon")


TERMS_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"percent": None}, "discount_ambiguous", "percent"),
    ({"amount": usd(1)}, "discount_ambiguous", "percent"),
    ({"percent": Decimal("100.1")}, "percent_out_of_range", "percent"),
    ({"percent": None, "amount": usd(0)}, "amount_out_of_range", "amount"),
    ({"duration": Duration.REPEATING}, "months_of_duration", "months"),
    ({"months": 3}, "months_of_duration", "months"),
    ({"duration": Duration.REPEATING, "months": 0}, "months_out_of_range", "months"),
    ({"duration": Duration.REPEATING, "months": 121}, "months_out_of_range", "months"),
    ({"max_redemptions": 0}, "max_redemptions_out_of_range", "max_redemptions"),
    ({"redeem_by": NOW}, "expiry_in_the_past", "redeem_by"),
    ({"minimum": usd(0)}, "minimum_out_of_range", "minimum"),
]


@pytest.mark.parametrize(("terms", "code", "param"), TERMS_REFUSED)
def test_terms_that_could_not_be_kept_are_refused(terms: dict[str, Any], code: str, param: str):
    """A coupon is exactly one of percent and amount, has months only where it repeats, and limits somebody can meet."""
    with pytest.raises(Invalid) as refused:
        redemptions.check_coupon(replace(COUPON, **terms))
    assert (refused.value.code, refused.value.param) == (code, param)


def test_a_code_is_the_same_in_any_case():
    """There is one id for a word, however it is typed."""
    assert redemptions.code_id("Welcome-10") == redemptions.code_id("WELCOME-10")
    assert redemptions.code_id("Welcome-10") != redemptions.code_id("WELCOME_10")
