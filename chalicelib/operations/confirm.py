"""A buyer confirms a payment on their bank's page: the same payment, asked for once."""

from chalicelib.billing.errors import WrongState
from chalicelib.billing.gateway import ActionRequired, Outcome, Unavailable, Unknown
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.crm.accounts import Account
from chalicelib.operations import clear, outcomes
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading


def payment(service: Service, account: str, id_: str, *, back_url: str) -> str | None:
    """The address of the bank's page on which its buyer confirms a payment, None where it has its end.

    Raises NotFound, WrongState, Unavailable.
    """
    taken, known = retried(lambda: _taken_up(service, account, id_))
    if taken is None:
        return None
    answer = _confirmed(service, taken, back_url)
    outcomes.answered(service, account, {id_: answer}, known)
    if isinstance(answer, Unavailable):
        raise answer
    return answer.url if isinstance(answer, ActionRequired) else None


def _taken_up(service: Service, account: str, id_: str) -> tuple[Payment | None, Reading]:
    """A payment that waits for its buyer, taken up as a worker does; None where it has its end."""
    found = service.store.load(
        account, [keys.key(Payment, account, id_), keys.key(Account, account, account)]
    )
    payment, real = found.get(Payment, account, id_), service.real()
    if not payment.open:
        return None, found
    if payment.leased(real):
        raise clear.under_way(payment)
    if payment.status is not PaymentStatus.ACTION_REQUIRED:
        raise WrongState(
            "nothing_to_confirm", f"{id_} is {payment.status}: nothing of it is to be confirmed."
        )
    changes = Changeset(account, found)
    changes.begin(payment.taken_up(real))
    found.add(service.store.commit(changes))
    found.add(service.store.load(account, outcomes.beside(payment)))
    return found.get(Payment, account, id_), found


def _confirmed(service: Service, payment: Payment, back_url: str) -> Outcome | Unavailable:
    """What becomes of a confirmation; where no answer came, it waits as it did."""
    if payment.reference is None or payment.request is None:
        raise AssertionError("What waits for its buyer is known at the gateway.")
    try:
        now = service.gateway.fetch(payment.reference)
        if isinstance(now, ActionRequired) and now.url is None:
            key = service.new_id("cfm_")
            now = service.gateway.confirm(key, payment.reference, payment.request.method, back_url)
    except Unavailable as nobody:
        return nobody
    return Unavailable(now.reason) if isinstance(now, Unknown) else now
