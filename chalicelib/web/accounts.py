"""Accounts: the caller's own, and, in test mode, further ones."""

from decimal import Decimal
from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.collection import MethodType
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.errors import WrongState
from chalicelib.billing.money import Money
from chalicelib.billing.rating import Fee
from chalicelib.crm.account_changes import AccountChange
from chalicelib.crm.accounts import CLOCKED, Account
from chalicelib.operations import create as new
from chalicelib.operations import settings
from chalicelib.operations.settings import Given
from chalicelib.web.bodies import Body, Currency, Moment, Number, OneLine, Prefix
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.retry_policies import Policy, Retries, policy
from chalicelib.web.shown import Beside, Listed, Secret
from chalicelib.web.test_clock import moment


class NewClock(Body, frozen=True):
    """A clock that stands where it is put until it is moved."""

    now_at: Moment


class NewAccount(Body, frozen=True):
    """A business that bills. `zone` is an IANA name; `billing_hour` is local; with a `test_clock` it lives by that."""

    name: OneLine
    email: OneLine
    currency: Currency = "usd"
    zone: OneLine = "UTC"
    billing_hour: int = 6
    reminder_days: int | None = 14
    retries: Policy = Retries()
    invoice_prefix: Prefix = "INV-"
    test_clock: NewClock | None = None


class NewDefaultFee(Body, frozen=True):
    """A fee that new subscriptions add to payments by one of `types`, by any where there are none: a percent, or an amount in minor units."""

    name: Annotated[OneLine, Meta(min_length=1)]
    types: Annotated[tuple[MethodType, ...], Meta(max_length=5)] = ()
    percent: Number | None = None
    amount: int | None = None

    def asked(self, currency: str) -> Fee:
        """The fee, in the account's currency."""
        return Fee(
            name=self.name,
            types=tuple(type_.value for type_ in self.types),
            percent=None if self.percent is None else Decimal(self.percent),
            amount=None if self.amount is None else Money(self.amount, currency),
        )


class Settings(Body, frozen=True):
    """What is left out stays as it is. `zone` is an IANA name; `billing_hour` is local.

    Running subscriptions follow a zone, an hour and the days of reminders within minutes. `retries` are a policy, or the
    name of a preset: an invoice that is failing keeps its next attempt, and goes on by them from its next failure. The
    rest is what new subscriptions are sold with.

    Under another `invoice_prefix` or `credit_note_prefix` the numbers count on; with `numbers_by_year` they begin anew each
    local year, which stands behind the prefix. A prefix ends with a letter or a sign, and is of one of both alone.

    `letters_off` are the letters that are not sent, `overdue_days` the days after an invoice was due on which its buyer is
    told so, as long as it is; `attach_pdf` puts the document beside the letter an invoice is sent with.
    """

    name: OneLine | UnsetType = UNSET
    email: OneLine | UnsetType = UNSET
    zone: OneLine | UnsetType = UNSET
    billing_hour: int | UnsetType = UNSET
    reminder_days: int | UnsetType | None = UNSET
    retries: Policy | UnsetType = UNSET
    accept_online: bool | UnsetType = UNSET
    accepted_types: Annotated[tuple[MethodType, ...], Meta(max_length=5)] | UnsetType = UNSET
    fees: Annotated[tuple[NewDefaultFee, ...], Meta(max_length=10)] | UnsetType = UNSET
    email_invoices: bool | UnsetType = UNSET
    invoicing_can_be_off: bool | UnsetType = UNSET
    invoice_prefix: Prefix | UnsetType = UNSET
    credit_note_prefix: Prefix | UnsetType = UNSET
    numbers_by_year: bool | UnsetType = UNSET
    letters_off: Annotated[tuple[Letter, ...], Meta(max_length=len(Letter))] | UnsetType = UNSET
    attach_pdf: bool | UnsetType = UNSET
    overdue_days: Annotated[tuple[int, ...], Meta(max_length=10)] | UnsetType = UNSET

    def given(self, currency: str) -> Given:
        """What is set, as the core has it. Raises Invalid."""
        said: dict[str, Any] = {
            name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) is not UNSET
        }
        if "accepted_types" in said:
            said["method_types"] = said.pop("accepted_types")
        if "letters_off" in said:
            said["letters_off"] = tuple(dict.fromkeys(said["letters_off"]))
        if "retries" in said:
            said["retries"] = policy(said["retries"], "retries")
        if "fees" in said:
            said["fees"] = tuple(fee.asked(currency) for fee in said["fees"])
        return cast(Given, said)


def get(call: Call) -> Account:
    """The account of the key."""
    return call.account


def change(call: Call, body: Settings) -> Account:
    """Change the account's settings; what changed, and who asked for it, is kept."""
    given = body.given(call.account.currency)
    return settings.change(call.service, call.account.id, given, by=call.key)


def changes(call: Call, query: Paging) -> Listed[AccountChange]:
    """Who changed which settings, newest first."""
    return owned(call.service, AccountChange, f"{call.account.id}/account_change", query)


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
        retries=policy(body.retries, "retries"),
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
