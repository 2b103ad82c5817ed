"""What a letter is previewed with where no record of the account's is named: made up, plausible, and the same every time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from chalicelib.billing import differences, issuing, periods
from chalicelib.billing.collection import Collection, CollectionMethod, Method
from chalicelib.billing.credits import Wanted, credited
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
from chalicelib.crm.parties import Parties
from chalicelib.crm.users import User
from chalicelib.crm.wordings import Wording
from chalicelib.views.letter_cases import Case
from chalicelib.views.reading import Reader

NOW: Final = datetime(2026, 2, 3, 9, tzinfo=UTC)
CARD: Final = "Visa •••• 4242"
LINK: Final = "https://example.com/b/preview"
_NAMES: Final = {
    "en": "Ada Lovelace", "de": "Annette Müller", "fr": "Hélène Lefèvre", "da": "Søren Østergård",
    "es": "Lucía Núñez", "ja": "山田 花子", "ar": "ليلى حداد",
}  # fmt: skip


def case(
    to: Parties, letter: Letter, reader: Reader, now: datetime, sold: Subscription | None = None
) -> Case:
    """A letter to somebody, of a subscription or of one that is made up."""
    account = to.account
    staff = user(account, reader.language) if letter.value.startswith("staff") else None
    return Case(reader=reader, parties=to, letter=letter, user=staff, **records(account, letter, now, sold))


def shown(case: Case, own: Wording | None, logo: str) -> Case:
    """The same in the business's own words, with its picture."""
    return replace(case, own=own, logo=logo)


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


def subscription(account: Account, now: datetime = NOW) -> Subscription:
    """Two lines, billed each month from today on, charged to a card."""
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
        anchor_on=periods.local_date(now, account.zone),
        zone=account.zone,
        hour=account.billing_hour,
        status=Status.ACTIVE,
        created_at=now,
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
        method_label=one.method.label if one.method else CARD,
        origin=Origin.SCHEDULE,
        created_at=invoice.issued_at,
        sent_at=invoice.issued_at,
        leased_until=None,
        status=PaymentStatus.SUCCEEDED,
        reference="pi_sample",
        settled_at=invoice.issued_at,
    )


def records(
    account: Account, letter: Letter, now: datetime = NOW, sold: Subscription | None = None
) -> dict[str, Any]:
    """What a letter of a kind tells of, as the fields of a case."""
    one = sold or subscription(account, now)
    series = Series(account=account.id, id="sample", prefix=account.invoice_prefix, next=42)
    invoice = issuing.invoice_of(one, series.number, now)
    link = "" if letter.value.startswith("staff") else LINK
    today = periods.local_date(now, account.zone)
    made = {"subscription": sold or one.renewed(), "link": link, "today": today, "now": now}
    return {**made, **(_OWN[letter](one, invoice) if letter in _OWN else {})}


def _paid(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    return {"invoices": (invoice,), "payment": payment(one, invoice)}


def _failed(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    again = replace(invoice, attempt_at=invoice.issued_at + timedelta(days=3))
    declined = replace(
        payment(one, invoice), status=PaymentStatus.DECLINED, decline_code="insufficient_funds"
    )
    return {"invoices": (again,), "payment": declined}


def _waits(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    waits = replace(payment(one, invoice), status=PaymentStatus.ACTION_REQUIRED, settled_at=None)
    return {"invoices": (invoice,), "payment": waits}


def _sent(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    by_invoice = (
        one
        if one.sends
        else replace(
            one, method=None, collection=Collection(way=CollectionMethod.SEND_INVOICE, days_until_due=14)
        )
    )
    return {
        "subscription": by_invoice,
        "invoices": (issuing.invoice_of(by_invoice, invoice.number, invoice.issued_at),),
    }


def _overdue(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    later = invoice.issued_at + timedelta(days=400)
    return {**_sent(one, invoice), "today": later.date(), "now": later}


def _credited(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    asked = replace(invoice, payment="pay_sample_0001_1")
    paid = asked.paid("pay_sample_0001_1", invoice.total, invoice.issued_at)
    note = credited(
        paid, (), (Wanted(line=0),), number="CN-000042", now=invoice.issued_at, day=invoice.issued_at.date()
    )
    return {"subscription": one, "invoices": (paid,), "notes": (note,)}


def _begun(one: Subscription, _: Invoice) -> dict[str, Any]:
    return {"subscription": one}


def _changed(one: Subscription, _: Invoice) -> dict[str, Any]:
    first, *others = one.lines
    more = replace(first, quantity=first.quantity + 1)
    after = replace(one, lines=(more, *others), change=None)
    return {"subscription": after, "more": {"was": differences.written(differences.was(one, after))}}


def _canceled(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    return {"subscription": one if one.ended_at else one.canceled(invoice.issued_at), "invoices": (invoice,)}


def _expiring(one: Subscription, invoice: Invoice) -> dict[str, Any]:
    card = PaymentMethod(
        account=one.account,
        id="pm_sample",
        contact=one.contact,
        customer="cus_sample",
        type="card",
        label=one.method.label if one.method else CARD,
        created_at=invoice.issued_at,
        exp_month=invoice.issued_at.month,
        exp_year=invoice.issued_at.year,
    )
    return {"method": card}


def _quote(_: Subscription, invoice: Invoice) -> dict[str, Any]:
    return {"more": {"quote": "Q-0042", "expires_on": _day(invoice, 14)}}


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
        created_at=invoice.issued_at,
        withdrawn=invoice.total,
        fee=Money(1500, invoice.currency),
        evidence_due_at=invoice.issued_at + timedelta(days=10),
    )
    return {"payment": payment(one, invoice), "dispute": dispute}


def _switched_off(_: Subscription, invoice: Invoice) -> dict[str, Any]:
    return {"more": {"endpoint": "https://example.com/webhooks", "since_on": _day(invoice, -3)}}


def _day(invoice: Invoice, days: int) -> str:
    return (invoice.issued_at + timedelta(days=days)).date().isoformat()


_OWN: Final[Mapping[Letter, Any]] = {
    Letter.FIRST_PAYMENT: _paid,
    Letter.RECEIPT: _paid,
    Letter.PAYMENT_FAILED: _failed,
    Letter.ACTION_REQUIRED: _waits,
    Letter.INVOICE: _sent,
    Letter.OVERDUE: _overdue,
    Letter.CREDIT_NOTE: _credited,
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
