"""A buyer's case: what is owed for one subscription, what is being done about it, and what they may do.

Whatever page shows it, the same may be done: confirm the payment their bank asks about, pay what no other payment
holds, leave another method.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from chalicelib.billing import money
from chalicelib.billing.collection import CollectionMethod, MethodType, taking
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import applicable
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.refunds import Refund
from chalicelib.billing.statuses import ENDED
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.views import dues, formats
from chalicelib.views.pages import Act
from chalicelib.views.reading import AMERICAN, Reader

MOST_AT_ONCE: Final = 40
"""As many invoices as one payment takes (operations/collect.py); the oldest come first."""
BUSY: Final = (PaymentStatus.PENDING, PaymentStatus.HELD, PaymentStatus.PROCESSING)
"""One of these may take the money by itself: nobody can begin another beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`invoices` are those the page is about, oldest first; `payments` by id, among them the open ones and the last tries.

    `today` is the account's local day; `refunds` and `notes` are those of the payment or invoice a page is about,
    `billed_to` is whose name that invoice bears, `transfer` where a transfer for it goes.
    """

    account: Account
    subscription: Subscription
    today: date
    contact: Contact | None = None
    invoices: tuple[Invoice, ...] = ()
    payments: Mapping[str, Payment] = field(default_factory=dict)
    notes: tuple[CreditNote, ...] = ()
    refunds: tuple[Refund, ...] = ()
    billed_to: str = ""
    transfer: tuple[tuple[str, str], ...] = ()
    reader: Reader = AMERICAN

    def open_payment(self, invoice: Invoice) -> Payment | None:
        """The payment that holds an invoice, as far as it is known."""
        return self.payments.get(invoice.payment) if invoice.payment else None

    @property
    def owed(self) -> tuple[Invoice, ...]:
        """The invoices of which something is owed."""
        return tuple(invoice for invoice in self.invoices if invoice.amount_due)

    @property
    def total(self) -> Money:
        """All that is owed."""
        return money.total((invoice.amount_due for invoice in self.owed), self.subscription.currency)

    @property
    def waiting(self) -> Payment | None:
        """A payment that its buyer must confirm."""
        held = (self.open_payment(invoice) for invoice in self.owed)
        return next((one for one in held if one and one.status is PaymentStatus.ACTION_REQUIRED), None)

    @property
    def free(self) -> tuple[Invoice, ...]:
        """What may be paid now: no payment holds it that may still take the money by itself."""
        free = [one for one in self.owed if one.payment is None or _may_end(self.open_payment(one))]
        return tuple(free[:MOST_AT_ONCE])

    @property
    def asked(self) -> tuple[Money, Money]:
        """What Stripe's page asks for what is free, and what the customer's balance pays of that before.

        Of an invoice in instalments what is due by now, or all of it where nothing is.
        """
        currency = self.subscription.currency
        rest = before = self.contact.balance(currency) if self.contact else Money.zero(currency)
        asked = []
        for one in self.free:
            part = applicable(rest, one.amount_due)
            left = one.applied(part, one.issued_at) if part else one
            asked.append(left.asked_for(self.today))
            rest -= part
        return money.total(asked, currency), before - rest


def _may_end(payment: Payment | None) -> bool:
    """Whether an open payment waits for its buyer alone: it is gone on with, or called off for another."""
    if payment is None:
        return False
    at_page = payment.request is not None and payment.request.page is not None
    return payment.status not in BUSY or (at_page and payment.status is not PaymentStatus.PROCESSING)


def paying(case: Case) -> tuple[Act, ...]:
    """To confirm what waits for it, and to pay what is free."""
    acts = []
    if case.waiting is not None:
        acts.append(_confirm(case.waiting, case.reader))
    if case.free and case.subscription.collects.online:
        acts.append(_pay(case, another=bool(acts)))
    return tuple(acts)


def _confirm(waiting: Payment, reader: Reader) -> Act:
    amount = reader.money(waiting.amount)
    return Act(
        name="confirm",
        label=reader.word("page.act.confirm", amount=amount),
        of=(waiting.id,),
        amount=amount,
        told=reader.word("page.act.confirm_told"),
    )


def _pay(case: Case, *, another: bool) -> Act:
    reader, (asked, _) = case.reader, case.asked
    amount = reader.money(asked)
    way = "page.act.pay_otherwise" if another else "page.act.pay"
    return Act(
        name="pay",
        label=reader.word(way, amount=amount) if asked else reader.word("page.act.pay_balance"),
        of=tuple(invoice.id for invoice in case.free),
        amount=amount,
        told=reader.sentences(*_told(case)),
        keeps=_keeps(case) if asked else None,
        kept_for=reader.word("page.act.keep"),
    )


def _told(case: Case) -> Iterator[str]:
    """What paying means: where, how much of it, from what, and what is kept."""
    reader, (asked, from_balance) = case.reader, case.asked
    if asked:
        yield reader.word("page.act.at_stripe", ways=ways(case))
    if parts := [one for one in case.free if one.instalments]:
        whole = all(one.due_now(case.today) in (Money.zero(one.currency), one.amount_due) for one in parts)
        yield reader.word("page.act.all_left" if whole else "page.act.due_now")
    if from_balance:
        yield reader.word("page.act.from_balance", amount=reader.money(from_balance))
    if _awaits_method(case):
        yield reader.word("page.act.kept")


def _keeps(case: Case) -> bool | None:
    """Whether to keep the method is ticked at first: where the one at hand does not do. None where it is not asked."""
    subscription = case.subscription
    sent = subscription.collects.way is CollectionMethod.SEND_INVOICE
    if sent or _awaits_method(case) or subscription.status in ENDED:
        return None
    method = subscription.method
    return method is None or method.refused or bool(subscription.arrears)


def _awaits_method(case: Case) -> bool:
    """Whether the method of the first invoice is kept without being asked."""
    first = case.subscription.collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE
    return first and case.subscription.method is None


def changing(case: Case) -> Act | None:
    """To leave another method, where one is charged."""
    subscription = case.subscription
    sent = subscription.collects.way is CollectionMethod.SEND_INVOICE or subscription.record_only
    ended = subscription.status in ENDED and not subscription.arrears
    if sent or ended or _awaits_method(case):
        return None
    reader, (asked, _) = case.reader, case.asked
    amount = reader.money(asked)
    kept = subscription.method
    return Act(
        name="method",
        label=reader.word("page.act.change" if kept else "page.act.add"),
        of=(subscription.id,),
        amount=amount,
        told=reader.word("page.act.change_told", amount=amount) if asked else "",
        quiet=kept is not None and not kept.refused and not case.total,
    )


def ways(case: Case) -> str:
    """What Stripe's page takes, in words: card or SEPA direct debit."""
    types = case.subscription.collects.types or case.account.method_types or (MethodType.CARD,)
    those = taking(types, case.subscription.currency)
    return case.reader.listed([case.reader.word(f"page.way.{type_}") for type_ in those], "or")


def next_step(case: Case, invoice: Invoice) -> str:
    """What happens to an invoice that is owed by itself, or has to be done."""
    reader = case.reader
    if invoice.payment is not None:
        return dues.standing(case.open_payment(invoice), reader)
    if invoice.due_on is not None:
        return due(case, invoice)
    again_at = dues.asked_again_at(case.subscription, (invoice,))
    if again_at is None or case.subscription.method is None:
        return reader.word("page.next.never")
    return reader.word(
        "page.next.again",
        day=reader.day_of(again_at, case.account.zone),
        method=formats.name(case.subscription.method.label),
    )


def due(case: Case, invoice: Invoice) -> str:
    """When a sent invoice is to be paid."""
    if invoice.due_on is None:
        return ""
    if invoice.due_on == case.today:
        return case.reader.word("page.due.today")
    return due_on(case, invoice.due_on)


def due_on(case: Case, day: date) -> str:
    """That something is to be paid by a day, or was."""
    return case.reader.word("page.due.was" if day < case.today else "page.due.on", day=case.reader.day(day))


def last_try(case: Case, invoice: Invoice) -> str:
    """Why the last payment of an invoice did not go through; empty where that is not known, or none was tried."""
    last = next((case.payments.get(name) for name in invoice.payments_so_far(1)), None)
    if last is None or last.status is not PaymentStatus.DECLINED:
        return ""
    return case.reader.word(
        "page.next.tried",
        day=case.reader.day_of(last.settled_at or last.created_at, case.account.zone),
        method=formats.name(last.method_label),
        reason=dues.reason(last, case.reader),
    )
