"""What a letter is previewed with where no record of the account's is named: made up, plausible, and the same every time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from chalicelib.billing import differences, issuing
from chalicelib.billing.collection import Collection, CollectionMethod, Method
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.disputes import Dispute, DisputeStatus
from chalicelib.billing.gateway import Request
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.numbering import Series
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.users import User

NOW: Final = datetime(2026, 2, 3, 9, tzinfo=UTC)
CARD: Final = "Visa •••• 4242"
LINK: Final = "https://example.com/b/preview"
_NAMES: Final = {
    "en": "Ada Lovelace", "de": "Annette Müller", "fr": "Hélène Lefèvre", "da": "Søren Østergård",
    "es": "Lucía Núñez", "ja": "山田 花子", "ar": "ليلى حداد",
}  # fmt: skip


def contact(account: Account, language: str) -> Contact:
    """Somebody who reads a language."""
    name = _NAMES.get(language, _NAMES["en"])
    return Contact(account=account.id, id="con_sample", name=name, email="buyer@example.com", created_at=NOW)


def user(account: Account, language: str) -> User:
    """Somebody of the business."""
    name = _NAMES.get(language, _NAMES["en"])
    return User(
        account=account.id,
        id="user_sample",
        name=name,
        email=account.email,
        created_at=NOW,
        language=language,
    )


def subscription(account: Account) -> Subscription:
    """Two lines, billed each month, charged to a card."""
    return Subscription(
        account=account.id,
        id="sub_sample",
        contact="con_sample",
        currency=account.currency,
        frequency=Frequency.MONTHLY,
        lines=(
            Line(id="li_1", name="Basic", unit_amount=Decimal(2500), quantity=Decimal(2)),
            Line(id="li_2", name="Plus", unit_amount=Decimal("12.5"), quantity=Decimal(40)),
        ),
        anchor_on=date(2026, 2, 3),
        zone=account.zone,
        hour=account.billing_hour,
        status=Status.ACTIVE,
        created_at=NOW,
        name="Premium",
        method=Method(id="pm_sample", customer="cus_sample", label=CARD),
    )


def payment(one: Subscription, invoice: Invoice) -> Payment:
    """One that succeeded."""
    return Payment(
        account=one.account,
        id="pay_sample_0001_1",
        subscription=one.id,
        contact=one.contact,
        amount=invoice.total,
        allocations=(Allocation(invoice=invoice.id, amount=invoice.total),),
        request=Request(
            amount=invoice.total, customer="cus_sample", method="pm_sample", description="", metadata={}
        ),
        method_label=CARD,
        origin=Origin.SCHEDULE,
        created_at=NOW,
        sent_at=NOW,
        leased_until=None,
        status=PaymentStatus.SUCCEEDED,
        reference="pi_sample",
        settled_at=NOW,
    )


def records(account: Account, letter: Letter) -> dict[str, Any]:
    """What a letter of a kind tells of, as the fields of a case."""
    one = subscription(account)
    series = Series(account=account.id, id="sample", prefix=account.invoice_prefix, next=42)
    invoice = issuing.invoice_of(one, series.number, NOW)
    link = "" if letter.value.startswith("staff") else LINK
    made = {"subscription": one.renewed(), "link": link, "today": NOW.date(), "now": NOW}
    return {**made, **(_OWN[letter](one, invoice) if letter in _OWN else {})}


def _paid(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    return {"invoices": (invoice,), "payment": payment(one, invoice)}


def _failed(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    again = replace(invoice, attempt_at=NOW + timedelta(days=3))
    declined = replace(
        payment(one, invoice), status=PaymentStatus.DECLINED, decline_code="insufficient_funds"
    )
    return {"invoices": (again,), "payment": declined}


def _waits(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    waits = replace(payment(one, invoice), status=PaymentStatus.ACTION_REQUIRED, settled_at=None)
    return {"invoices": (invoice,), "payment": waits}


def _sent(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    by_invoice = replace(
        one, method=None, collection=Collection(way=CollectionMethod.SEND_INVOICE, days_until_due=14)
    )
    return {
        "subscription": by_invoice.renewed(),
        "invoices": (issuing.invoice_of(by_invoice, invoice.number, NOW),),
    }


def _overdue(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    later = NOW + timedelta(days=20)
    return {**_sent(one, invoice), "today": later.date(), "now": later}


def _begun(one: Subscription, _: Invoice) -> dict[str, Any]:
    return {"subscription": one}


def _changed(one: Subscription, _: Invoice) -> dict[str, Any]:
    first, *others = one.lines
    after = replace(one, lines=(replace(first, quantity=Decimal(3)), *others)).renewed()
    told = differences.written(differences.was(one.renewed(), after))
    return {"subscription": after, "more": {"was": told, "changed_on": NOW.date().isoformat()}}


def _canceled(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    return {"subscription": one.renewed().canceled(NOW), "invoices": (invoice,)}


def _expiring(one: Subscription, _: Invoice) -> dict[str, Any]:
    card = PaymentMethod(
        account=one.account,
        id="pm_sample",
        contact=one.contact,
        customer="cus_sample",
        type="card",
        label=CARD,
        created_at=NOW,
        exp_month=3,
        exp_year=2026,
    )
    return {"method": card}


def _quote(*_: object) -> dict[str, Any]:
    return {"more": {"quote": "Q-0042", "expires_on": date(2026, 2, 17).isoformat()}}


def _disputed(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    dispute = Dispute(
        account=one.account,
        id="dp_sample",
        payment="pay_sample_0001_1",
        contact=one.contact,
        subscription=one.id,
        amount=invoice.total,
        reason="product_not_received",
        status=DisputeStatus.NEEDS_RESPONSE,
        created_at=NOW,
        withdrawn=invoice.total,
        fee=Money(1500, invoice.currency),
        evidence_due_at=NOW + timedelta(days=10),
    )
    return {"payment": payment(one, invoice), "dispute": dispute}


def _switched_off(*_: object) -> dict[str, Any]:
    return {"more": {"endpoint": "https://example.com/webhooks", "since_on": date(2026, 1, 31).isoformat()}}


_OWN: Final[Mapping[Letter, Any]] = {
    Letter.FIRST_PAYMENT: _paid,
    Letter.RECEIPT: _paid,
    Letter.PAYMENT_FAILED: _failed,
    Letter.ACTION_REQUIRED: _waits,
    Letter.INVOICE: _sent,
    Letter.OVERDUE: _overdue,
    Letter.SUBSCRIPTION_SENT: _begun,
    Letter.SUBSCRIBED: _begun,
    Letter.CHANGED: _changed,
    Letter.CANCELED: _canceled,
    Letter.CARD_EXPIRING: _expiring,
    Letter.QUOTE_EXPIRING: _quote,
    Letter.STAFF_PAYMENT: _paid,
    Letter.STAFF_PAYMENT_FAILED: _failed,
    Letter.STAFF_DISPUTE: _disputed,
    Letter.STAFF_ENDPOINT_DISABLED: _switched_off,
}
