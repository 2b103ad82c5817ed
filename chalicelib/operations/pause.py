"""Stop the calendar of a subscription, and let it run again. What is owed goes on being collected."""

from datetime import date

from chalicelib.billing import gaps
from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.operations import act
from chalicelib.service import Service


def subscription(
    service: Service,
    account: str,
    id_: str,
    *,
    resume_on: date | None = None,
    shifts: bool = True,
    prorates: bool = False,
) -> Subscription:
    """Nothing more is billed until it is resumed, on a local date or by hand. Raises NotFound, Invalid or WrongState."""

    def decide(before: Subscription, at: Moment) -> Subscription:
        return gaps.paused(before, at.now, resume_on, shifts=shifts, prorates=prorates)

    return act.on(service, account, id_, EventType.SUBSCRIPTION_PAUSED, decide)


def over(service: Service, account: str, id_: str, *, shifts: bool, prorates: bool = False) -> Subscription:
    """Resume it today. Raises NotFound, Invalid or WrongState."""

    def decide(before: Subscription, at: Moment) -> Subscription:
        return gaps.resumed(before, before.day(at.now), shifts=shifts, prorates=prorates)

    return act.on(service, account, id_, EventType.SUBSCRIPTION_RESUMED, decide)
