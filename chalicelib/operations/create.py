"""Put new records into the books: accounts, keys, tax rates."""

import hashlib
import secrets
from datetime import datetime
from decimal import Decimal
from typing import TypeVar, cast

from chalicelib.billing import periods
from chalicelib.billing.currencies import check_currency
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid
from chalicelib.billing.tax import Category, TaxRate, check_percentage
from chalicelib.crm.accounts import CLOCKED, Account, ApiKey, TestClock, check_hour, check_reminder_days
from chalicelib.operations import checks, numbering
from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from chalicelib.store.keys import Record, key_of

R = TypeVar("R", bound=Record)


def account(
    service: Service,
    *,
    name: str,
    email: str,
    currency: str,
    zone: str,
    livemode: bool,
    billing_hour: int = 6,
    reminder_days: int | None = 14,
    retries: RetryPolicy | None = None,
    invoice_prefix: str = "INV-",
    clock_at: datetime | None = None,
) -> Account:
    """A business that bills. `clock_at` gives a test account a clock of its own, for ever."""
    id_ = service.new_id("acct_")
    if clock_at is not None:
        id_ = CLOCKED + id_.removeprefix("acct_")
    wanted = Account(
        account=id_,
        id=id_,
        name=name,
        email=email,
        currency=currency,
        zone=zone,
        livemode=livemode,
        created_at=service.real(),
        billing_hour=billing_hour,
        reminder_days=reminder_days,
        retries=retries or RetryPolicy(),
        invoice_prefix=invoice_prefix,
        clock=TestClock(now_at=clock_at) if clock_at is not None else None,
    )
    _check(wanted, service.settings.livemode)
    return created(service, wanted)


def _check(wanted: Account, livemode: bool) -> None:
    periods.check_zone(wanted.zone)
    check_currency(wanted.currency)
    checks.text(wanted.name, "name")
    checks.email(wanted.email, "email")
    check_hour(wanted.billing_hour)
    check_reminder_days(wanted.reminder_days)
    numbering.check(wanted)
    if wanted.livemode is not livemode:
        mode = "live" if livemode else "test"
        detail = f"This deployment has a {mode} key of Stripe's: it holds {mode} accounts."
        raise Invalid("wrong_mode", detail, "livemode")
    if wanted.livemode and wanted.clock is not None:
        raise Invalid("clock_in_live_mode", "Only a test account may have a clock of its own.", "test_clock")


def api_key(service: Service, business: Account, name: str) -> tuple[ApiKey, str]:
    """A bearer key and, this once, its text: prn_test_<account>_<secret>. Only its hash is kept."""
    checks.text(name, "name")
    mode = "live" if business.livemode else "test"
    text = f"prn_{mode}_{business.id.removeprefix('acct_')}_{secrets.token_hex(24)}"
    key = ApiKey(account=business.id, id=key_id(text), name=name, hint=text[-4:], created_at=service.real())
    return created(service, key), text


def key_id(text: str) -> str:
    """The id of a bearer key: its SHA-256, which 192 random bits make safe without salt or stretching."""
    return "key_" + hashlib.sha256(text.encode()).hexdigest()


def tax_rate(
    service: Service,
    account_id: str,
    *,
    name: str,
    percentage: Decimal,
    label: str = "",
    inclusive: bool = False,
    category: Category = Category.STANDARD,
) -> TaxRate:
    """A tax to put on lines; `percentage` from 0 to 100."""
    checks.text(name, "name")
    check_percentage(percentage, category, "percentage")
    now = service.store.get(Account, account_id, account_id).now(service.real())
    return created(
        service,
        TaxRate(
            account=account_id,
            id=service.new_id("txr_"),
            name=name,
            percentage=percentage,
            created_at=now,
            label=label,
            inclusive=inclusive,
            category=category,
        ),
    )


def created(service: Service, record: R) -> R:
    """Write a new record. Raises Conflict where there is one of its name."""
    changes = Changeset(record.account)
    changes.put(record)
    return cast(R, service.store.commit(changes).records[key_of(record)])
