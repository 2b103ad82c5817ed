"""End a subscription before its term, or call that off."""

from datetime import date

from chalicelib.billing import gaps
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.operations import act
from chalicelib.service import Service


def subscription(
    service: Service, account: str, id_: str, *, at_period_end: bool = False, on: date | None = None
) -> Subscription:
    """Cancel now, for good, in place of the next billing, or on a local date to come.

    What is owed stays owed, but is not asked for again. Raises NotFound, Invalid or WrongState.
    """
    if at_period_end and on is not None:
        raise Invalid("cancel_ambiguous", "Send at_period_end or a date to cancel on, one of them.", "on")
    planned = at_period_end or on is not None

    def decide(before: Subscription, at: Moment) -> Subscription:
        if planned:
            return before.canceling(on, today=before.day(at.now))
        return before.canceled(at.now)

    type_ = EventType.SUBSCRIPTION_CANCELING if planned else EventType.SUBSCRIPTION_CANCELED
    return act.on(service, account, id_, type_, decide)


def off(service: Service, account: str, id_: str) -> Subscription:
    """Reactivate it: a planned cancellation does not come. Raises NotFound or WrongState."""

    return act.on(
        service,
        account,
        id_,
        EventType.SUBSCRIPTION_REACTIVATED,
        lambda before, _: gaps.reactivated(before),
    )
