"""Billing runs: what each day's issued and what became of it, and what one to come would issue."""

from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta

from chalicelib.billing import billing_runs, numbering
from chalicelib.billing.billing_runs import BillingRun, Fate, Tally
from chalicelib.billing.forecast import Preview
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.operations import preview_run
from chalicelib.store import keys
from chalicelib.web.bodies import Body, Id
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor, owned, uncursor
from chalicelib.web.shown import Beside, Listed
from chalicelib.web.simulations import Until, day_or_moment

PAGE: Final = 100
MOST_INVOICES: Final = 1000
"""Invoices of a run counted for one answer."""


class PreviewRun(Body, frozen=True):
    """Up to the end of `at`, a local day of the account's, or up to a moment of it; `after` is the `next` of the answer before.

    At most `limit` subscriptions are looked through.
    """

    at: Until
    limit: Annotated[int, Meta(ge=1, le=preview_run.MOST_SUBSCRIPTIONS)] = preview_run.MOST_SUBSCRIPTIONS
    after: Id | None = None


class Further(Body, frozen=True):
    """Where counting goes on, `after` the `next` of the answer before, and how many invoices are counted."""

    limit: Annotated[int, Meta(ge=1, le=MOST_INVOICES)] = MOST_INVOICES
    after: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What became of the run's invoices, counted as they are now: `counted` of them, newest first.

    Where there are more it is not `complete`, and those further down are counted `after` `next`. `parked` are those
    of its invoices that were taken out of the schedules until a person looks.
    """

    counted: int
    became: tuple[Tally, ...]
    held: tuple[str, ...]
    parked: tuple[str, ...]
    complete: bool
    next: str | None


def list_(call: Call, query: Paging) -> Listed[BillingRun]:
    """All runs, the last day first."""
    return owned(call.service, BillingRun, f"{call.account.id}/billing_run", query)


def get(call: Call, id_: str, query: Further) -> Beside[BillingRun, Became]:
    """A run, with what became of its invoices: charged, declined, held, open."""
    run = call.get(BillingRun, id_)
    # Newest first from the last number of the run on, which is just before this.
    position: str | None = uncursor(query.after) if query.after else f"{numbering.position(run.last_number)} "
    fates: list[tuple[Invoice, Fate]] = []
    while position is not None and len(fates) < query.limit:
        limit = min(PAGE, query.limit - len(fates))
        page = call.service.store.owned(f"{call.account.id}/invoice", limit=limit, after=position)
        issued = [one for one in page.records if isinstance(one, Invoice)]
        mine = [one for one in issued if one.position >= numbering.position(run.first_number)]
        fates += _fates(call, [one for one in mine if not one.besides])
        position = page.next if len(mine) == len(issued) else None
    return Beside(run, _became(call, fates, position))


def preview(call: Call, body: PreviewRun) -> Preview:
    """What a run would issue, by the code that will: totals, what differs from the last and from the forecast, outliers first.

    Nothing is written.
    """
    at = day_or_moment(body.at, "at")
    return preview_run.billing_run(call.service, call.account.id, at, body.after, limit=body.limit)


def _fates(call: Call, issued: list[Invoice]) -> list[tuple[Invoice, Fate]]:
    """What became of each, with the payments read that hold some."""
    account = call.account.id
    wanted = [keys.key(Payment, account, one.payment) for one in issued if one.payment]
    reading = call.service.store.load(account, wanted) if wanted else None
    found = []
    for invoice in issued:
        held = reading.find(Payment, account, invoice.payment) if reading and invoice.payment else None
        found.append((invoice, billing_runs.fate(invoice, held)))
    return found


def _became(call: Call, fates: list[tuple[Invoice, Fate]], position: str | None) -> Became:
    stopped = preview_run.parked(call.service, call.account.id)
    return Became(
        counted=len(fates),
        became=billing_runs.tallied(fates),
        held=tuple(invoice.id for invoice, met in fates if met is Fate.HELD),
        parked=tuple(invoice.id for invoice, _ in fates if keys.key_of(invoice) in stopped),
        complete=position is None,
        next=cursor(position),
    )
