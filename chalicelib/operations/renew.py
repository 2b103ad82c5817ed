"""Bill the next cycle of subscriptions whose date has come, or remind of it.

Records only, no I/O besides; automatic taxes are asked for before they are needed.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from chalicelib.billing import billing_runs, forecast, gaps, issuing, ledger, proration
from chalicelib.billing.billing_runs import BillingRun
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.numbering import Series
from chalicelib.billing.periods import Period
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.operations import numbering, publish, tax
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

SERIES = "invoice"


def subscriptions(service: Service, account: str, names: list[str]) -> Reading:
    """Take each awake subscription one step on: one cycle billed, one reminder recorded, or its end.

    With automatic tax nothing is decided before its taxes are known: they are asked for together, after the others
    have been committed. Where they could not be it stays awake, and nothing is counted against it.
    """
    answers = tax.Answers()
    known = _stepped(service, account, names, answers)
    if answers.open:
        answered = [keys.key(Subscription, account, name) for name in answers.ask(service)]
        known.add(_stepped(service, account, answered, answers))
    return known


def _stepped(service: Service, account: str, names: list[str], answers: tax.Answers) -> Reading:
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        subscription = changes.at(name)
        at = Moment(changes.get(Account, account), real)
        if isinstance(subscription, Subscription) and at.awake(subscription.wake):
            with suppress(tax.Unanswered):
                step(changes, subscription, at, answers.of)

    series = keys.key(Series, account, SERIES)

    def beyond(found: Reading) -> Iterator[str]:
        yield from contacts(found)
        if isinstance(business := found.records.get(keys.key(Account, account, account)), Account):
            yield keys.key(BillingRun, account, billing_runs.name_of(Moment(business, real).day))

    return work(service, account, names, decide, items_each=3, beside=lambda _: (series,), beyond=beyond)


def contacts(reading: Reading) -> Iterator[str]:
    """The keys of the people and companies of the subscriptions that have been read.

    A contact's balance is what an invoice is first paid from, and who is billed is kept with it.
    """
    for record in reading.records.values():
        if isinstance(record, Subscription):
            yield from buyers(record)


def buyers(subscription: Subscription) -> Iterator[str]:
    """The keys of who is billed for a subscription: its contact, and the company in whose name it is, if any."""
    yield keys.key(Contact, subscription.account, subscription.contact)
    if subscription.company:
        yield keys.key(Company, subscription.account, subscription.company)


def step(
    changes: Changeset, subscription: Subscription, at: Moment, asked: tax.Asked = tax.unanswered
) -> None:
    """One step of an awake subscription, folded into the changeset; `asked` answers for automatic taxes.

    Raises what `asked` raises, with nothing folded.
    """
    ends_at = subscription.ends_at
    if subscription.ended_at is not None:
        _charge_given_up(changes, subscription, subscription.day(subscription.ended_at), at, asked)
    elif ends_at is not None and subscription.ends_first and at.now >= ends_at:
        put_off = subscription.paused_on if subscription.shifts else None
        extras = proration.cut(subscription.extras, put_off or subscription.day(ends_at), None)
        unpaid = subscription.status is Status.UNPAID
        rest = charge_rest(changes, subscription, extras, at, asked, unpaid=unpaid)
        changes.put(rest.canceled(at.now))
        # The letter went when the day was set: what was announced is not told again.
        about = _about(subscription)
        publish.fact(changes, EventType.SUBSCRIPTION_CANCELED, subscription, about, at, told=False)
    elif subscription.paused_on is not None:
        on = subscription.resume_on or subscription.day(at.now)
        changes.put(
            gaps.resumed(subscription, on, shifts=subscription.shifts, prorates=subscription.prorates)
        )
        publish.fact(changes, EventType.SUBSCRIPTION_RESUMED, subscription, _about(subscription), at)
    elif at.now < subscription.next_at:
        _remind(changes, subscription, at)
    elif subscription.at_its_end:
        rest = charge_rest(changes, subscription, subscription.extras, at, asked)
        changes.put(rest.expired(at.now))
        publish.fact(changes, EventType.SUBSCRIPTION_EXPIRED, subscription, _about(subscription), at)
    else:
        _bill(changes, subscription, at, asked)


def _charge_given_up(
    changes: Changeset, subscription: Subscription, ended_on: date, at: Moment, asked: tax.Asked
) -> None:
    """The end of its retries ended it: what waited is invoiced up to that day and with it, as where a person cancels."""
    put_off = subscription.paused_on if subscription.shifts else None
    extras = proration.cut(subscription.extras, put_off or ended_on + timedelta(days=1), None)
    charge_rest(changes, subscription, extras, at, asked)


def _remind(changes: Changeset, subscription: Subscription, at: Moment) -> None:
    changes.put(subscription.reminded_of_next())
    if subscription.chargeable and not subscription.sends:
        about = _about(subscription) | {"cycle": str(subscription.cycle)}
        publish.fact(changes, EventType.INVOICE_UPCOMING, subscription, about, at)


def _bill(changes: Changeset, before: Subscription, at: Moment, asked: tax.Asked) -> None:
    """Issue the cycle's invoice under the next number: both are written in one transaction, so none is lost."""
    subscription = before.taking_effect()
    buyer = changes.get(Contact, subscription.contact)
    series = numbers(changes, at)
    invoice = issuing.invoice_of(
        subscription,
        series.number,
        at.now,
        balance=buyer.balance(subscription.currency).amount,
        exemption=buyer.tax_exempt,
        levy=tax.levying(asked, subscription, buyer),
    )
    opened(changes, invoice, buyer, series, at)
    _count(changes, invoice, at)
    after = forecast.foretelling(subscription, subscription.renewed(), invoice, buyer.tax_exempt)
    free = not invoice.amount_due and subscription.unasked == subscription.ordinal
    changes.put(replace(after, unasked=after.unasked + 1) if free else after)


def charge_rest(
    changes: Changeset,
    subscription: Subscription,
    extras: tuple[Line, ...],
    at: Moment,
    asked: tax.Asked,
    *,
    unpaid: bool = False,
) -> Subscription:
    """Invoice the prorated charges that no invoice is to come for any more; other extras were for a next period.

    It is the subscription's last, and is asked for as any other: of one that was unpaid, not at all. Returns the subscription as it is after that, and folds it too.
    """
    after = replace(subscription, extras=())
    due = tuple(line for line in extras if line.kind is Kind.PRORATION)
    days = [line.share for line in due if line.share]
    if days:
        buyer, series = changes.get(Contact, subscription.contact), numbers(changes, at)
        invoice = issuing.issued(
            subscription,
            due,
            Period(min(share.start_on for share in days), max(share.end_on for share in days)),
            series.number,
            at.now,
            balance=buyer.balance(subscription.currency).amount,
            exemption=buyer.tax_exempt,
            levy=tax.levying(asked, subscription, buyer),
            besides=True,
            last=not unpaid,
        )
        opened(changes, invoice, buyer, series, at)
        after = after.charged_besides()
    changes.put(after)
    return after


def _count(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """Add the invoice to the run of the account's local day, in the transaction that issues it: it counts once."""
    run = changes.find(BillingRun, billing_runs.name_of(at.day))
    changes.put(run.counting(invoice) if run else billing_runs.begun(at.day, invoice))


def numbers(changes: Changeset, at: Moment) -> Series:
    """The account's numbers of invoices as they stand."""
    return numbering.standing(changes, SERIES, at.account.invoice_prefix, at)


def opened(changes: Changeset, invoice: Invoice, buyer: Contact, series: Series, at: Moment) -> None:
    """Fold a new invoice into the changeset, with its number, what it takes from its customer's balance, and its fact.

    It keeps which revisions of its parties it was issued with; the changeset holds its company.
    """
    if changes.find(Invoice, invoice.id) is not None:
        raise AssertionError(f"{invoice.id} exists, but its subscription has not moved on")
    invoice = _between(changes, invoice, buyer, at)
    changes.put(series.advanced(), invoice)
    if invoice.amount_applied is not None:
        changes.put(buyer.credited(-invoice.amount_applied))
    about = {"contact": invoice.contact, "subscription": invoice.subscription, "invoice": invoice.id}
    mailed = invoice.due_on is not None and at.account.email_invoices
    if invoice.papers and invoice.papers.emailed is not None:
        mailed = invoice.papers.emailed
    entry = ledger.invoiced(invoice)
    publish.fact(changes, EventType.INVOICE_OPENED, invoice, about, at, entry=entry, told=mailed)


def _between(changes: Changeset, invoice: Invoice, buyer: Contact, at: Moment) -> Invoice:
    issuer = at.account.issuer
    if not (issuer or buyer.revision or invoice.company):
        return invoice
    company = changes.get(Company, invoice.company).revision if invoice.company else 0
    return replace(invoice, issuer=issuer, buyer=buyer.revision, company_revision=company)


def _about(subscription: Subscription) -> dict[str, str]:
    return {"contact": subscription.contact, "subscription": subscription.id}
