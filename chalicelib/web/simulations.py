"""What subscriptions will do: foretold by the code that will do it, with nothing written."""

from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from chalicelib.billing.edits import Wanted
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.operations import simulate
from chalicelib.operations.assume import Assumption, Do
from chalicelib.operations.simulate import Simulation
from chalicelib.web.bodies import Body, Id
from chalicelib.web.changes import NewChange
from chalicelib.web.endpoint import Call
from chalicelib.web.retry_policies import Policy, policy
from chalicelib.web.subscriptions import NewSubscription, order_of

_CODE: Final = r"^[a-z_]{1,50}(?!\n)$"
_LENGTH_OF_DAY: Final = len("2026-01-31")
Until = Annotated[str, Meta(max_length=40, examples=["2027-01-31"])]


class Assumed(Body, frozen=True):
    """What is assumed from the beginning of a local day of the account's: one of six.

    With `declines`, a decline code of Stripe's, the next `times` charges are declined; else every charge succeeds. The
    subscription is moved to a saved `payment_method`, or gets a `change` as the API takes it. A person may `do` what the API's verbs do; a pause may end on
    `resume_on`, and pausing and resuming `shifts` the billing dates or leaves them. The buyer `pays` on a page all that is
    due by then; else what is sent is not paid. What fails is asked for again by another policy: `retries`, or the name of a preset.
    """

    on: date
    declines: Annotated[str, Meta(pattern=_CODE, examples=["insufficient_funds"])] | None = None
    times: Annotated[int, Meta(ge=1, le=100)] = 1
    payment_method: Id | None = None
    change: NewChange | None = None
    do: Do | None = None
    resume_on: date | None = None
    shifts: bool = True
    pays: bool = False
    retries: Policy | None = None


class Simulate(Body, frozen=True):
    """Up to the end of `until`, a local day of the account's, or up to a moment; at most 50 years ahead."""

    until: Until
    assume: Annotated[tuple[Assumed, ...], Meta(max_length=simulate.MOST_ASSUMPTIONS)] = ()


class NewSimulation(NewSubscription, frozen=True, kw_only=True):
    """A subscription as it would be sold, and up to when it is to be foretold."""

    until: Until
    assume: Annotated[tuple[Assumed, ...], Meta(max_length=simulate.MOST_ASSUMPTIONS)] = ()


def draft(call: Call, body: NewSimulation) -> Simulation:
    """Every invoice, letter and payment up to a day of a subscription that is not sold, as if it were now; nothing is written."""
    until = day_or_moment(body.until, "until")
    order = order_of(body)
    return simulate.draft(call.service, call.account.id, order, until, _assumptions(body.assume))


def subscription(call: Call, id_: str, body: Simulate) -> Simulation:
    """Every invoice, letter, payment and change of status up to a day, in order, as they will be; nothing is written.

    The invoices' numbers are those they would have if nobody else was billed.
    """
    until = day_or_moment(body.until, "until")
    return simulate.subscription(call.service, call.account.id, id_, until, _assumptions(body.assume))


def upcoming_invoice(call: Call, id_: str) -> Invoice:
    """The next invoice as it will be issued, with its discounts, taxes and the customer's balance; it has no number yet."""
    return simulate.upcoming(call.service, call.account.id, id_)


def _assumptions(assumed: tuple[Assumed, ...]) -> list[Assumption]:
    return [
        Assumption(
            on=one.on,
            declines=one.declines,
            times=one.times,
            payment_method=one.payment_method,
            change=_wanted(one.change, f"assume[{n}].change"),
            do=one.do,
            resume_on=one.resume_on,
            shifts=one.shifts,
            retries=None if one.retries is None else policy(one.retries, f"assume[{n}].retries"),
            pays=one.pays,
        )
        for n, one in enumerate(assumed)
    ]


def _wanted(change: NewChange | None, param: str) -> Wanted | None:
    """A change as it is asked for. Raises Invalid, naming the field within the assumption."""
    try:
        return change.wanted() if change else None
    except Invalid as error:
        raise Invalid(error.code, error.detail, f"{param}.{error.param}") from None


def day_or_moment(text: str, param: str) -> date | datetime:
    """A local day, or a moment with its offset. Raises Invalid."""
    type_: Any = date if len(text) == _LENGTH_OF_DAY else Annotated[datetime, Meta(tz=True)]
    try:
        found: date | datetime = msgspec.convert(text, type_)
    except msgspec.ValidationError:
        detail = "Send 2026-01-31 for a local day, or 2026-01-31T06:00:00Z for a moment with its offset."
        raise Invalid("wrong_form", detail, param) from None
    return found
