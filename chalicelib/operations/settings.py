"""Change an account's settings; every change is kept: who asked, when, which field, from, to."""

from decimal import Decimal
from typing import Any, Final, TypedDict

import msgspec

from chalicelib.billing.collection import MethodType, check_types
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.discounts import check_percent
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.billing.rating import Fee
from chalicelib.crm.account_changes import AccountChange, FieldChange, name_of
from chalicelib.crm.accounts import Account, ApiKey, Moment
from chalicelib.operations import checks, numbering, profile, publish
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store.changes import Changeset

MOST_FEES: Final = 10
PREFIXES: Final = frozenset({"invoice_prefix", "credit_note_prefix"})


class Given(TypedDict, total=False):
    """What is set anew; what is left out stays as it is."""

    name: str
    email: str
    zone: str
    billing_hour: int
    reminder_days: int | None
    retries: RetryPolicy
    accept_online: bool
    method_types: tuple[MethodType, ...]
    fees: tuple[Fee, ...]
    email_invoices: bool
    invoicing_can_be_off: bool
    invoice_prefix: str
    credit_note_prefix: str
    numbers_by_year: bool
    letters_off: tuple[Letter, ...]
    attach_pdf: bool
    overdue_days: tuple[int, ...]


def change(service: Service, account: str, given: Given, *, by: ApiKey) -> Account:
    """Set what is given. A zone, an hour and the days of reminders are taken to the running subscriptions by a worker.

    The rest is for what is sold, and for what fails, from now on. Raises Invalid.
    """

    def attempt() -> Account:
        found = service.store.load(account, profile.wanted(account))
        before = found.get(Account, account, account)
        check(given, before.currency)
        after = before.changed(given, service.real())
        if after == before:
            return before
        if PREFIXES.intersection(given):
            found.add(service.store.load(account, numbering.claims(before, after)))
        changes, at = Changeset(account, found), Moment(before, service.real())
        numbering.claim(changes, before, after)
        after = profile.renamed(changes, before, after, at, by)
        changes.put(after)
        _keep(changes, before, after, by=by, at=at)
        written = service.store.commit(changes)
        nudge(service, after, written.unparked())
        return written.get(Account, account, account)

    return retried(attempt)


def check(given: Given, currency: str) -> None:
    """Refuse what could be no account's, naming the field; zone, hour and days are refused as they are set. Raises Invalid."""
    if "name" in given:
        checks.text(given["name"], "name")
    if "email" in given:
        checks.email(given["email"], "email")
    if "method_types" in given:
        types = given["method_types"]
        if not types or len(set(types)) != len(types):
            detail = "Name at least one type of payment method, each once."
            raise Invalid("accepted_types_missing", detail, "accepted_types")
        check_types(types, currency, "accepted_types")
    for n, fee in enumerate(given.get("fees", ())):
        _check_fee(fee, f"fees[{n}]", currency)
    if len(given.get("fees", ())) > MOST_FEES:
        raise Invalid("too_many_fees", f"An account adds at most {MOST_FEES} fees by itself.", "fees")


def _check_fee(fee: Fee, at: str, currency: str) -> None:
    checks.text(fee.name, f"{at}.name")
    if (fee.percent is None) is (fee.amount is None):
        raise Invalid("amount_ambiguous", "Give a percent or an amount, one of them.", at)
    if fee.percent is not None:
        check_percent(Decimal(fee.percent), f"{at}.percent")
    if fee.amount is not None and (fee.amount.currency != currency or not 0 < fee.amount.amount < 10**12):
        detail = f"Give an amount of at least one minor unit of {currency}."
        raise Invalid("amount_out_of_range", detail, f"{at}.amount")


def _keep(changes: Changeset, before: Account, after: Account, *, by: ApiKey, at: Moment) -> None:
    """Fold the record of what changed into the changeset, with its fact."""
    names = [name for name in Given.__annotations__ if getattr(before, name) != getattr(after, name)]
    fields = [
        FieldChange(field=name, before=_json(getattr(before, name)), after=_json(getattr(after, name)))
        for name in names
    ]
    made = AccountChange(
        account=before.id,
        id=name_of(before.version + 1),
        key=by.id,
        key_name=by.name,
        fields=tuple(fields),
        created_at=at.now,
    )
    changes.put(made)
    about = {"account_change": made.id, "fields": ", ".join(names)}
    publish.fact(changes, EventType.ACCOUNT_CHANGED, before, about, at)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
