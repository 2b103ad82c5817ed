"""The field's cases on proration, answered by whole local days, each part rounded once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.billing import credits as notes
from chalicelib.billing import issuing, lines, money, periods, proration
from chalicelib.billing.credits import CreditNote, Wanted
from chalicelib.billing.discounts import Discount
from chalicelib.billing.errors import WrongState
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency, Period
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.proration import Settlement, Standing
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Change, Subscription
from chalicelib.billing.tax import Tax
from tests.cases import field
from tests.cases.field import Case, Values
from tests.cases.test_billing_dates import aligned, calendar, on_or_never, text

NOW = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NINE = 10**9
FREQUENCIES = {
    "weekly": Frequency.WEEKLY,
    "week": Frequency.WEEKLY,
    "biweekly": Frequency.BIWEEKLY,
    "monthly": Frequency.MONTHLY,
    "month": Frequency.MONTHLY,
    "quarterly": Frequency.QUARTERLY,
    "quarter": Frequency.QUARTERLY,
    "biannual": Frequency.PER_SIX_MONTHS,
    "semiannual": Frequency.PER_SIX_MONTHS,
    "annual": Frequency.ANNUALLY,
    "yearly": Frequency.ANNUALLY,
    "year": Frequency.ANNUALLY,
    "biennial": Frequency.PER_TWO_YEARS,
}


@field.cases("proration")
def test_proration(case: Case):
    """Days of a period that are left are given back of what was charged, and charged of the new price, each rounded once.

    A fraction rounded to nine places first runs where that moves no cent; seconds and days that include the last one
    run as whole local days; thirty-day months run where a month has thirty days.
    """
    field.check(replace(case, expected=in_numbers(case.expected)), {
        "kb_cycles": cycles,
        "prorated_line": part_of_a_line,
        "fraction": fraction,
        "plan_change_days": plan_change,
        "plan_and_discount_change": plan_change_with_discounts,
        "composed_plan_change": change_of_all_lines,
        "interval_change": interval_change,
        "seat_total": seats,
        "local_days": local_days,
        "longer_item_added": longer_item,
        "line_netting": netted,
        "first_or_last_period": first_or_last,
        "termination_credit": credit_at_the_end,
        "credit_cap": capped,
    })  # fmt: skip


# Kill Bill: cycles from a billing day, the first and the last cut; fractions of nine places.


def cycles(given: Values) -> Values:
    start, end, target = on(given["start"]), on_or_never(given["end"]), on(given["target"])
    each = sold(given["period"])
    anchor = billing_day(start, given["billing_cycle_day"], each)
    first, last = (periods.index_at(anchor, each, day) for day in (start, target))
    segments, sum_of_parts = [], Decimal(0)
    for n in range(first, last + 1):
        whole = periods.period(anchor, each, n)
        starts_on, ends_on = max(start, whole.start_on), min(end, whole.end_on)
        due = given["billing_mode"] == "in_advance" or ends_on <= target
        if starts_on < ends_on and due:
            share = nine_places(Period(starts_on, ends_on), whole)
            sum_of_parts += share
            segments.append({"start": text(starts_on), "end": text(ends_on), "cycles": f"{share:.9f}"})
    return {"cycles": f"{sum_of_parts:.9f}", "segments": segments}


def billing_day(start: date, day_of_month: int, each: Frequency) -> date:
    """That day of the start's month, whole intervals back to where the month is long enough to have it; weeks have none."""
    if not each.months:
        return start
    first = start.replace(day=1)
    for n in range(12):
        month = periods.add_months(first, -n * each.months)
        if aligned(month, day_of_month).day == day_of_month:
            return aligned(month, day_of_month)
    return aligned(first, day_of_month)


def nine_places(part: Period, whole: Period) -> Decimal:
    """The part of a price of 10^9 that is charged for a part of a period."""
    one = line("li_1", NINE)
    return Decimal(lines.amount(replace(one, share=issuing.share_of(part, whole)), "usd").amount) / NINE


def part_of_a_line(given: Values) -> Values:
    if given["fixed_days_per_month"] is not None:
        field.left_out("thirty-day months")
    currency = given["currency"].lower()
    price = money.parse_major(given["price"], currency)
    whole = Period(on(given["period_start"]), on(given["period_end"]))
    part = Period(on(given["from"]), on(given["to"]))
    if given["kind_of_line"] == "charge":
        share = issuing.share_of(part, whole)
        ours = lines.amount(line("li_1", price.amount, share=share), currency)
    else:
        ours = -given_back(invoice(whole, [line("li_1", price.amount)], currency), part.days, whole.days)
    by_nine = money.round_half_up(nine_places(part, whole) * price.amount)
    if abs(ours.amount) != by_nine:
        field.left_out("the fraction is rounded to nine places first, which moves a cent")
    return {"amount": ours.major()}


def fraction(given: Values) -> Values:
    part = Period(on(given["from"]), on(given["to"]))
    if "period_start" in given:
        whole = Period(on(given["period_start"]), on(given["period_end"]))
        return {"fraction_exact": Fraction(part.days, whole.days)}
    each = sold(given["frequency"])
    leading = given.get("which", "").startswith("leading")
    ends = (part.end_on, -1) if leading else (part.start_on, 0)
    whole = periods.period(ends[0], each, ends[1])
    fixed = given["fixed_days_per_month"]
    if fixed is not None and whole.days != fixed * each.months:
        field.left_out(f"{fixed}-day months")
    return {"fraction": nine_places(part, whole), "days": part.days}


# Plans that take the place of others.


def plan_change(given: Values) -> Values:
    if "old" in given:
        return change_of_a_plan(given)
    period = Period(on(given["period_start"]), end_of(given))
    if "old_lines_minor" in given:
        old, new = given["old_lines_minor"], given["new_lines_minor"]
        back, charged = settled(period, old, new, on(given["change_at"]))
        return {"lines_minor": [-one for one in back] + charged, "net_minor": sum(charged) - sum(back)}
    currency = given["currency"].lower()
    old, new = (minor(given[word], currency) for word in ("old_amount", "new_amount"))
    back, charged = settled(period, old, new, on(given["change_at"]), currency)
    net = Money(sum(charged) - sum(back), currency)
    return {
        "credit": -Money(back[0], currency).major() if back else None,
        "charge": Money(charged[0], currency).major() if charged else None,
        "net": net.major(),
    }


def end_of(given: Values) -> date:
    return on(given["period_end"]) if "period_end" in given else on(given["period_last_day"]) + DAY


def minor(amount: str | None, currency: str) -> list[int]:
    return [] if amount is None else [money.parse_major(amount, currency).amount]


def change_of_a_plan(given: Values) -> Values:
    """A plan takes the place of one of the same interval: the period stays."""
    old, new = given["old"], given["new"]
    if old["interval"] != new["interval"]:
        return interval_change(given)
    start = on(given["period_start"])
    period = periods.period(start, sold(old["interval"]), 0)
    back, charged = settled(period, [old["amount_minor"]], [new["amount_minor"]], on(given["change_at"]))
    return {
        "credit_minor": sum(back),
        "charge_minor": sum(charged),
        "period_after": [text(period.start_on), text(period.end_on)],
    }


def plan_change_with_discounts(given: Values) -> Values:
    """What is given back is of what was paid; what is charged has the discount that is given with it."""
    start, old, new = on(given["period_start"]), given["old"], given["new"]
    period = periods.period(start, sold(old.get("interval", "month")), 0)
    before, after = discounts(old["discount"]), discounts(new["discount"])
    back, charged = settled(
        period,
        [old["amount_minor"]],
        [new["amount_minor"]],
        on(given["change_at"]),
        before=before,
        after=after,
    )
    return {"credit_minor": sum(back), "charge_minor": sum(charged)}


def change_of_all_lines(given: Values) -> Values:
    """None of a plan's lines stays: a period of as many days as the share has parts."""
    share = Fraction(given["remaining_share"])
    start = date(2025, 6, 1)
    period = Period(start, start + share.denominator * DAY)
    off = discounts(given["discount"])
    changed_on = period.end_on - share.numerator * DAY
    old, new = given["old_lines_minor"], given["new_lines_minor"]
    back, charged = settled(period, old, new, changed_on, before=off, after=off)
    return {"credit_lines_minor": back, "charge_lines_minor": charged}


def interval_change(given: Values) -> Values:
    """What is left of the old period is given back, and a new one begins on the day of the change."""
    start, changed_on = on(given["period_start"]), on(given["change_at"])
    old, new = given["old"], given["new"]
    running = subscription([line("li_1", old["amount_minor"])], start, sold(old["interval"]))
    standing = billed(running)
    back = credited(proration.ended(standing, changed_on))
    after = running.renewed().changed(Change(lines=(line("li_1", new["amount_minor"]),)))
    after = after.restarted(changed_on, sold(new["interval"]))
    made = issuing.invoice_of(after, "INV-2", NOW)
    return {
        "credit_minor": sum(back),
        "charge_minor": made.total.amount,
        "period_after": [text(made.period_start_on), text(made.period_end_on)],
    }


def discounts(one: Values | None) -> list[Discount]:
    if one is None:
        return []
    if "percent" not in one:
        field.left_out("an amount off each charge: ours takes an amount off a period once")
    return [Discount(coupon="off", name="Off", percent=Decimal(one["percent"]))]


def netted(given: Values) -> Values:
    """An item that costs what it cost is left alone; any other has a credit and a charge, on documents of their own."""
    items: dict[str, list[int]] = {}
    for id_, amount in given["lines_minor"]:
        items.setdefault(id_, []).append(amount)
    for amounts in items.values():
        if sorted(amounts) != [-abs(amounts[0]), abs(amounts[0])]:
            field.left_out("a credit and a charge are never one line here")
    both = [line(id_, abs(amounts[0])) for id_, amounts in items.items()]
    period = Period(date(2025, 1, 1), date(2025, 1, 31))
    standing = Standing(invoices=(invoice(period, both, "usd"),), next_on=period.end_on)
    made = proration.changed(standing, both, both, period.start_on, currency="usd")
    return {"lines_minor": [*credited(made), *made.debits]}


# Parts of a period at its begin and its end.


def first_or_last(given: Values) -> Values:
    """Charged from the day it starts, or its trial ends, or it is changed to, up to and with the day it ends."""
    zone, each = given["timezone"], sold(given["frequency"])
    begins = [
        local(given[word], zone) for word in ("started_at", "changed_at", "upgraded_at") if word in given
    ]
    begins.append(local(given["started_at"], zone) + given.get("trial_days", 0) * DAY)
    starts_on = max(begins)
    last_on = local(given["terminated_at"], zone) if "terminated_at" in given else starts_on
    anchor = anchor_of(given, local(given["started_at"], zone))
    whole = periods.period(anchor, each, periods.index_at(anchor, each, last_on))
    ends_on = last_on + DAY if "terminated_at" in given else whole.end_on
    part = Period(max(starts_on, whole.start_on), ends_on)
    share = issuing.share_of(part, whole)
    amount = lines.amount(line("li_1", given["price_minor"], share=share), "usd").amount
    return {"amount_minor": amount, "days": part.days, "period_days": whole.days}


def anchor_of(given: Values, starts_on: date) -> date:
    """The day periods are counted from: its own, another that is named, or the calendar's."""
    alignment = given["alignment"]
    if alignment == "calendar":
        return calendar(starts_on, given["frequency"])
    return on(alignment.split()[-1]) if " " in alignment else starts_on


def credit_at_the_end(given: Values) -> Values:
    """The days after the last are given back with their tax; one that another takes the place of ends the day before."""
    zone, each = given["timezone"], sold(given["frequency"])
    starts_on, last_on = (local(given[word], zone) for word in ("started_at", "terminated_at"))
    ended_on = last_on if given.get("ended_by") == "upgrade" else last_on + DAY
    anchor = anchor_of(given, starts_on)
    whole = periods.period(anchor, each, periods.index_at(anchor, each, last_on))
    part = Period(max(starts_on, whole.start_on), whole.end_on)
    share = issuing.share_of(part, whole)
    tax = Tax(id="txr_1", name="VAT", percent=Decimal(given["tax_percent"]))
    one = line(
        "li_1", given["price_minor"], taxes=("txr_1",), share=share if part.days < whole.days else None
    )
    made = replace(subscription([one], starts_on, each), taxes=(tax,))
    standing = Standing(invoices=(issuing.issued(made, (one,), part, "INV-1", NOW),), next_on=whole.end_on)
    ((charged, wanted),) = proration.ended(standing, ended_on).credits
    note = note_of(charged, wanted)
    net = note.lines[0].amount.amount
    unused = (whole.end_on - ended_on).days
    if net != money.round_half_up(Fraction(given["price_minor"] * unused, whole.days)):
        field.left_out("rounded from the exact price: ours gives back of what was charged")
    return {
        "net_minor": net,
        "tax_minor": note.total.amount - net,
        "total_minor": note.total.amount,
        "unused_days": unused,
        "period_days": whole.days,
    }


def longer_item(given: Values) -> Values:
    """What is billed by the year and sold for less is charged its days of the year."""
    start, end = on(given["change_at"]), on(given["period_end"])
    yearly = subscription([line("li_1", given["item_minor"])], start, sold(given["item_interval"]))
    made = issuing.invoice_of(replace(yearly, cancel_on=end), "INV-1", NOW)
    return {"amount_minor": made.total.amount}


def seats(given: Values) -> Values:
    tiers = tuple(
        Tier(
            up_to=None if tier["up_to"] is None else Decimal(tier["up_to"]),
            unit_amount=Decimal(tier["unit_minor"]),
        )
        for tier in given["seat_tiers_graduated"]
    )
    both = [line("li_1", given["base_fee_minor"])]
    both.append(line("li_2", 0, quantity=Decimal(given["seats"]), model=Model.GRADUATED, tiers=tiers))
    period = Period(date(2025, 6, 1), date(2025, 7, 1))
    return {"amount_minor": invoice(period, both, "usd").total.amount}


def local_days(given: Values) -> Values:
    zone = given["timezone"]
    start, end = (
        datetime.fromisoformat(given[word]).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for word in ("local_start", "local_end")
    )
    return {"days": Period(periods.local_date(start, zone), periods.local_date(end, zone)).days}


def capped(given: Values) -> Values:
    """Days are given back at most up to what is left of what was charged."""
    potential, paid, before = (
        money.parse_major(given[word], "usd").amount
        for word in ("potential_credit", "original_paid", "already_credited")
    )
    charged = invoice(Period(date(2025, 1, 1), date(2025, 2, 1)), [line("li_1", paid)], "usd")
    earlier = [note_of(charged, [Wanted(line=0, amount=Money(before, "usd"))])] if before else []
    share = Share(days=min(potential, paid), of_days=paid, start_on=NOW.date(), end_on=NOW.date())
    try:
        return {"credit": note_of(charged, [Wanted(line=0, share=share)], earlier).total.major()}
    except WrongState:
        return {"credit": Decimal(0)}


# Our words for theirs.


def line(id_: str, unit_amount: int, **more: Any) -> Line:
    return Line(id=id_, name=id_, unit_amount=Decimal(unit_amount), **more)


def subscription(
    of: Sequence[Line], starts_on: date, each: Frequency, off: Sequence[Discount] = (), currency: str = "usd"
) -> Subscription:
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency=currency,
        frequency=each,
        lines=tuple(of),
        anchor_on=starts_on,
        zone="UTC",
        hour=0,
        status=Status.ACTIVE,
        created_at=NOW,
        discounts=tuple(off),
    )


def billed(of: Subscription) -> Standing:
    return Standing(invoices=(issuing.invoice_of(of, "INV-1", NOW),), next_on=of.period(0).end_on)


def invoice(period: Period, of: Sequence[Line], currency: str, off: Sequence[Discount] = ()) -> Invoice:
    """An invoice of a period of any length."""
    made = subscription(of, period.start_on, Frequency.MONTHLY, off, currency)
    return issuing.issued(made, tuple(of), period, "INV-1", NOW)


def settled(
    period: Period,
    old: Sequence[int],
    new: Sequence[int],
    changed_on: date,
    currency: str = "usd",
    *,
    before: Sequence[Discount] = (),
    after: Sequence[Discount] | None = None,
) -> tuple[list[int], list[int]]:
    """Lines of some prices take the place of others: what is given back, and what is charged, line by line."""
    had = [line(f"li_{n}", amount) for n, amount in enumerate(old, 1)]
    has = [line(f"li_{n}", amount) for n, amount in enumerate(new, len(old) + 1)]
    charged = invoice(period, had or [line("li_0", 1)], currency, before)
    standing = Standing(invoices=(charged,), next_on=period.end_on)
    made = proration.changed(standing, had, has, changed_on, currency=currency, discounts=after)
    return credited(made), [lines.amount(one, currency).amount for one in made.debits]


def credited(made: Settlement) -> list[int]:
    return [part.amount.amount for charged, wanted in made.credits for part in note_of(charged, wanted).lines]


def note_of(charged: Invoice, wanted: Sequence[Wanted], before: Sequence[CreditNote] = ()) -> CreditNote:
    return notes.credited(charged, before, wanted, number="CN-1", now=NOW, day=NOW.date())


def given_back(charged: Invoice, days: int, of_days: int) -> Money:
    share = Share(days=days, of_days=of_days, start_on=NOW.date(), end_on=NOW.date())
    return note_of(charged, [Wanted(line=0, share=share)]).total


def sold(name: str) -> Frequency:
    if name.lower() not in FREQUENCIES:
        field.left_out("an interval that is not sold here")
    return FREQUENCIES[name.lower()]


def on(day: str) -> date:
    """A local day; a moment within one is not a day's begin."""
    moment = datetime.fromisoformat(day)
    if moment.hour or moment.minute or moment.second:
        field.left_out("a change within a day: ours is of the whole day")
    return moment.date()


def local(at: str, zone: str) -> date:
    return periods.local_date(datetime.fromisoformat(at), zone)


def in_numbers(expected: Values) -> Values:
    """Amounts and fractions as numbers, however they are written."""
    words = ("amount", "credit", "charge", "net", "fraction")
    values = {word: number(value) if word in words else value for word, value in expected.items()}
    if "fraction_exact" in values:
        values["fraction_exact"] = Fraction(values["fraction_exact"])
    return values


def number(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value
