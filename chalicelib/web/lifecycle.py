"""What becomes of a subscription: canceled, reactivated, paused, resumed, its next date moved."""

from datetime import date

from chalicelib.billing.errors import Invalid
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import cancel as end
from chalicelib.operations import move as calendar
from chalicelib.operations import pause as stop
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Call


class Cancel(Body, frozen=True):
    """At once, in place of the next billing, or `on` a local date after today: a cycle cut short by it is charged for its days.

    At once with `credit` the days from today on that were charged are given back, on credit notes with their tax.
    """

    at_period_end: bool = False
    on: date | None = None
    credit: bool = False


class Pause(Body, frozen=True):
    """Until it is resumed, or until `resume_on`, a local date after today; `shifts` and `prorate` say how it is resumed then."""

    resume_on: date | None = None
    shifts: bool = True
    prorate: bool = False


class Resume(Body, frozen=True):
    """With `shifts` the days left when it was paused are still to come. Without, billing dates stay, and those that passed are left out.

    With `prorate` the days from today to the next date that nobody paid for are charged with the next invoice.
    """

    shifts: bool = True
    prorate: bool = False


class NextDate(Body, frozen=True):
    """The next billing date: a local date from today on, by one interval later at most; of one that has not begun, its start.

    With `prorate` the days a later date adds are charged with the next invoice. Within two days of billing it takes `force`.
    """

    on: date
    prorate: bool = False
    force: bool = False


def cancel(call: Call, id_: str, body: Cancel) -> Subscription:
    """Cancel now and for good, or as planned. What was invoiced before stays owed, but is not charged again; what was sent is due as it was.

    Prorated charges that wait for an invoice are invoiced as it ends, up to that day, and asked for as any other.
    """
    if body.credit:
        if body.at_period_end or body.on is not None:
            detail = "Only a subscription canceled at once has days to give back; leave credit out, or at_period_end and on."
            raise Invalid("credit_of_planned_cancellation", detail, "credit")
        return end.with_credit(call.service, call.account.id, id_)
    return end.subscription(call.service, call.account.id, id_, at_period_end=body.at_period_end, on=body.on)


def reactivate(call: Call, id_: str) -> Subscription:
    """Call a planned cancellation off, as long as it has not come."""
    return end.off(call.service, call.account.id, id_)


def pause(call: Call, id_: str, body: Pause) -> Subscription:
    """Bill nothing more until it is resumed. Open invoices go on being collected."""
    return stop.subscription(
        call.service,
        call.account.id,
        id_,
        resume_on=body.resume_on,
        shifts=body.shifts,
        prorates=body.prorate,
    )


def resume(call: Call, id_: str, body: Resume) -> Subscription:
    """Bill it again from today on."""
    return stop.over(call.service, call.account.id, id_, shifts=body.shifts, prorates=body.prorate)


def next_billing_date(call: Call, id_: str, body: NextDate) -> Subscription:
    """Move the next billing date; the ones after it are counted from there."""
    return calendar.subscription(
        call.service, call.account.id, id_, body.on, prorates=body.prorate, force=body.force
    )
