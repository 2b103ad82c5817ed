"""Put new records into the books: accounts, keys, contacts, tax rates."""

import hashlib
import secrets
from datetime import datetime
from decimal import Decimal
from typing import TypeVar, cast

from chalicelib.billing import periods
from chalicelib.billing.addresses import Address, check_address
from chalicelib.billing.currencies import check_currency
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid
from chalicelib.billing.tax import Category, Exemption, TaxRate, check_percentage
from chalicelib.crm.accounts import CLOCKED, Account, ApiKey, TestClock, check_hour, check_reminder_days
from chalicelib.crm.contacts import Contact
from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from chalicelib.store.keys import Record, key_of

R = TypeVar("R", bound=Record)
MAX_TEXT = 250


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
    check_text(wanted.name, "name")
    check_email(wanted.email, "email")
    check_hour(wanted.billing_hour)
    check_reminder_days(wanted.reminder_days)
    if wanted.livemode is not livemode:
        mode = "live" if livemode else "test"
        detail = f"This deployment has a {mode} key of Stripe's: it holds {mode} accounts."
        raise Invalid("wrong_mode", detail, "livemode")
    if wanted.livemode and wanted.clock is not None:
        raise Invalid("clock_in_live_mode", "Only a test account may have a clock of its own.", "test_clock")


def api_key(service: Service, business: Account, name: str) -> tuple[ApiKey, str]:
    """A bearer key and, this once, its text: prn_test_<account>_<secret>. Only its hash is kept."""
    check_text(name, "name")
    mode = "live" if business.livemode else "test"
    text = f"prn_{mode}_{business.id.removeprefix('acct_')}_{secrets.token_hex(24)}"
    key = ApiKey(account=business.id, id=key_id(text), name=name, hint=text[-4:], created_at=service.real())
    return created(service, key), text


def key_id(text: str) -> str:
    """The id of a bearer key: its SHA-256, which 192 random bits make safe without salt or stretching."""
    return "key_" + hashlib.sha256(text.encode()).hexdigest()


def contact(
    service: Service,
    account_id: str,
    *,
    name: str,
    email: str,
    address: Address | None = None,
    tax_exempt: Exemption | None = None,
) -> Contact:
    """A person who buys."""
    check_text(name, "name")
    check_email(email, "email")
    if address is not None:
        check_address(address, "address")
    now = service.store.get(Account, account_id, account_id).now(service.real())
    return created(
        service,
        Contact(
            account=account_id,
            id=service.new_id("con_"),
            name=name,
            email=email,
            created_at=now,
            address=address,
            tax_exempt=tax_exempt,
        ),
    )


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
    check_text(name, "name")
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


def check_text(text: str, param: str) -> None:
    """Refuse an empty or overlong text, and one with control characters."""
    if not text.strip():
        raise Invalid("text_missing", f"Give a {param}.", param)
    if len(text) > MAX_TEXT:
        raise Invalid("text_too_long", f"At most {MAX_TEXT} characters.", param)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Invalid("control_character", "Line breaks and control characters are not allowed here.", param)


def check_email(email: str, param: str) -> None:
    """Refuse what no mail server would take as an address: one @, something on both sides, no blanks."""
    local, at, domain = email.rpartition("@")
    blank = any(character.isspace() or ord(character) < 33 for character in email)
    if not local.isascii():
        detail = "Give an address with plain letters before the @: the mail server takes no other ones there."
        raise Invalid("email_not_ascii", detail, param)
    if (
        not at
        or not local
        or any(one in '<>(),;:"\\[]' for one in email)
        or not _in_ascii(domain)
        or "." not in domain
        or "@" in local
        or blank
        or len(email) > 254
        or domain.endswith(".")
    ):
        raise Invalid("email_malformed", f"{email[:80]!r} is not an e-mail address.", param)


def _in_ascii(domain: str) -> bool:
    """Whether a domain can be written in ASCII, as mail servers find it: one of other letters is encoded (IDNA)."""
    try:
        return bool(domain.encode("idna"))
    except UnicodeError:
        return False


def created(service: Service, record: R) -> R:
    """Write a new record. Raises Conflict where there is one of its name."""
    changes = Changeset(record.account)
    changes.put(record)
    return cast(R, service.store.commit(changes).records[key_of(record)])
