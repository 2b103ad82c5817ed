"""What a change within a period gives back and what it charges: by whole local days, each part rounded once.

A change on a day counts for the whole of it: what was sold before covers the days up to it, what is sold now that day
and the ones after. A credit is what was charged for a line (after coupons) x its days to come of all its days; a
charge is the exact price x the same days of the whole period's, with the percentages that were taken off the
period's invoice. Lines the change does not touch stay as they were charged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from chalicelib.billing import lines as price
from chalicelib.billing.credits import CreditNote, Wanted, left
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import rounded
from chalicelib.billing.rating import InvoiceDiscount, InvoiceLine
from chalicelib.billing.tax import Tax


class Proration(StrEnum):
    """How a change settles the rest of the period: not at all, as it begins with the next; or with credit at once, and charges then or now."""

    NONE = "none"
    NEXT_INVOICE = "next_invoice"
    INVOICE_NOW = "invoice_now"


WHOLE = frozenset({Kind.ONE_TIME, Kind.FEE})
"""What is sold for no period, and so has no part of one."""
CREDITABLE = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PAID})
"""What is void was taken back whole, and what is uncollectible was never paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the running period was charged with: the cycle's invoice first, those besides it, and their credit notes.

    It runs up to the local date `next_on`, which is not the one invoiced where somebody moved it, or a pause. Days that
    somebody added are nobody's; what was invoiced runs later by the days that pauses `shifted` it, and up to `settled_on`
    at most, where what was charged beyond is settled. `extras` wait for the next invoice.
    """

    invoices: tuple[Invoice, ...]
    next_on: date
    shifted: int = 0
    settled_on: date | None = None
    notes: tuple[CreditNote, ...] = ()
    extras: tuple[Line, ...] = ()

    @property
    def start_on(self) -> date:
        """The local date the cycle's invoice begins on; what ends there or earlier was charged for another period."""
        return self.invoices[0].period_start_on

    def to_come(self, on: date) -> Share:
        """The days from a local date on that were charged, of all days of a whole period: none where they were not."""
        first, pending = self.invoices[0], self._pending()
        invoiced_on = max(invoice.period_end_on for invoice in self.invoices)
        invoiced = [line.share for one in reversed(self.invoices) for line in one.lines if line.share]
        whole = next(
            (share.of_days for share in (*pending, *invoiced) if share.end_on > on),
            (first.period_end_on - first.period_start_on).days,
        )
        ends_on = max([self.runs_to(invoiced_on), *(share.end_on for share in pending)])
        return _days(on, (ends_on - on).days, whole)

    def runs_to(self, invoiced_on: date) -> date:
        """The local date up to which what was invoiced up to another is sold: what was invoiced after a shift has it already."""
        shift = timedelta(days=self.shifted)
        charged_to = max(self.invoices[0].period_end_on + shift, invoiced_on)
        return min(invoiced_on + shift, charged_to, self.settled_on or self.next_on, self.next_on)

    def _pending(self) -> list[Share]:
        return [line.share for line in self.extras if line.share and line.kind is Kind.PRORATION]

    @property
    def settles_to(self) -> date | None:
        """What `settled_on` is once a change has settled the period: its end, where more was charged than up to there."""
        charged_to = self.invoices[0].period_end_on + timedelta(days=self.shifted)
        return self.next_on if self.next_on < charged_to else self.settled_on

    def notes_of(self, invoice: Invoice) -> tuple[CreditNote, ...]:
        """The credit notes on one of them."""
        return tuple(note for note in self.notes if note.invoice == invoice.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a change comes to: `credits` by invoice, `debits` to be charged, `extras` what is left of those not invoiced yet."""

    credits: tuple[tuple[Invoice, tuple[Wanted, ...]], ...]
    debits: tuple[Line, ...]
    extras: tuple[Line, ...]


def changed(
    standing: Standing,
    before: Sequence[Line],
    after: Sequence[Line],
    on: date,
    *,
    currency: str,
    discounts: Sequence[Discount | InvoiceDiscount] | None = None,
    taxes: tuple[Mapping[str, Tax], Mapping[str, Tax]] = ({}, {}),
) -> Settlement:
    """Lines take the place of others on a local date; a line is the same where its id is.

    `taxes` are those by id before and after; `discounts` what the new charges have the percentages of, None for those
    of the cycle's invoice.
    """
    touched, anew = differing(before, after, taxes)
    given = standing.invoices[0].discounts if discounts is None else discounts
    share = standing.to_come(on)
    debits = tuple(_debit(line, share, given) for line in anew) if share.days else ()
    return Settlement(
        credits=_credits(standing, on, touched),
        debits=tuple(line for line in debits if price.amount(line, currency)),
        extras=cut(standing.extras, on, touched),
    )


def ended(standing: Standing, on: date) -> Settlement:
    """The period ends on a local date: all of its days that are still to come are given back."""
    return Settlement(credits=_credits(standing, on, None), debits=(), extras=cut(standing.extras, on, None))


def differing(
    before: Sequence[Line],
    after: Sequence[Line],
    taxes: tuple[Mapping[str, Tax], Mapping[str, Tax]] = ({}, {}),
) -> tuple[frozenset[str], tuple[Line, ...]]:
    """The ids of the lines that are gone or cost otherwise, and the lines that are new or cost otherwise."""
    old = {line.id: _costs(line, taxes[0]) for line in before}
    new = {line.id: _costs(line, taxes[1]) for line in after}
    return (
        frozenset(id_ for id_, costs in old.items() if new.get(id_) != costs),
        tuple(line for line in after if old.get(line.id) != new[line.id]),
    )


def _costs(line: Line, taxes: Mapping[str, Tax]) -> tuple[Line, tuple[Tax | None, ...]]:
    """What a line's amount and tax come from: all of it but its texts."""
    return replace(line, name="", description="", sku=""), tuple(taxes.get(id_) for id_ in line.taxes)


def cut(extras: Iterable[Line], on: date, ids: frozenset[str] | None) -> tuple[Line, ...]:
    """Prorated charges of some lines (None: all), not invoiced yet, up to a local date; the other extras as they are."""
    touched = (_up_to(line, on) if ids is None or line.id in ids else line for line in extras)
    return tuple(line for line in touched if line.share is None or line.share.days)


def shifted(extras: Iterable[Line], on: date, days: int) -> tuple[Line, ...]:
    """Prorated charges, not invoiced yet, whose days from a local date on come so many days later; the other extras as they are."""
    made: list[Line] = []
    for line in extras:
        share = line.share
        if share is None or line.kind is not Kind.PRORATION or share.end_on <= on or not days:
            made.append(line)
            continue
        begun = max(0, (on - share.start_on).days)
        first, later = share.start_on, max(share.start_on, on) + timedelta(days=days)
        parts = (_days(first, begun, share.of_days), _days(later, share.days - begun, share.of_days))
        made += [replace(line, share=part) for part in parts if part.days]
    return tuple(made)


def _up_to(line: Line, on: date) -> Line:
    share = line.share
    if share is None or line.kind is not Kind.PRORATION:
        return line
    days = min(share.days, (on - share.start_on).days)
    return replace(line, share=_days(share.start_on, days, share.of_days))


def _debit(line: Line, share: Share, given: Sequence[Discount | InvoiceDiscount]) -> Line:
    """A line for the days to come; an amount off an invoice was given with the period's, and is not given again."""
    percents = (
        UnitDiscount(percent=one.percent)
        for one in given
        if one.percent is not None and (not one.products or line.product in one.products)
    )
    return replace(line, kind=Kind.PRORATION, share=share, discounts=(*line.discounts, *percents))


def _credits(
    standing: Standing, on: date, ids: frozenset[str] | None
) -> tuple[tuple[Invoice, tuple[Wanted, ...]], ...]:
    """The unused days of the lines of some ids (None: of all), by the invoice that charged them."""
    found = []
    for invoice in standing.invoices:
        if invoice.status not in CREDITABLE:
            continue
        rest = left(invoice, standing.notes_of(invoice))
        wanted = tuple(
            Wanted(line=n, share=share)
            for n, line in enumerate(invoice.lines)
            if (ids is None or line.id in ids)
            and rest[n].amount
            and (share := unused(standing, invoice, n, on))
        )
        if wanted:
            found.append((invoice, wanted))
    return tuple(found)


def unused(standing: Standing, invoice: Invoice, n: int, on: date) -> Share | None:
    """The days of an invoice's line, by its index, that are still to come on a local date; None where they are worth nothing.

    A line's days are its share's, or the invoice's. Days that were given back once are not given back again.
    """
    line = invoice.lines[n]
    days, ends_on = _own(line, invoice)
    if line.kind in WHOLE or ends_on <= standing.start_on:
        return None
    if any(one.line == n and one.share for note in standing.notes_of(invoice) for one in note.lines):
        return None
    to_come = max(0, min(days, (standing.runs_to(ends_on) - on).days))
    worth = days and rounded(Decimal(line.charged.amount * to_come), days)
    return _days(on, to_come, days) if worth else None


def _own(line: InvoiceLine, invoice: Invoice) -> tuple[int, date]:
    """How many days a line was charged for, and the date they end on."""
    if line.share is not None:
        return line.share.days, line.share.end_on
    return (invoice.period_end_on - invoice.period_start_on).days, invoice.period_end_on


def _days(start_on: date, days: int, of_days: int) -> Share:
    days = max(0, days)
    return Share(days=days, of_days=of_days, start_on=start_on, end_on=start_on + timedelta(days=days))
