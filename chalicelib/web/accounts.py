"""Accounts: the caller's own, and, in test mode, further ones."""

from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.errors import WrongState
from chalicelib.crm.accounts import CLOCKED, Account
from chalicelib.operations import create as new
from chalicelib.operations import rezone
from chalicelib.web.bodies import Body, Currency, Moment, OneLine, Prefix
from chalicelib.web.endpoint import Call
from chalicelib.web.shown import Beside, Secret
from chalicelib.web.test_clock import moment


class NewClock(Body, frozen=True):
    """A clock that stands where it is put until it is moved."""

    now_at: Moment


class Retries(Body, frozen=True):
    """When a declined payment is asked for again: days after the first failure, rising; and what then."""

    days: tuple[int, ...] = RetryPolicy().days
    at_end: AtEnd = RetryPolicy().at_end


class NewAccount(Body, frozen=True):
    """A business that bills. `zone` is an IANA name; `billing_hour` is local; with a `test_clock` it lives by that."""

    name: OneLine
    email: OneLine
    currency: Currency = "usd"
    zone: OneLine = "UTC"
    billing_hour: int = 6
    reminder_days: int | None = 14
    retries: Retries = Retries()
    invoice_prefix: Prefix = "INV-"
    test_clock: NewClock | None = None


class Settings(Body, frozen=True):
    """What is left out stays as it is. `zone` is an IANA name; `billing_hour` is local."""

    zone: OneLine | None = None
    billing_hour: int | None = None


def get(call: Call) -> Account:
    """The account of the key."""
    return call.account


def change(call: Call, body: Settings) -> Account:
    """Change when the account's days are billed: its subscriptions keep their dates, and follow within minutes."""
    return rezone.account(call.service, call.account.id, zone=body.zone, billing_hour=body.billing_hour)


def create(call: Call, body: NewAccount) -> Beside[Account, Secret]:
    """Open a further test account; `secret` is its first API key, shown this once. Live accounts are opened by hand."""
    if call.account.livemode:
        detail = "In live mode an account is opened with './dev account', not through the API."
        raise WrongState("test_mode_only", detail)
    account = _opened_before(call) or _opened(call, body)
    _, text = new.api_key(call.service, account, "First key")
    return Beside(account, Secret(secret=text))


def _opened(call: Call, body: NewAccount) -> Account:
    clock = body.test_clock
    return new.account(
        call.service,
        name=body.name,
        email=body.email,
        currency=body.currency,
        zone=body.zone,
        livemode=False,
        billing_hour=body.billing_hour,
        reminder_days=body.reminder_days,
        retries=RetryPolicy(days=body.retries.days, at_end=body.retries.at_end),
        invoice_prefix=body.invoice_prefix,
        clock_at=moment(clock.now_at, "test_clock.now_at") if clock else None,
    )


def _opened_before(call: Call) -> Account | None:
    """What an earlier try of this request opened: an account is its own partition, so it is looked for by both names."""
    if call.seed is None:
        return None
    found = (
        call.service.store.find(Account, id_, id_) for id_ in (f"acct_{call.seed}", f"{CLOCKED}{call.seed}")
    )
    return next((account for account in found if account is not None), None)
