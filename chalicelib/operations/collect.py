"""Ask the gateway for what invoices owe: reserve, charge side by side, write down the answers."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from itertools import accumulate

from chalicelib.billing import ceilings, dunning, periods
from chalicelib.billing.ceilings import Ceiling
from chalicelib.billing.collection import Method
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import Request
from chalicelib.billing.invoices import CARD, Invoice, InvoiceStatus
from chalicelib.billing.issuing import overdue_at
from chalicelib.billing.money import Money, most_at_stripe
from chalicelib.billing.payments import LEASE, Allocation, Origin, Payment
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import ask, decline, outcomes, publish, settle
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

# One payment's invoices and all that follows from its answer fit one transaction.
MOST_AT_ONCE = 40


def invoices(service: Service, account: str, names: list[str]) -> Reading:
    """Collect each awake invoice: one payment each, or the end of its retries."""
    real = service.real()
    if service.breaker.tripped(real):
        return Reading()
    reserved: list[str] = []

    def decide(changes: Changeset, name: str) -> None:
        invoice = changes.at(name)
        at = Moment(changes.get(Account, account), real)
        if not isinstance(invoice, Invoice) or not at.awake(invoice.wake):
            return
        payment = decided(changes, invoice, at)
        if payment is not None:
            reserved.append(keys.key_of(payment))

    known = work(service, account, names, decide, items_each=3, beside=beside_invoice, beyond=beside_retries)
    charge(service, account, list(dict.fromkeys(reserved)), known)
    return known


def decided(changes: Changeset, invoice: Invoice, at: Moment) -> Payment | None:
    """The payment an awake invoice asks for, or None where it is only written down that none is made."""
    subscription = changes.get(Subscription, invoice.subscription)
    if subscription.status is Status.CANCELED and not invoice.last and invoice.due_on is None:
        _rests(changes, invoice, subscription, at)
        return None
    if _asked_before(invoice):
        invoice = settle.from_balance(changes, invoice, at)
    if invoice.status is InvoiceStatus.PAID:
        return None
    if invoice.due_on is not None:
        _overdue(changes, invoice, subscription, at)
        return None
    if not invoice.due_now(subscription.day(at.now)):
        changes.put(_until_its_next_part(invoice, subscription, at))
        return None
    return _asked(changes, invoice, subscription, at)


def _rests(changes: Changeset, invoice: Invoice, subscription: Subscription, at: Moment) -> None:
    """Of a canceled subscription nothing is asked for: what is due is among what it owes, the next part waits for its day."""
    after = _until_its_next_part(invoice, subscription, at)
    if invoice.lacking(subscription.day(at.now)):
        settle.owed_again(changes, after, at)
    else:
        changes.put(after)


def _until_its_next_part(invoice: Invoice, subscription: Subscription, at: Moment) -> Invoice:
    """It waits for the day on which a part of it falls due, where one is to come."""
    on = invoice.next_due_on(subscription.day(at.now))
    return invoice.waiting(periods.moment(on, subscription.hour, subscription.zone) if on else None)


def _asked(changes: Changeset, invoice: Invoice, subscription: Subscription, at: Moment) -> Payment | None:
    """The payment on the subscription's method, or what becomes of the invoice where that may not be asked."""
    method, retries = subscription.method, at.account.retries
    type_ = method.type if method else CARD
    if method is None or not subscription.asks(last=invoice.last):
        _not_asked(changes, invoice, subscription, at)
        return None
    if ceiling(changes, invoice, method, at):
        # Only a policy changed in the middle comes to this: the next day of the schedule may do.
        settle.failed(changes, invoice.declined(retries, at.now, hard=False, type_=type_), at)
        return None
    payment = payment_for(subscription, method, (invoice,), Origin.SCHEDULE, at)
    changes.begin(payment, invoice.reserved(payment.id))
    changes.check(subscription)
    return payment


def _not_asked(changes: Changeset, invoice: Invoice, subscription: Subscription, at: Moment) -> None:
    """It waits for the last day of its retries, or is given up on it; of an unpaid subscription it is left open."""
    retries, type_ = at.account.retries, subscription.method.type if subscription.method else CARD
    if subscription.status is Status.UNPAID:
        settle.failed(changes, invoice.left_open(), at)
    elif invoice.failed_at is not None and at.now >= dunning.gives_up_at(retries, invoice.failed_at, type_):
        settle.given_up(changes, invoice, at)
    else:
        settle.failed(changes, invoice.declined(retries, at.now, hard=True, type_=type_), at)


def _overdue(changes: Changeset, invoice: Invoice, subscription: Subscription, at: Moment) -> None:
    """A sent invoice that was not paid by its day makes its subscription past due; it is never charged by itself."""
    today = subscription.day(at.now)
    lacking = invoice.lacking(today)
    on = None if lacking else invoice.due_on
    if invoice.instalments:
        on = invoice.next_due_on(today - timedelta(days=1))
    moments = [overdue_at(subscription, on)] if on else []
    if lacking:
        moments += _notices(invoice, subscription, today, at.account.overdue_days)
    after = invoice.waiting(min(moments, default=None))
    if not lacking or invoice.id in subscription.arrears:
        changes.put(after)
        if lacking and _noticed(invoice, subscription, at.account.overdue_days):
            publish.fact(changes, EventType.INVOICE_STILL_OVERDUE, invoice, _about(invoice), at)
        return
    told = 1 in at.account.overdue_days
    publish.fact(changes, EventType.INVOICE_OVERDUE, invoice, _about(invoice), at, told=told)
    settle.failed(changes, after, at)


def _notices(
    invoice: Invoice, subscription: Subscription, today: date, days: tuple[int, ...]
) -> list[datetime]:
    """When its buyer is told again that it is overdue: the next of the days after it was due."""
    since_on = invoice.late_since(today)
    ahead = (since_on + timedelta(days=day) for day in days if day > 1) if since_on else ()
    return [periods.moment(on, subscription.hour, subscription.zone) for on in ahead if on > today][:1]


def _noticed(invoice: Invoice, subscription: Subscription, days: tuple[int, ...]) -> bool:
    """Whether it was awake for a notice: at the billing hour of one of those days, whenever a worker came to it."""
    if invoice.attempt_at is None:
        return False
    on = subscription.day(invoice.attempt_at)
    since_on = invoice.late_since(on)
    at_its_hour = periods.moment(on, subscription.hour, subscription.zone) == invoice.attempt_at
    return (
        at_its_hour
        and since_on is not None
        and (on - since_on).days in days
        and on - since_on > timedelta(days=1)
    )


def _about(invoice: Invoice) -> dict[str, str]:
    return {"contact": invoice.contact, "subscription": invoice.subscription, "invoice": invoice.id}


def beside_retries(reading: Reading) -> Iterator[str]:
    """The keys of the people whose balance a repeated attempt takes first, and of what the networks' ceilings count."""
    for record in reading.records.values():
        if isinstance(record, Invoice) and _asked_before(record):
            yield keys.key(Contact, record.account, record.contact)
            sold = reading.records.get(keys.key(Subscription, record.account, record.subscription))
            method = sold.method if isinstance(sold, Subscription) else None
            debit = method is not None and method.type in dunning.DEBIT_TYPES
            yield from counted(record, ceilings.fewest(debit=debit))


def counted(invoice: Invoice, fewest: int = ceilings.FEWEST) -> list[str]:
    """The keys of the payments by which an invoice is held against the ceilings; none while none can be reached."""
    if invoice.attempts < fewest:
        return []
    return [
        keys.key(Payment, invoice.account, name) for name in invoice.payments_so_far(ceilings.MOST_COUNTED)
    ]


def ceiling(changes: Changeset, invoice: Invoice, method: Method, at: Moment) -> Ceiling | None:
    """The ceiling that one more attempt of an invoice on a method would break, by the payments that were read."""
    if invoice.attempts < ceilings.FEWEST:
        return None
    tried = decline.since_paid(changes, invoice)
    asked = [one.created_at for one in tried if one.was_of(method)]
    return ceilings.reached(asked, at.now, debit=method.type in dunning.DEBIT_TYPES)


def _asked_before(invoice: Invoice) -> bool:
    later = invoice.due_on is not None or bool(invoice.instalments)
    return later or invoice.attempts > 0 or invoice.failed_at is not None


def arrears(changes: Changeset, subscription: Subscription, at: Moment) -> Payment | None:
    """Fold one payment for all that a subscription owes into the changeset, which holds the owed invoices and the contact.

    What another payment still holds is asked for when that has ended; what is too much for one transaction or one charge,
    and what the networks' ceilings forbid where its payments were read, is left to `ask_for_the_rest`. What was sent is
    asked for with it, and then as any other. None where nothing is free to be asked for.
    """
    owed = [changes.get(Invoice, name) for name in subscription.arrears]
    free = [invoice for invoice in owed if invoice.payment is None and invoice.status is InvoiceStatus.OPEN]
    if method := subscription.method:
        free = [invoice for invoice in free if not ceiling(changes, invoice, method, at)]
    after = [settle.from_balance(changes, invoice, at) for invoice in free[:MOST_AT_ONCE]]
    owing = [one for one in after if one.status is InvoiceStatus.OPEN]
    asked = [one if one.due_on is None else one.asked_at(at.now) for one in owing]
    sums = accumulate(one.asked_for(subscription.day(at.now)).amount for one in asked)
    together = tuple(asked[: sum(so_far <= most_at_stripe(subscription.currency) for so_far in sums)])
    if not together or subscription.method is None:
        return None
    payment = payment_for(subscription, subscription.method, together, Origin.ARREARS, at)
    changes.begin(payment, *(invoice.reserved(payment.id) for invoice in together))
    return payment


def ask_for_the_rest(service: Service, account: str, names: list[str]) -> None:
    """Have the schedule ask at once for owed invoices (keys); what was sent, once it is overdue.

    For what a payment holds, it does so when that has come to nothing.
    """
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        invoice, at = changes.at(name), Moment(changes.get(Account, account), real)
        if isinstance(invoice, Invoice) and invoice.lacking(at.day):
            changes.put(invoice.asked_at(at.now))

    work(service, account, names, decide, items_each=1)


def payment_for(
    subscription: Subscription, method: Method, owed: tuple[Invoice, ...], origin: Origin, at: Moment
) -> Payment:
    """The payment of what is due now of one or more open invoices, its request frozen; named by the oldest of them."""
    first, today = owed[0], subscription.day(at.now)
    name = first.next_payment()
    parts = tuple(Allocation(invoice=invoice.id, amount=invoice.asked_for(today)) for invoice in owed)
    total = Money(sum(part.amount.amount for part in parts), first.currency)
    return Payment(
        account=subscription.account,
        id=name,
        subscription=subscription.id,
        contact=subscription.contact,
        amount=total,
        allocations=parts,
        request=Request(
            amount=total,
            customer=method.customer,
            method=method.id,
            description=", ".join(invoice.number for invoice in owed)[:500],
            metadata=_metadata(subscription, first, name),
        ),
        method_label=method.label,
        method_type="" if method.type == CARD else method.type,
        origin=origin,
        created_at=at.now,
        sent_at=at.real,
        leased_until=at.real + LEASE,
    )


def _metadata(subscription: Subscription, first: Invoice, payment: str) -> dict[str, str]:
    """What Stripe keeps beside a payment: from that alone the books could be found again."""
    return {
        "account": subscription.account,
        "subscription": subscription.id,
        "cycle": str(first.cycle),
        "invoice": first.id,
        "number": first.number,
        "payment": payment,
    }


def charge(service: Service, account: str, payments: list[str], known: Reading) -> None:
    """Send reserved payments side by side and write the answers down.

    When the gateway turns out not to be there nothing more is sent; what was not sent stays reserved, and
    reconciliation sends it with the same request under the same key.
    """
    written = [known.records[name] for name in payments if name in known.written]
    pending = [payment for payment in written if isinstance(payment, Payment)]
    answers = ask.side_by_side(
        service,
        {
            payment.id: partial(service.gateway.charge, payment.id, payment.request)
            for payment in pending
            if payment.request is not None
        },
    )
    outcomes.answered(service, account, answers, known)


def beside_invoice(name: str) -> tuple[str, ...]:
    """The subscription an invoice's name begins with: inv_<subscription>_<cycle>."""
    account, _, invoice = name.split("/", 2)
    return (keys.key(Subscription, account, "sub_" + invoice.removeprefix("inv_").split("_")[0]),)
