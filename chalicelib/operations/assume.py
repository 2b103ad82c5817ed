"""What a person may assume to happen while a subscription is lived ahead: done by the code that will do it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial

from chalicelib.billing import boundaries, gaps, periods
from chalicelib.billing.collection import CollectionMethod, Method
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.edits import Wanted
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import Page
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Origin, Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.operations import act, attach, cancel, checkout, collect, settle, tax
from chalicelib.operations import change as alter
from chalicelib.operations.rehearse import Declines, Rehearsal
from chalicelib.store.changes import Changeset

LAST_YEAR = 2100


class Do(StrEnum):
    """What a person may be assumed to do, named as the verb of the API that does it."""

    CANCEL = "cancel"
    CANCEL_AT_PERIOD_END = "cancel_at_period_end"
    REACTIVATE = "reactivate"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """From the beginning of a local day of the account's: one of six.

    `declines`: the next `times` charges are declined with this code of Stripe's. `payment_method`: the subscription is
    charged on this saved method. `change`: it is changed so. `do`: a person does this; a pause may end `resume_on` a day, and it and `resume` shift
    the billing dates or not. `pays`: the buyer pays on a page all that is due by then.
    `retries`: what fails from then on is asked for again by this policy.
    """

    on: date
    declines: str | None = None
    times: int = 1
    payment_method: str | None = None
    change: Wanted | None = None
    do: Do | None = None
    resume_on: date | None = None
    shifts: bool = True
    pays: bool = False
    retries: RetryPolicy | None = None


def folded(rehearsal: Rehearsal, one: Assumption, id_: str, param: str) -> None:
    """Let a rehearsal of a subscription take it up on its day; `param` is what the caller sent it as. Raises NotFound or Invalid."""
    _check(one, rehearsal.at.day, param)
    if one.declines is not None:
        rehearsal.declines.append(Declines(on=one.on, code=one.declines, left=one.times))
        return
    at = max(periods.moment(one.on, 0, rehearsal.account.zone), rehearsal.now)
    if one.payment_method is not None:
        saved = rehearsal.reading.get(PaymentMethod, rehearsal.account.id, one.payment_method)
        if saved.contact != rehearsal.reading.get(Subscription, saved.account, id_).contact:
            detail = "Another contact saved this payment method."
            raise Invalid("method_of_another", detail, f"{param}.payment_method")
        rehearsal.assume(at, "payment_method", partial(_swap, id_, saved))
    elif one.change is not None:
        rehearsal.assume(at, "change", partial(_change, id_, one.change, rehearsal.asked))
    elif one.pays:
        rehearsal.assume(at, "pays", partial(_pays, id_))
    elif one.retries is not None:
        rehearsal.assume(at, "retries", partial(_retried_by, rehearsal, one.retries))
    elif one.do is not None:
        rehearsal.assume(at, one.do.value, partial(_do, id_, one, rehearsal.asked))


def _check(one: Assumption, today: date, param: str) -> None:
    said = (one.declines, one.payment_method, one.change, one.do, one.pays or None, one.retries)
    if sum(part is not None for part in said) != 1:
        detail = "Assume one of declines, payment_method, change, do, pays and retries."
        raise Invalid("assumption_ambiguous", detail, param)
    if not today <= one.on <= date(LAST_YEAR, 12, 31):
        detail = f"Assume it on a day from {today} to the end of {LAST_YEAR}."
        raise Invalid("assumption_date", detail, f"{param}.on")
    if one.times < 1:
        raise Invalid("times_out_of_range", "Let 1 charge or more be declined.", f"{param}.times")
    if one.resume_on is not None and one.do is not Do.PAUSE:
        raise Invalid("resume_on_without_pause", "Only a pause has a day it ends on.", f"{param}.resume_on")


def _pays(id_: str, changes: Changeset, at: Moment) -> Iterable[Payment]:
    """One payment on a page for all of a subscription that is due, from the balance first."""
    subscription = changes.get(Subscription, id_)
    if not subscription.collects.online:
        raise WrongState("online_payment_off", "Its invoices cannot be paid online.")
    known = (one for one in changes.before.records.values() if isinstance(one, Invoice))
    due = [one for one in known if one.subscription == id_ and not one.payment and one.due_now(at.day)]
    after = [settle.from_balance(changes, one, at) for one in sorted(due, key=lambda one: one.position)]
    owed = tuple(one for one in after[: collect.MOST_AT_ONCE] if one.due_now(at.day))
    if not owed:
        return ()
    there = Method(id="", customer="", label=checkout.ON_PAGE)
    payment = collect.payment_for(subscription, there, owed, Origin.CHECKOUT, at)
    awaits = subscription.sends and subscription.collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE
    page = Page(types=(), back_url="", expires_at=at.real, save_method=awaits)
    payment = replace(payment, request=payment.request and replace(payment.request, page=page))
    changes.begin(payment, *(one.reserved(payment.id) for one in owed))
    return [payment]


def _swap(id_: str, saved: PaymentMethod, changes: Changeset, at: Moment) -> Iterable[Payment]:
    before = attach.charged_already(changes, changes.get(Subscription, id_), saved, at)
    payment = attach.swapped(changes, before, saved, at)
    return [payment] if payment else []


def _retried_by(
    rehearsal: Rehearsal, policy: RetryPolicy, changes: Changeset, at: Moment
) -> Iterable[Payment]:
    """The account retries by another policy from now on, as when its settings are changed."""
    del changes, at
    rehearsal.retry_by(policy)
    return ()


def _change(id_: str, wanted: Wanted, asked: tax.Asked, changes: Changeset, at: Moment) -> Iterable[Payment]:
    alter.folded(changes, id_, wanted, at, asked)
    return ()


def _do(id_: str, one: Assumption, asked: tax.Asked, changes: Changeset, at: Moment) -> Iterable[Payment]:
    """What the operation of that name folds. Raises Invalid or WrongState as it does."""
    if one.do in (None, Do.CANCEL):
        cancel.folded(changes, changes.get(Subscription, id_), at, asked)
        return ()
    type_, decide = _DEEDS[one.do]
    act.folded(changes, changes.get(Subscription, id_), type_, lambda before, at: decide(before, at, one), at)
    return ()


Decide = Callable[[Subscription, Moment, Assumption], Subscription]
_DEEDS: dict[Do, tuple[EventType, Decide]] = {
    Do.CANCEL_AT_PERIOD_END: (
        EventType.SUBSCRIPTION_CANCELING,
        lambda before, *_: boundaries.canceling(before),
    ),
    Do.REACTIVATE: (EventType.SUBSCRIPTION_REACTIVATED, lambda before, *_: gaps.reactivated(before)),
    Do.PAUSE: (
        EventType.SUBSCRIPTION_PAUSED,
        lambda before, at, one: gaps.paused(before, at.now, one.resume_on, shifts=one.shifts),
    ),
    Do.RESUME: (
        EventType.SUBSCRIPTION_RESUMED,
        lambda before, at, one: gaps.resumed(before, before.day(at.now), shifts=one.shifts),
    ),
}
