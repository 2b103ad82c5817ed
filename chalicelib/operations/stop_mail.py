"""Stop writing to addresses whose letters bounce for good or whose readers complain, and begin again when a person says so."""

import logging

from chalicelib.adapters import mail_told
from chalicelib.billing.deliveries import Delivery, DeliveryStatus
from chalicelib.billing.events import EventType
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.mail_told import Fate, MailTold
from chalicelib.crm.suppressions import Suppression, SuppressionReason, name_of
from chalicelib.operations import publish
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset

log = logging.getLogger("perennial")

STATUSES = {
    Fate.BOUNCED: DeliveryStatus.BOUNCED,
    Fate.COMPLAINED: DeliveryStatus.COMPLAINED,
    Fate.NOT_NOW: None,
}
REASONS = {Fate.BOUNCED: SuppressionReason.BOUNCE, Fate.COMPLAINED: SuppressionReason.COMPLAINT}


def hear(service: Service, text: str) -> None:
    """Write down what the mail server tells of a letter; what is told twice, or late, changes nothing more.

    The text comes by a topic that only SES may publish to (sandbox/template.py), so it is not doubted here.
    """
    told = mail_told.read(text)
    if told is None:
        log.info("not about a letter", extra={"text": text[:500]})
        return
    retried(lambda: _heard(service, told))


def _heard(service: Service, told: MailTold) -> None:
    stopped = {address: name_of(address) for address in told.addresses}
    found = service.store.load(
        told.account,
        [
            keys.key(Account, told.account, told.account),
            keys.key(Delivery, told.account, told.delivery),
            *(keys.key(Suppression, told.account, name) for name in stopped.values()),
        ],
    )
    business = found.find(Account, told.account, told.account)
    delivery = found.find(Delivery, told.account, told.delivery)
    if business is None or delivery is None:
        log.warning("told of no letter of ours", extra={"account": told.account, "delivery": told.delivery})
        return
    changes, at = Changeset(told.account, found), Moment(business, service.real())
    _note(changes, delivery, told)
    if told.fate in REASONS:
        for address in told.addresses:
            _stop(changes, address, delivery, told, at)
    if len(changes):
        nudge(service, business, service.store.commit(changes).unparked())


def _note(changes: Changeset, delivery: Delivery, told: MailTold) -> None:
    after = delivery.came_back(STATUSES[told.fate], told.detail)
    if after != delivery:
        changes.put(after)


def _stop(changes: Changeset, address: str, delivery: Delivery, told: MailTold, at: Moment) -> None:
    before = changes.find(Suppression, name_of(address))
    said = Suppression(
        account=told.account,
        id=name_of(address),
        address=address,
        reason=REASONS[told.fate],
        since=told.at,
        delivery=delivery.id,
        contact=delivery.contact or None,
        detail=told.detail,
    )
    after = said if before is None else before.again(said)
    if after == before:
        return
    changes.put(after)
    if before is None or not before.stops:
        publish.fact(changes, EventType.MAIL_STOPPED, after, _about(after), at)


def lift(service: Service, account: str, id_: str) -> Suppression:
    """Let an address be written to again. Raises NotFound."""

    def attempt() -> Suppression:
        found = service.store.load(
            account, [keys.key(Suppression, account, id_), keys.key(Account, account, account)]
        )
        before, business = found.get(Suppression, account, id_), found.get(Account, account, account)
        if not before.stops:
            return before
        changes, at = Changeset(account, found), Moment(business, service.real())
        changes.put(after := before.lifted(at.real))
        publish.fact(changes, EventType.MAIL_RESUMED, after, _about(after), at)
        written = service.store.commit(changes)
        nudge(service, business, written.unparked())
        return written.get(Suppression, account, id_)

    return retried(attempt)


def _about(suppression: Suppression) -> dict[str, str]:
    contact = {"contact": suppression.contact} if suppression.contact else {}
    return {**contact, "delivery": suppression.delivery}
