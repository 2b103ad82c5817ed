"""Send a letter again because a person asks: another delivery of the same letter, one a request, told as things stand now."""

from dataclasses import replace

from chalicelib.billing.deliveries import Delivery, DeliveryStatus
from chalicelib.billing.errors import WrongState
from chalicelib.crm.accounts import Account
from chalicelib.operations import act
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset


def letter(service: Service, account: str, id_: str) -> Delivery:
    """The new delivery, which goes within seconds; an earlier try of the same request has made the same.

    Raises NotFound, and WrongState of one that has not been sent yet, or whose letter is switched off.
    """
    asked = service.new_id(act.REQUEST)

    def attempt() -> Delivery:
        found = service.store.load(
            account, [keys.key(Delivery, account, id_), keys.key(Account, account, account)]
        )
        first, business = found.get(Delivery, account, id_), found.get(Account, account, account)
        again = _again(first, asked, business, service)
        if done := service.store.find(Delivery, account, again.id):
            return done
        if first.status is DeliveryStatus.PENDING:
            raise WrongState("delivery_pending", "It has not been sent yet, and will be by itself.")
        if first.letter in business.letters_off:
            detail = "The account does not send this letter: take it out of its letters_off."
            raise WrongState("letter_off", detail)
        changes = Changeset(account, found)
        changes.put(again)
        written = service.store.commit(changes)
        nudge(service, business, written.unparked())
        return written.get(Delivery, account, again.id)

    return retried(attempt)


def _again(first: Delivery, asked: str, business: Account, service: Service) -> Delivery:
    real = service.real()
    root = first.id.partition("_again_")[0]
    return replace(
        first,
        id=f"{root}_again_{asked.removeprefix(act.REQUEST)}",
        created_at=business.now(real),
        send_at=real,
        status=DeliveryStatus.PENDING,
        refusals=0,
        to=None,
        message_id=None,
        reason=None,
        sent_at=None,
        resends=first.id,
        version=0,
    )
