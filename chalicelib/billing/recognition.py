"""When what was invoiced is earned: a line's amount without tax, evenly over the local days it was charged for.

Nothing of this is stored: it follows from an invoice and its credit notes. What is earned of k of n days is rounded
once, of the whole so far, so that days, months and parts of them always sum to the line. A credit note takes what is
not earned yet first, as its day begins, and revenue only beyond that; the rest is earned over the days that are left,
which end where the days begin that the note gave back.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Kind
from chalicelib.billing.money import round_half_up
from chalicelib.billing.periods import Period
from chalicelib.billing.rating import InvoiceLine, TaxShare

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What is taken of a line as a local day begins, in minor units; with `stop`, from that day on it is not used any more."""

    on: date
    amount: int
    stop: date | None = None

    def end(self, end_on: date) -> date:
        """Where the days of the line end after it, at the earliest with its own day."""
        return min(end_on, max(self.stop, self.on + DAY)) if self.stop else end_on


def at_once(line: InvoiceLine) -> bool:
    """Whether a line is earned as it is invoiced: what is sold once, and fees."""
    return line.kind in (Kind.ONE_TIME, Kind.FEE)


def net(invoice: Invoice, amount: int, taxes: Iterable[TaxShare]) -> int:
    """An amount of an invoice's line, or of a credit of it, without the taxes inside it; minor units."""
    inside = {tax.tax for tax in invoice.taxes if tax.inclusive}
    return amount - sum(part.amount.amount for part in taxes if part.tax in inside)


def unearned(invoice: Invoice, notes: Sequence[CreditNote], on: date) -> int:
    """What is still deferred as a local day begins, all notes given taken off, before it may have been voided; minor units."""
    return sum(left for _, left in _courses(replace(invoice, voided_on=None), notes, on))


def earned(invoice: Invoice, notes: Sequence[CreditNote], through: date) -> int:
    """What deferred lines have earned up to a local day and with it; never less than on a day before."""
    return sum(done for done, _ in _courses(invoice, notes, through + DAY))


def by_month(
    invoice: Invoice, notes: Sequence[CreditNote], issued_on: date, start_on: date, end_on: date
) -> Iterator[tuple[date, int]]:
    """What is to be moved from deferred to revenue within local days, both included: at the end of each month, and on the last.

    Days before the invoice was issued are earned on the day it was.
    """
    day = max(start_on, issued_on)
    before = earned(invoice, notes, day - DAY) if day > issued_on else 0
    over = _month_end(max(over_on(invoice, notes), issued_on))
    while day <= min(end_on, over):
        last = min(_month_end(day), end_on)
        after = earned(invoice, notes, last)
        if after != before:
            yield last, after - before
        day, before = last + DAY, after


def over_on(invoice: Invoice, notes: Sequence[CreditNote]) -> date:
    """The first local day that earns nothing any more, if it was issued by then."""
    ends = [invoice.period_start_on]
    for n, line in enumerate(invoice.lines):
        if at_once(line):
            continue
        days = _span(invoice, line)
        end = days.end_on
        for cut in _cuts(invoice, notes, n, 0):
            end = cut.end(end)
        # What is given back before its days begin leaves a rounding rest that is earned as they do.
        ends.append(max(end, days.start_on))
    return max(ends)


def _courses(invoice: Invoice, notes: Sequence[CreditNote], on: date) -> Iterator[tuple[int, int]]:
    """Of each deferred line, what days before `on` earned, and what is left for that day and later ones."""
    for n, line in enumerate(invoice.lines):
        if not at_once(line):
            whole = net(invoice, line.charged.amount, line.taxes)
            yield _course(whole, _span(invoice, line), _cuts(invoice, notes, n, whole), on)


def _course(whole: int, span: Period, cuts: Iterable[Cut], on: date) -> tuple[int, int]:
    """Earned and left of an amount from which `cuts` are taken, in their order."""
    done, left, since, end = 0, whole, span.start_on, span.end_on
    for cut in (*cuts, Cut(on=on, amount=0)):
        day = min(cut.on, on)
        ripe = _ripe(left, Period(since, max(since, end)), day)
        done, left = done + ripe, left - ripe
        left -= min(left, cut.amount)
        since, end = max(since, day), cut.end(end)
    return done, left


def _ripe(left: int, days: Period, on: date) -> int:
    """The part of an amount that the days before `on` earn."""
    if on >= days.end_on:
        return left
    if on <= days.start_on:
        return 0
    return round_half_up(Fraction(left * (on - days.start_on).days, days.days))


def _cuts(invoice: Invoice, notes: Sequence[CreditNote], n: int, whole: int) -> list[Cut]:
    """What credit notes took of a line, and what the end of a voided invoice takes: all of it."""
    cuts = [
        Cut(
            on=note.issued_on,
            amount=net(invoice, part.amount.amount, part.taxes),
            stop=part.share.start_on if part.share else None,
        )
        for note in notes
        for part in note.lines
        if part.line == n
    ]
    void = invoice.voided_on
    return [*cuts, Cut(on=void, amount=whole, stop=void)] if void else cuts


def _span(invoice: Invoice, line: InvoiceLine) -> Period:
    """The local days a line was charged for."""
    if line.share is not None:
        return Period(line.share.start_on, line.share.end_on)
    return Period(invoice.period_start_on, invoice.period_end_on)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
