"""Live an account's past failures again under another retry policy; nothing is written or charged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from chalicelib.billing import periods, replays
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.replays import Replayed, Totals
from chalicelib.crm.accounts import Account
from chalicelib.service import Service
from chalicelib.store import keys

MOST_DAYS: Final = 366
MOST_INVOICES: Final = 100
# Invoices looked at for one answer, failed or not: what is further on is another page's.
MOST_LOOKED_AT: Final = 1000
MOST_PAYMENTS: Final = 30
PAGE: Final = 100
# Nothing fails for the first time longer after it was issued: those issued earlier need not be looked at.
FAILS_WITHIN: Final = timedelta(days=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The invoices that first failed on local days from `start_on` to `end_on`, the last number first, under `policy`.

    The totals are of the invoices told here; `next` continues, null at the end. `notes` say what is assumed.
    """

    policy: RetryPolicy
    start_on: date
    end_on: date
    invoices: tuple[Replayed, ...]
    actual: Totals
    replayed: Totals
    notes: tuple[str, ...]
    next: str | None


def invoices(
    service: Service,
    account: str,
    policy: RetryPolicy,
    start_on: date,
    end_on: date,
    *,
    limit: int = 20,
    after: str | None = None,
) -> Replay:
    """What failed in those days, and how it would have gone under the policy. Raises Invalid."""
    business = service.store.get(Account, account, account)
    if not start_on <= end_on or (end_on - start_on).days > MOST_DAYS:
        detail = f"Choose days from the first to the last, at most {MOST_DAYS} apart."
        raise Invalid("range_out_of_order", detail, "end_on")
    since = periods.moment(start_on, 0, business.zone)
    until = periods.moment(end_on + timedelta(days=1), 0, business.zone)
    failed, next_ = _failed(service, account, (since, until), limit, after)
    told = tuple(replays.replayed(policy, past) for past in _failures(service, account, failed))
    return Replay(
        policy=policy,
        start_on=start_on,
        end_on=end_on,
        invoices=told,
        actual=replays.totals([(one.actual, one.amount) for one in told]),
        replayed=replays.totals([(one.replayed, one.amount) for one in told]),
        notes=replays.NOTES,
        next=next_,
    )


def _failed(
    service: Service, account: str, between: tuple[datetime, datetime], limit: int, after: str | None
) -> tuple[list[Invoice], str | None]:
    """Invoices that failed first in that time, newest first, and the position of the last one looked at."""
    since, until = between
    found: list[Invoice] = []
    for _ in range(MOST_LOOKED_AT // PAGE):
        page = service.store.owned(f"{account}/invoice", limit=PAGE, after=after)
        for one in page.records:
            if not isinstance(one, Invoice):
                continue
            after = one.position
            if one.issued_at < since - FAILS_WITHIN:
                return found, None
            if one.failed_at is not None and since <= one.failed_at < until:
                found.append(one)
            if len(found) == limit:
                return found, after
        if page.next is None:
            return found, None
        after = page.next
    return found, after


def _failures(service: Service, account: str, failed: Sequence[Invoice]) -> Iterator[replays.Failure]:
    wanted = [keys.key(Payment, account, name) for one in failed for name in _payments(one)]
    known = service.store.load(account, wanted)
    for one in failed:
        made = (known.find(Payment, account, name) for name in _payments(one))
        payments = sorted((each for each in made if each), key=lambda each: each.created_at)
        past = replays.failure(one.id, one.total, payments, one.paid_at)
        if past is not None:
            yield past


def _payments(invoice: Invoice) -> list[str]:
    """The names of an invoice's payments: what paid it may be named after an older one."""
    named = (invoice.paid_by, *invoice.payments_so_far(MOST_PAYMENTS))
    return [name for name in dict.fromkeys(named) if name]
