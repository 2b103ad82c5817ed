"""How a record is shown, over HTTP and in webhooks: as it is stored, without what is only ours, and with what can be told from it."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from chalicelib.billing.billing_runs import BillingRun
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.deliveries import Delivery
from chalicelib.billing.discounts import Coupon, PromotionCode
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.events import Event
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.products import Product
from chalicelib.billing.refunds import Refund
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import TaxRate
from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import WebhookEndpoint
from chalicelib.crm.account_changes import AccountChange
from chalicelib.crm.accounts import Account, ApiKey
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.profiles import Profile
from chalicelib.crm.suppressions import Suppression
from chalicelib.crm.users import User
from chalicelib.views import told

OURS: Final = frozenset({"account", "version"})
EXACT: Final = frozenset(
    {"unit_amount", "quantity", "up_to", "flat_amount", "amount", "percent", "percentage"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a type of record hides, calls otherwise, and can tell; each teller is called what it tells.

    `about` is what the API says of it, where the record's own words are of what is hidden.
    """

    hides: frozenset[str] = frozenset()
    renames: tuple[tuple[str, str], ...] = ()
    tells: tuple[Callable[[Any], Any], ...] = ()
    about: str = ""


SHAPES: Final[dict[type, Shape]] = {
    Account: Shape(
        hides=frozenset({"rezoning", "issuer", "listeners", "staff_letters", "wordings"}),
        renames=(("clock", "test_clock"), *told.SETTINGS.items()),
        about="""`zone` is an IANA name, `billing_hour` the local hour (0-23) at which its days are billed.

`reminder_days` before a payment the customer is told of it; null switches the letter off. `letters_off` are those it
does not send, `attach_pdf` puts the document beside the letter an invoice is sent with; on `overdue_days` after an invoice was due its buyer is
told so. With `numbers_by_year` invoices and credit
notes are counted anew each year, which stands behind the prefix.""",
    ),
    ApiKey: Shape(),
    AccountChange: Shape(
        hides=frozenset({"fields", "key", "key_name"}),
        tells=(told.by, told.fields_changed),
        about="""All that one request changed of the account's settings, and the API key that asked for it.""",
    ),
    Contact: Shape(),
    Company: Shape(),
    Profile: Shape(
        hides=frozenset({"id", "created_at", "zone"}),
        about="""What a business says of itself on its documents and letters; a document keeps the `revision` it was issued with.

`legal_name` and `email` empty are the account's own. `registration` is as the law wants it printed. `logo` is the name of a
picture, `color` is #rrggbb. `language` is BCP 47, `locale` of dates, money and addresses. `comments` and the `footer` may be
formatted, and name `snippets`.""",
    ),
    User: Shape(
        hides=frozenset({"deleted_at"}),
        about="""A person of the business; `letters` are the kinds they are written.""",
    ),
    Product: Shape(),
    TaxRate: Shape(),
    Coupon: Shape(),
    PromotionCode: Shape(),
    CreditNote: Shape(),
    BillingRun: Shape(),
    PaymentMethod: Shape(
        hides=frozenset({"look_at"}),
        about="""A method saved at Stripe; `id` is Stripe's, `label` as a person reads it ("Visa •••• 4242").""",
    ),
    Subscription: Shape(
        hides=frozenset(
            {
                *("reminded", "offset", "besides", "since_on", "shifted", "settled_on", "short", "foretold"),
                "unasked",
                *("collection", "record_only", "deleted_at"),
            }
        ),
        renames=(
            *(("method", "payment_method"), ("hour", "billing_hour"), ("prorates", "prorate")),
            *(("schedule", "payment_schedule"), ("papers", "invoice_settings")),
        ),
        tells=(
            told.change,
            told.next_billing_on,
            told.next_billing_at,
            told.payments_left,
            told.ends_on,
            told.mrr,
            told.collection_method,
            told.days_until_due,
            told.accept_online,
            told.accepted_types,
            told.collect_addresses,
            told.save_payment_method,
            told.invoicing,
        ),
        about="""What a contact pays for, again and again.

`cycle` is the ordinal of the next cycle to bill (0 is the first), counted in its `frequency` from `anchor_on`;
`payments` is the number of payments of a fixed term, null without end. `arrears` are the invoices whose collection
failed. `zone`, `billing_hour` and `reminder_days` are the account's. `lines` are billed each cycle, `extras` once, with
the next invoice. `change` is what takes effect with the next cycle: null in it leaves as it is. `cancel_on` is a local day
in place of the end of the period; `resume_on` ends a pause begun on `paused_on`, in the way `shifts` and `prorate` say.
`mrr` is what it brings in a month, after what is taken off for ever and without taxes. `collection_method` and the terms
after it are of its later invoices: `accepted_types` without any are the account's. Until its first invoice is issued `payment_schedule` says over which days that is split. Without
`invoicing` it is only a record. `company` is billed in place of its contact, who gets the letters; `invoice_settings` say
how its documents are written: null is as the contact, the company and the profile have it.""",
    ),
    Invoice: Shape(
        hides=frozenset({"terms"}),
        renames=(
            *(("by_hand", "manual_retries"), ("issuer", "issuer_revision"), ("buyer", "contact_revision")),
            ("papers", "invoice_settings"),
        ),
        tells=(told.subtotal, told.amount_applied, told.amount_credited, told.amount_due, told.instalments),
        about="""The invoice of one cycle of one subscription, or of a change within one; its lines and total never change once it is open.

`payment` is the open payment that holds it, of which there is at most one; `attempts` counts the payments so far,
`manual_retries` those that a person asked for; `failed_at` is the first failure, `attempt_at` the next moment to ask for
money or to give up, on the account's clock. `amount_applied` came from the customer's balance, `amount_credited` is what
credit notes took off what was owed; `notes` counts its credit notes. `besides` is set on one issued besides those of the
cycles, `last` on one issued as its subscription ended. `due_on` is the local day a sent invoice is to be paid by, null on
one that is charged. `instalments` split it over days: only what is due by then is asked for, or overdue.

Its documents show for ever the revisions `issuer_revision` of the profile, `contact_revision` and `company_revision`, and
the subscription's `invoice_settings` as it was issued.""",
    ),
    Payment: Shape(
        hides=frozenset({"request", "leased_until", "looks", "sent_at"}),
        tells=(told.payment_method, told.method_type, told.refund_status),
        about="""One ask for money, and the invoices it pays; `created_at` is on the account's clock.

`reference` is Stripe's PaymentIntent; `fee` and `net` come from its balance transaction. `method_type` is Stripe's, null
until its buyer has paid by one on a page. Of one with the origin `hand`, money that came another way on `received_on`, it
says how it came; what its allocations leave is the customer's balance. `held` waits for Stripe's word, and holds its
invoices until then.""",
    ),
    Refund: Shape(
        hides=frozenset({"leased_until", "looks", "look_at", "sent_at"}),
        about="""Money of a payment given back. `pending` until the bank has it; what `failed` is the customer's balance again.

`credit_notes` gave what was taken. `reference` is Stripe's refund; `fee` and `net` come from its balance transaction, what
left the balance below zero. One `by_hand` goes back as the payment came; one `to_balance` stays with the customer's credit.""",
    ),
    Dispute: Shape(
        tells=(told.held,),
        about="""A buyer, or a bank, asks for the money of a payment back: `amount`. It is answered at Stripe.

`withdrawn` is what Stripe has taken of it so far, and its `fee`, in the currency it pays out in; `held` what is not there of
the payment's money, held back or lost. `returned` where it is a bank debit that came back: what it paid is owed again.""",
    ),
    Event: Shape(
        hides=frozenset({"fan_out_at", "silent", "kept_until"}),
        about="""A fact about `subject`; `about` names the records a reader may want beside it, by kind.

`created_at` is on the account's clock; `entry` is what the fact posts to the books.""",
    ),
    Delivery: Shape(),
    Suppression: Shape(
        about="""An address that is not written to any more, because a letter to it bounced for good or its reader complained.

`detail` is what the mail server said of `delivery`; `contact` is null where the letter was the business's own. `since` and
`lifted_at` are real time. Lifted, it is in no list, and letters are sent again, until the next bounce.""",
    ),
    WebhookEndpoint: Shape(
        hides=frozenset({"failing_from", "refusals", "generation", "pings", "deleted_at", "resending"}),
        renames=(("former_until", "former_secret_until"),),
        tells=(told.resending_since,),
        about="""Where events are sent: their types in `events`, or `*` for all.

`failing_at` is when it first failed since it last accepted something; nothing accepted for five days disables it, and so
does an answer 410. `former_secret_until` is when the secret before this one stops signing. `resending_since` is set while
what it has not accepted since that moment is being sent again.""",
    ),
    WebhookDelivery: Shape(
        hides=frozenset({"leased_until", "again"}),
        about="""One event for one endpoint; `created_at` is the event's.

`attempts` were made since it was last asked for, the next one is at `send_at`; the last five `answers` are kept, oldest
first, with an `http_status` of 0 where nothing came. `failed` has had ten attempts in three days, or for the `reason` none.""",
    ),
}
NAMES: Final = {
    Account: "account",
    ApiKey: "api_key",
    AccountChange: "account_change",
    Contact: "contact",
    Company: "company",
    Profile: "profile",
    User: "user",
    Product: "product",
    TaxRate: "tax_rate",
    Coupon: "coupon",
    PromotionCode: "promotion_code",
    CreditNote: "credit_note",
    BillingRun: "billing_run",
    PaymentMethod: "payment_method",
    Subscription: "subscription",
    Invoice: "invoice",
    Payment: "payment",
    Refund: "refund",
    Dispute: "dispute",
    Event: "event",
    Delivery: "delivery",
    Suppression: "suppression",
    WebhookEndpoint: "webhook_endpoint",
    WebhookDelivery: "webhook_delivery",
}


def shown(value: Any) -> Any:
    """A value that has no shape of its own as it is, and records at any depth of it as they are shown."""
    if type(value) in SHAPES:
        return _record(value)
    if isinstance(value, tuple | list):
        return [shown(one) for one in value]
    if is_dataclass(value):
        return {one.name: shown(getattr(value, one.name)) for one in fields(value)}
    return msgspec.to_builtins(value)


def _record(record: Any) -> dict[str, Any]:
    shape = SHAPES[type(record)]
    stored: dict[str, Any] = msgspec.to_builtins(record)
    for name in OURS | shape.hides:
        del stored[name]
    for name, called in shape.renames:
        stored[called] = stored.pop(name)
    for tell in shape.tells:
        stored[tell.__name__] = msgspec.to_builtins(tell(record))
    _write_out(stored)
    return {"object": NAMES[type(record)], **stored}


def _write_out(value: Any) -> None:
    """Exact numbers in digits alone, at any depth: Python writes a tiny one as 1E-7."""
    if isinstance(value, list | tuple):
        for one in value:
            _write_out(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in EXACT and isinstance(one, str) and "E" in one:
                value[name] = f"{Decimal(one):f}"
            else:
                _write_out(one)
