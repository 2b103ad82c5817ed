"""Offer something in the library: products, and the coupons and codes they are sold with."""

from datetime import datetime
from decimal import Decimal

from chalicelib.billing import orders, redemptions
from chalicelib.billing.currencies import check_currency
from chalicelib.billing.discounts import Coupon, Duration, PromotionCode
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import check_line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.products import Product
from chalicelib.billing.tax import TaxRate
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.operations import checks, fill
from chalicelib.operations.create import created
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Conflict, Reading


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
    checks.text(name, "name")
    check_currency(currency)
    payments = _payments(frequency, payments, term)
    found, now = _read(service, account_id, *(keys.key(TaxRate, account_id, id_) for id_ in taxes))
    fill.copies(found, account_id, [(id_, "taxes") for id_ in taxes])
    wanted = Product(
        account=account_id,
        id=service.new_id("prod_"),
        name=name,
        currency=currency,
        unit_amount=unit_amount,
        frequency=frequency,
        created_at=now,
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
    return created(service, wanted)


def _payments(frequency: Frequency, payments: int | None, term: str | None) -> int | None:
    """How often it is billed where it has a fixed term; what is billed once has none."""
    if frequency.recurring:
        return orders.payments_of(payments, term, frequency)
    if payments is not None or term:
        raise Invalid("term_of_one_time", "What is billed once has no term; leave it out.", "frequency")
    return None


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
    checks.text(name, "name")
    found, now = _read(service, account_id, *(keys.key(Product, account_id, id_) for id_ in products))
    for n, id_ in enumerate(products):
        fill.named(found, Product, account_id, id_, f"products[{n}]")
    wanted = Coupon(
        account=account_id,
        id=service.new_id("cou_"),
        name=name,
        created_at=now,
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
    return created(service, wanted)


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
    beside = [keys.key(Contact, account_id, contact)] if contact else []
    found, now = _read(service, account_id, keys.key(Coupon, account_id, coupon), *beside)
    fill.named(found, Coupon, account_id, coupon, "coupon")
    if contact:
        fill.named(found, Contact, account_id, contact, "contact")
    record = PromotionCode(
        account=account_id,
        id=redemptions.code_id(code),
        code=code,
        coupon=coupon,
        created_at=now,
        contact=contact,
        max_redemptions=max_redemptions,
        expires_at=expires_at,
        minimum=minimum,
    )
    redemptions.check_limits(record)
    try:
        return created(service, record)
    except Conflict:
        detail = f"There is a code {code} already, in whatever case; choose another word."
        raise Invalid("code_taken", detail, "code") from None


def _read(service: Service, account_id: str, *names: str) -> tuple[Reading, datetime]:
    """The account with the records that are named, and what time it is for it."""
    found = service.store.load(account_id, [keys.key(Account, account_id, account_id), *names])
    return found, found.get(Account, account_id, account_id).now(service.real())
