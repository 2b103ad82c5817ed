"""Move the next billing date of a subscription."""

from datetime import date

from chalicelib.billing import gaps
from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.operations import act
from chalicelib.service import Service


def subscription(
    service: Service, account: str, id_: str, on: date, *, prorates: bool = False, force: bool = False
) -> Subscription:
    """The next payment is on another local date, and the later ones count from there. Raises NotFound, Invalid or WrongState.

    It is the payment that was next when this was asked for: one billed at the same moment is not followed by a second.
    """
    seen: list[int] = []

    def decide(before: Subscription, at: Moment) -> Subscription:
        if before.cycle != (seen or [before.cycle])[0]:
            detail = f"It was billed at the same moment, and next is {before.next_on}; send a date for that."
            raise WrongState("billed_meanwhile", detail)
        seen.append(before.cycle)
        return gaps.moved(before, at.now, on, prorates=prorates, force=force)

    return act.on(service, account, id_, EventType.SUBSCRIPTION_CHANGED, decide)
