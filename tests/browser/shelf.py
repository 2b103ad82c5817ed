"""Ada's affairs with a roaster in each state a page knows, written straight into the table."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from chalicelib.billing import credits as notes
from chalicelib.billing import issuing, refunds
from chalicelib.billing.collection import Collection, CollectionMethod, Method, MethodType
from chalicelib.billing.credits import Wanted
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.instalments import Instalment
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from chalicelib.billing.periods import Frequency
from chalicelib.billing.refunds import Refund, RefundStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from chalicelib.crm.accounts import CLOCKED, Account, TestClock
from chalicelib.crm.contacts import Contact
from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from chalicelib.views import links
from chalicelib.views.links import Purpose

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TODAY = date(2026, 1, 1)
VISA = Method(id="pm_1", customer="cus_secret", label="Visa •••• 4242")
FIRST = Collection(way=CollectionMethod.CHARGE_AFTER_FIRST_INVOICE, days_until_due=14)
SENT = Collection(
    way=CollectionMethod.SEND_INVOICE, days_until_due=14, types=(MethodType.CARD, MethodType.SEPA)
)
LINES = (
    Line(
        id="li_1",
        name="Just one more cup",
        description="1 kg of the house blend, whole beans, roasted on the day it is sent",
        unit_amount=Decimal(2500),
        quantity=Decimal(2),
        taxes=("txr_1",),
        discounts=(UnitDiscount(percent=Decimal(10)),),
    ),
    Line(id="li_2", name="Grinder care", unit_amount=Decimal("12.5"), quantity=Decimal(40), taxes=("txr_1",)),
)


@dataclass
class Shelf:
    """Where a business's records are put, and links to them made."""

    service: Service
    account: Account
    contact: Contact
    subscription: Subscription

    def put(self, *records: Any) -> None:
        """Write records, beside the business and its customer."""
        changes = Changeset(self.account.id)
        changes.put(self.account, self.contact, *records)
        self.service.store.commit(changes)

    def link(self, purpose: Purpose, record: Any, ago: timedelta = timedelta(0)) -> str:
        """The address of a page, as a letter of some time ago has it."""
        settings = self.service.settings
        token = links.sign(settings, purpose, record.account, record.id, self.service.real() - ago)
        return links.address(settings, token)

    def invoice(self, number: str = "INV-000017", cycle: int = 0) -> Invoice:
        """One issued a fortnight ago, of a cycle."""
        of = replace(self.subscription, cycle=cycle)
        return issuing.invoice_of(of, number, NOW - timedelta(days=14))

    def payment(self, *of: Invoice, status: PaymentStatus = PaymentStatus.SUCCEEDED, **more: Any) -> Payment:
        """A payment of invoices."""
        parts = tuple(Allocation(invoice=one.id, amount=one.total) for one in of)
        total = Money(sum(part.amount.amount for part in parts), of[0].currency)
        one = Payment(
            account=self.account.id,
            id=f"pay_{of[0].id.removeprefix('inv_')}_1",
            subscription=self.subscription.id,
            contact=self.contact.id,
            amount=total,
            allocations=parts,
            method_label="Visa •••• 4242",
            origin=Origin.SCHEDULE,
            created_at=NOW,
            sent_at=NOW,
            leased_until=None,
            status=status,
            reference="pi_3SeCRet",
        )
        return replace(one, settled_at=None if one.open else NOW, **more)


def shelf(service: Service, name: str, **more: Any) -> Shelf:
    """A business with one customer and one subscription of two taxed and discounted lines; its clock stands still, so nothing is done to them."""
    account = f"{CLOCKED}{name}"
    business = Account(
        account=account,
        id=account,
        name="Harbour Coffee Roasters",
        email="hello@harbour.example",
        currency="eur",
        zone="Europe/Paris",
        livemode=False,
        created_at=NOW,
        clock=TestClock(now_at=NOW),
    )
    contact = Contact(
        account=account, id="con_1", name="Ada Lovelace", email="ada@mail.example", created_at=NOW
    )
    subscription = Subscription(
        account=account,
        id="sub_1",
        contact="con_1",
        currency="eur",
        frequency=Frequency.MONTHLY,
        lines=LINES,
        taxes=(Tax(id="txr_1", name="VAT", percent=Decimal(20)),),
        discounts=(Discount(coupon="cou_1", name="Welcome back", percent=Decimal(5)),),
        anchor_on=date(2025, 12, 18),
        zone="Europe/Paris",
        hour=6,
        status=Status.ACTIVE,
        created_at=NOW,
        name="Coffee for the office",
        method=VISA,
        cycle=1,
    )
    return Shelf(service, business, contact, replace(subscription, **more))


def sent(on: Shelf, due_on: date = date(2026, 1, 15)) -> Invoice:
    """An invoice with payment terms, not charged automatically."""
    at = datetime.combine(due_on + timedelta(days=1), datetime.min.time(), UTC)
    return replace(on.invoice(), due_on=due_on, attempt_at=at)


def in_parts(on: Shelf, second_on: date = date(2026, 1, 15)) -> Invoice:
    """A sent invoice in three instalments, the first of which is paid."""
    one = sent(on, date(2026, 2, 15))
    total = one.total.amount
    third = total // 3
    days = (date(2025, 12, 20), second_on, date(2026, 2, 15))
    amounts = (third, third, total - 2 * third)
    parts = tuple(
        Instalment(on=day, amount=Money(part, one.currency)) for day, part in zip(days, amounts, strict=True)
    )
    return replace(one, instalments=parts, amount_paid=Money(third, one.currency), attempts=1)


def credited(on: Shelf) -> tuple[Invoice, notes.CreditNote]:
    """An invoice of which one line has been credited."""
    one = sent(on)
    note = notes.credited(
        one, [], [Wanted(line=1)], number="CN-000003", now=NOW, day=TODAY, reason="The tablets came late"
    )
    return one.credited(note.to_invoice, NOW), note


def given_back(on: Shelf) -> tuple[Invoice, Payment, list[Refund]]:
    """A payment, part of which went back twice, once in vain."""
    one = on.invoice()
    payment = replace(on.payment(one), refunds=2, amount_refunded=Money(600, "eur"))
    paid = one.reserved(payment.id).paid(payment.id, one.total, NOW)
    made = [
        Refund(
            account=on.account.id,
            id=refunds.name_of(payment.id, n),
            payment=payment.id,
            contact="con_1",
            subscription="sub_1",
            amount=Money(600, "eur"),
            created_at=NOW,
            sent_at=NOW,
            status=status,
            reason="The tablets came late" if n == 1 else "",
        )
        for n, status in ((1, RefundStatus.SUCCEEDED), (2, RefundStatus.FAILED))
    ]
    return paid, payment, made
