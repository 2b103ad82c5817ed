"""Put new records into the books: accounts, keys, contacts, products, and the terms they are sold on."""

import hashlib
import secrets
from datetime import datetime
from decimal import Decimal
from typing import TypeVar, cast

from chalicelib.billing import orders, periods, redemptions
from chalicelib.billing.addresses import Address, check_address
from chalicelib.billing.currencies import check_currency
from chalicelib.billing.discounts import Coupon, Duration, PromotionCode
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import check_line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.products import Product
from chalicelib.billing.tax import Category, Exemption, TaxRate, check_percentage
from chalicelib.crm.accounts import CLOCKED, Account, ApiKey, TestClock, check_hour
from chalicelib.crm.contacts import Contact
from chalicelib.operations import fill
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict
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
    return _created(service, wanted)


def _check(wanted: Account, livemode: bool) -> None:
    periods.check_zone(wanted.zone)
    check_currency(wanted.currency)
    check_text(wanted.name, "name")
    check_email(wanted.email, "email")
    check_hour(wanted.billing_hour)
    if wanted.reminder_days is not None and not 1 <= wanted.reminder_days <= 90:
        detail = "Remind from 1 to 90 days ahead, or null for never."
        raise Invalid("reminder_days_out_of_range", detail, "reminder_days")
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
    return _created(service, key), text


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
    return _created(
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
    return _created(
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


def product(
    service: Service,
    account_id: str,
    *,
    name: str,
    currency: str,
    frequency: Frequency,
    unit_amount: Decimal = Decimal(0),
    description: str = "",
    sku: str = "",
    model: Model | None = None,
    tiers: tuple[Tier, ...] = (),
    taxes: tuple[str, ...] = (),
    tax_code: str | None = None,
    tax_inclusive: bool = False,
    payments: int | None = None,
    term: str | None = None,
) -> Product:
    """Something to sell; `unit_amount` in minor units, up to 12 decimals, 0 where tiers are the price.

    `taxes` are ids of active tax rates; `payments` or `term` the fixed term it is sold for where nothing else is said.
    """
    check_text(name, "name")
    check_currency(currency)
    if frequency.recurring:
        payments = orders.payments_of(payments, term, frequency)
    elif payments is not None or term:
        raise Invalid("term_of_one_time", "What is billed once has no term; leave it out.", "frequency")
    found = service.store.load(
        account_id,
        [keys.key(Account, account_id, account_id), *(keys.key(TaxRate, account_id, id_) for id_ in taxes)],
    )
    fill.copies(found, account_id, [(id_, "taxes") for id_ in taxes])
    wanted = Product(
        account=account_id,
        id=service.new_id("prod_"),
        name=name,
        currency=currency,
        unit_amount=unit_amount,
        frequency=frequency,
        created_at=found.get(Account, account_id, account_id).now(service.real()),
        description=description,
        sku=sku,
        model=model,
        tiers=tiers,
        taxes=fill.once_each(taxes),
        tax_code=tax_code,
        tax_inclusive=tax_inclusive,
        payments=payments,
    )
    _check_price(wanted)
    return _created(service, wanted)


def _check_price(product: Product) -> None:
    """A product is priced as its lines are; the fields have the same names."""
    try:
        check_line(product.line("", Decimal(1)), "")
    except Invalid as refused:
        raise Invalid(refused.code, refused.detail, (refused.param or "").removeprefix(".")) from None


def coupon(
    service: Service,
    account_id: str,
    *,
    name: str,
    percent: Decimal | None = None,
    amount: Money | None = None,
    duration: Duration = Duration.ONCE,
    months: int | None = None,
    products: tuple[str, ...] = (),
    max_redemptions: int | None = None,
    redeem_by: datetime | None = None,
    minimum: Money | None = None,
) -> Coupon:
    """The terms of a discount. Raises Invalid, or NotFound where a product is none."""
    check_text(name, "name")
    found = service.store.load(
        account_id,
        [
            keys.key(Account, account_id, account_id),
            *(keys.key(Product, account_id, id_) for id_ in products),
        ],
    )
    for n, id_ in enumerate(products):
        fill.named(found, Product, account_id, id_, f"products[{n}]")
    wanted = Coupon(
        account=account_id,
        id=service.new_id("cou_"),
        name=name,
        created_at=found.get(Account, account_id, account_id).now(service.real()),
        percent=percent,
        amount=amount,
        duration=duration,
        months=months,
        products=products,
        max_redemptions=max_redemptions,
        redeem_by=redeem_by,
        minimum=minimum,
    )
    redemptions.check_coupon(wanted)
    return _created(service, wanted)


def promotion_code(
    service: Service,
    account_id: str,
    *,
    code: str,
    coupon: str,
    contact: str | None = None,
    max_redemptions: int | None = None,
    expires_at: datetime | None = None,
    minimum: Money | None = None,
) -> PromotionCode:
    """A word a buyer types for a coupon, whatever its case. Raises NotFound, or Invalid where the word is taken."""
    wanted = [keys.key(Account, account_id, account_id), keys.key(Coupon, account_id, coupon)]
    wanted += [keys.key(Contact, account_id, contact)] if contact else []
    found = service.store.load(account_id, wanted)
    fill.named(found, Coupon, account_id, coupon, "coupon")
    if contact:
        fill.named(found, Contact, account_id, contact, "contact")
    record = PromotionCode(
        account=account_id,
        id=redemptions.code_id(code),
        code=code,
        coupon=coupon,
        created_at=found.get(Account, account_id, account_id).now(service.real()),
        contact=contact,
        max_redemptions=max_redemptions,
        expires_at=expires_at,
        minimum=minimum,
    )
    redemptions.check_limits(record)
    try:
        return _created(service, record)
    except Conflict:
        detail = f"There is a code {code} already, in whatever case; choose another word."
        raise Invalid("code_taken", detail, "code") from None


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
    if (
        not at
        or not local
        or "." not in domain
        or "@" in local
        or blank
        or len(email) > 254
        or domain.endswith(".")
    ):
        raise Invalid("email_malformed", f"{email[:80]!r} is not an e-mail address.", param)


def _created(service: Service, record: R) -> R:
    changes = Changeset(record.account)
    changes.put(record)
    return cast(R, service.store.commit(changes).records[key_of(record)])
