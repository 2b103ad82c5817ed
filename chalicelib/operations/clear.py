"""End the open payments of invoices at the gateway, so that another may open: at most one holds an invoice."""

from collections.abc import Sequence
from functools import partial

from chalicelib.billing.errors import PerennialError, WrongState
from chalicelib.billing.gateway import (
    ActionRequired,
    AtCheckout,
    Canceled,
    Outcome,
    Unavailable,
    Unknown,
)
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.crm.accounts import Account
from chalicelib.operations import ask, outcomes, reconcile
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

UNDER_WAY = "payment_under_way"


def invoices(service: Service, account: str, names: Sequence[str]) -> None:
    """See that no payment holds these invoices (ids): what is open is called off, or its success is applied.

    Raises WrongState `payment_under_way` where a worker asks about one at this moment or its end is unknown,
    `payment_processing` where a bank is at it, and Unavailable.
    """
    while held := _holding(service, account, names):
        payments(service, account, [payment.id for payment in held])


def payments(service: Service, account: str, ids: Sequence[str]) -> None:
    """See that none of these payments is open. Raises as `invoices` does."""
    _end(service, account, ids)
    found = service.store.load(account, [keys.key(Payment, account, name) for name in ids])
    for name in ids:
        payment = found.get(Payment, account, name)
        if payment.open:
            raise _why(payment)


def what_can_be(service: Service, account: str, names: Sequence[str]) -> list[str]:
    """The same as far as it goes: the invoices (ids) a payment held, and none holds any more."""
    freed = []
    for payment in _holding(service, account, names):
        try:
            invoices(service, account, [part.invoice for part in payment.allocations])
        except (WrongState, Unavailable):
            continue
        freed += [part.invoice for part in payment.allocations]
    return freed


def under_way(payment: Payment) -> WrongState:
    """Its answer is awaited at this moment, or its end is not known."""
    detail = f"{payment.id} is under way; wait a minute or two until its end is known, then send this again."
    return WrongState(UNDER_WAY, detail)


def _holding(service: Service, account: str, names: Sequence[str]) -> list[Payment]:
    """The open payments that hold the invoices (ids)."""
    found = service.store.load(account, [keys.key(Invoice, account, name) for name in names])
    owed = [found.find(Invoice, account, name) for name in names]
    open_ = dict.fromkeys(invoice.payment for invoice in owed if invoice and invoice.payment)
    if not open_:
        return []
    found = service.store.load(account, [keys.key(Payment, account, name) for name in open_])
    return [payment for name in open_ if (payment := found.find(Payment, account, name)) and payment.open]


def _why(payment: Payment) -> PerennialError:
    """Why a payment goes on though it was to end."""
    match payment.status:
        case PaymentStatus.PROCESSING:
            detail = (
                f"The bank is still at {payment.id}: it takes days, and cannot be called off. Wait for its end;"
                " what came another way meanwhile is written down for no invoice (invoices: []), as balance."
            )
            return WrongState("payment_processing", detail)
        case PaymentStatus.CHECKOUT | PaymentStatus.ACTION_REQUIRED:
            return Unavailable(payment.reason or "The gateway did not answer.")
        case _:
            return under_way(payment)


def _end(service: Service, account: str, payments: Sequence[str]) -> None:
    """Take payments (ids) up as a worker does, call them off, and write down what became of them."""
    taken, known = retried(lambda: _taken(service, account, payments))
    if not taken:
        return
    answers = ask.at_once({one.id: partial(_off, service, one) for one in taken})
    outcomes.answered(service, account, answers, known)


def _taken(service: Service, account: str, payments: Sequence[str]) -> tuple[list[Payment], Reading]:
    wanted = [keys.key(Payment, account, name) for name in payments]
    found = service.store.load(account, [*wanted, keys.key(Account, account, account)])
    real, changes = service.real(), Changeset(account, found)
    for name in payments:
        payment = found.get(Payment, account, name)
        if payment.leased(real) and payment.open:
            raise under_way(payment)
        if payment.open:
            changes.begin(payment.taken_up(real))
    written = service.store.commit(changes)
    found.add(written)
    taken = [one for one in written.records.values() if isinstance(one, Payment)]
    found.add(service.store.load(account, [key for one in taken for key in outcomes.beside(one)]))
    return taken, found


def _off(service: Service, payment: Payment) -> Outcome:
    if payment.status is PaymentStatus.CHECKOUT and payment.session:
        return service.gateway.expire(payment.session)
    if payment.status is PaymentStatus.ACTION_REQUIRED and payment.reference:
        return service.gateway.cancel(payment.reference)
    match reconcile.told(service, payment):
        case AtCheckout() as page:
            return service.gateway.expire(page.session)
        case ActionRequired() as waiting:
            return service.gateway.cancel(waiting.reference)
        case None if payment.request and payment.request.page:
            return Canceled(reference="")
        case None:
            return Unknown(reason="Its answer was lost, and there is no trace of it yet.")
        case outcome:
            return outcome
