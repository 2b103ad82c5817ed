"""The field's cases on retries: the dates of attempts, and the declines that end them."""

from datetime import UTC, datetime
from itertools import count

from chalicelib.billing import dunning
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from tests.cases import field
from tests.cases.field import Case, Values

# What Stripe's page lets one try again; on the others the field disagrees.
SOFT = {
    "insufficient_funds", "processing_error", "issuer_not_available", "try_again_later", "reenter_transaction", "approve_with_id",
}  # fmt: skip
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
        "overdue_flag": other("an invoice past its due date is the invoice's matter"),
        "dunning_rule": other("what may be asked for at all is the invoice's matter"),
        "dunning_campaign": other("requests by customer and threshold: ours are by invoice"),
        "retry_policy": other("a failure that is no decline is the collection's matter"),
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
    if dunning.is_hard(code):
        return {"treatment": "no retries; revoke at the past-due deadline"}
    if code not in SOFT:
        field.left_out(
            "decline_treatment: a code that Stripe's list of hard declines does not hold, and theirs may"
        )
    policy = RetryPolicy(days=dunning.relative(POLAR))
    return {"treatment": f"retry in {policy.days[0]} days"} if given["attempt"] == "first failure" else {}


# Polar's own days between attempts, server/polar/config.py.
POLAR = (2, 5, 7, 7)


def other(why: str):
    def leave(_: Values) -> Values:
        field.left_out(why)

    return leave


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
