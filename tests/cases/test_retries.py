"""The field's cases on retries: the dates of attempts, and the declines that end them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

from chalicelib.billing import dunning
from chalicelib.billing.collection import Collection, CollectionMethod, Method
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from tests.cases import field
from tests.cases.field import Case, Values

# What Stripe's page lets one try again; on the others the field disagrees.
SOFT = {
    "insufficient_funds", "processing_error", "issuer_not_available", "try_again_later", "reenter_transaction", "approve_with_id",
}  # fmt: skip
MIDDAY = datetime(2025, 1, 1, 12, tzinfo=UTC)
SENT = Collection(way=CollectionMethod.SEND_INVOICE)
SOLD = Subscription(
    account="acct_1", id="sub_1", contact="con_1", currency="usd", frequency=Frequency.MONTHLY, anchor_on=date(2025, 1, 1),
    lines=(Line(id="li_1", name="Coffee", unit_amount=Decimal(2500), quantity=Decimal(1)),), zone="UTC", hour=6,
    status=Status.ACTIVE, created_at=MIDDAY, method=Method(id="pm_1", customer="cus_1", label="Visa •••• 4242"),
)  # fmt: skip
# A policy knows when to ask and what then becomes of the subscription; how an attempt ended is the payment's.
BESIDE = frozenset({"final"})


@field.cases("retries")
def test_retries(case: Case):
    """Attempts fall on their days after the first failure; intervals between attempts come to the same days.

    Polar counts from the latest failure, which is the same where every attempt was made on its day.
    """
    beside = frozenset() if ends(case.input) else BESIDE
    field.check(case, {
        "retry_schedule": schedule,
        "next_attempt": next_attempt,
        "decline_treatment": treatment,
        "retry_backoff": other("a back-off in seconds: an unknown outcome is reconciled, not asked again"),
        "overdue_state": other("a state by days overdue: ours follow the attempts"),
        "overdue_condition": other("a condition of overdue states: ours follow the attempts"),
        "overdue_flag": overdue,
        "dunning_rule": rule,
        "dunning_campaign": other("requests by customer and threshold: ours are by invoice"),
        "retry_policy": without_method,
    }, beside)  # fmt: skip


def ends(given: Values) -> bool:
    """Whether all attempts fail, so that the policy's end is the end."""
    return "retry_after_days" in given and given.get("success_on_retry") is None


def schedule(given: Values) -> Values:
    first = midnight(given["first_attempt"])
    policy = RetryPolicy(days=dunning.relative(given["retry_after_days"]), at_end=AtEnd.CANCEL)
    attempts = [first]
    for failures in count(1):
        again = dunning.next_attempt(policy, first, attempts[-1])
        if again is None or failures - 1 == given.get("success_on_retry"):
            break
        attempts.append(again)
    dates = [at.date().isoformat() for at in attempts]
    return {"attempts": len(dates), "attempt_dates": dates, "final": "subscription cancelled"}


def next_attempt(given: Values) -> Values:
    policy = RetryPolicy(days=dunning.relative(given["intervals_days"]))
    first, last = midnight(given["first_failure"]), midnight(given["failed_at"])
    if last not in (first, *dunning.moments(policy, first)):
        field.left_out("next_attempt: the last attempt was late, and the source counts from it")
    again = dunning.next_attempt(policy, first, last)
    if again is None:
        return {"next_attempt": None}
    return {"next_attempt": again.date().isoformat(), "subscription": "past due"}


def treatment(given: Values) -> Values:
    code = given["decline_code"]
    policy = POLAR if given.get("convention") == "polar" else RetryPolicy()
    if policy.is_hard(code):
        return {"treatment": "no retries; revoke at the past-due deadline"}
    if code not in SOFT:
        field.left_out(
            "decline_treatment: a code that Stripe's list of hard declines does not hold, and theirs may"
        )
    return {"treatment": f"retry in {policy.days[0]} days"} if given["attempt"] == "first failure" else {}


# Polar's own days between attempts (server/polar/config.py) and end; what it calls fraud is hard beyond Stripe's list.
POLAR = replace(dunning.PRESETS["polar_2_5_7_7"], hard_declines=("fraudulent",))


def overdue(given: Values) -> Values:
    """A sent invoice is overdue from the billing hour of the day after it was due."""
    due_on, on = date.fromisoformat(given["due"]), date.fromisoformat(given["on"])
    sent = issued(replace(SOLD, collection=SENT), due_on)
    assert sent.due_on == due_on
    return {"overdue": bool(sent.lacking(on))}


def rule(given: Values) -> Values:
    """A subscription's void invoice is never asked for again."""
    if given["order_kind"] != "subscription":
        field.left_out("dunning_rule: no invoice of ours is without a subscription")
    owed = issued(SOLD, date(2025, 1, 1))
    asked = owed.reserved(owed.next_payment())
    failed = asked.declined(RetryPolicy(), MIDDAY, hard=False)
    assert failed.wake is not None
    wake = failed.voided(MIDDAY.date()).wake if given["order_state"] == "void" else failed.wake
    return {"next_attempt": wake and wake.at.date().isoformat()}


def without_method(given: Values) -> Values:
    """Without a method nothing is asked: not by the schedule, and not again."""
    if given["failure"] != "no payment method available":
        field.left_out(f"retry_policy: {given['failure']}")
    return {"retry": replace(SOLD, method=None).asks(last=False)}


def other(why: str):
    def leave(_: Values) -> Values:
        field.left_out(why)

    return leave


def issued(sold: Subscription, on: date) -> Invoice:
    """The invoice of a subscription, due on receipt on a day."""
    return invoice_of(sold, "INV-000001", datetime(on.year, on.month, on.day, 12, tzinfo=UTC))


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
