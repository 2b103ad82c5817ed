"""Send letters: recorded first, then sent, at most once."""

import time

from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.crm.mail import Mail, MailRefused, MailSilent
from chalicelib.operations.ask import pool
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.views import letters, links, sent_letters
from chalicelib.views.letters import Words

# No letter is begun later than this after the first, so that none is cut off with the function.
LAST_BEGIN_SECONDS = 40
WORDED = {*Letter} - {
    *(Letter.SUBSCRIBED, Letter.CHANGED, Letter.CANCELED, Letter.METHOD_UPDATED, Letter.CARD_EXPIRING),
    *(letter for letter in Letter if letter.startswith("staff")),
}
KINDS = {"contact": Contact, "invoice": Invoice, "payment": Payment, "subscription": Subscription}


def deliveries(service: Service, account: str, names: list[str]) -> None:
    """Send each awake letter. A crash after this point leaves it `sending`: maybe sent, and never again by itself."""
    real = service.real()
    mails: dict[str, Mail] = {}
    reading = service.store.load(account, [*names, keys.key(Account, account, account)])
    reading.add(service.store.load(account, [key for name in names for key in _about(reading, name)]))
    paid = {key for name in names for key in _about(reading, name)} - set(reading.records)
    reading.add(service.store.load(account, paid))

    def decide(changes: Changeset, name: str) -> None:
        mails.pop(name, None)
        delivery = changes.at(name)
        business = changes.get(Account, account)
        if isinstance(delivery, Delivery) and Moment(business, real).awake(delivery.wake):
            if delivery.letter not in WORDED:
                changes.put(delivery.skipped("Its words are not written yet."))
                return
            mails[name] = _mail(service, business, delivery, changes)
            changes.put(delivery.sending())

    known = work(
        service,
        account,
        names,
        decide,
        items_each=1,
        beside=lambda n: _about(reading, n),
        reading=reading,
    )
    _send(service, account, {name: mail for name, mail in mails.items() if name in known.written}, known)


def _about(reading: Reading, name: str) -> tuple[str, ...]:
    """The keys of what a letter tells of: what its event names, and all invoices of a payment once that is read."""
    delivery = reading.records.get(name)
    if not isinstance(delivery, Delivery):
        return ()
    account = delivery.account
    named = [keys.key(KINDS[kind], account, id_) for kind, id_ in delivery.about.items() if kind in KINDS]
    payments = [found for key in named if isinstance(found := reading.records.get(key), Payment)]
    owed = [keys.key(Invoice, account, part.invoice) for paid in payments for part in paid.allocations]
    return tuple(dict.fromkeys([*named, *owed]))


def _mail(service: Service, account: Account, delivery: Delivery, records: Changeset) -> Mail:
    """The letter in words, from what the records say now."""
    contact = records.get(Contact, delivery.contact)
    subscription = records.get(Subscription, delivery.about["subscription"])
    if delivery.letter is Letter.UPCOMING_PAYMENT:
        link = links.method(service.settings, subscription, service.real())
        now = account.now(service.real())
        words = letters.upcoming_payment(account, contact, subscription, now, link=link)
    elif delivery.letter is Letter.PAYMENT_METHOD:
        link = links.method(service.settings, subscription, service.real())
        words = letters.payment_method(account, contact, subscription, link=link)
    elif delivery.letter in (Letter.INVOICE, Letter.OVERDUE):
        words = _sent(service, account, delivery, records)
    else:
        payment = records.get(Payment, delivery.about["payment"])
        owed = [records.get(Invoice, part.invoice) for part in payment.allocations]
        link = links.payment(service.settings, payment, service.real())
        if delivery.letter in (Letter.RECEIPT, Letter.FIRST_PAYMENT):
            words = letters.receipt(account, contact, subscription, owed, payment, link=link)
        else:
            if payment.status is not PaymentStatus.ACTION_REQUIRED:
                link = links.pay(service.settings, subscription, service.real())
            words = letters.payment_failed(account, contact, subscription, owed, payment, link=link)
    return Mail(
        id=delivery.id,
        account=account.id,
        letter=delivery.letter.value,
        to=contact.email,
        sender=service.settings.mail_from,
        called=account.name,
        reply_to=account.email,
        at=service.real(),
        **words,
    )


def _sent(service: Service, account: Account, delivery: Delivery, records: Changeset) -> Words:
    """A letter about an invoice that was sent."""
    contact = records.get(Contact, delivery.contact)
    invoice = records.get(Invoice, delivery.about["invoice"])
    subscription = records.get(Subscription, invoice.subscription)
    link = links.invoice(service.settings, invoice, service.real())
    if delivery.letter is Letter.INVOICE:
        return sent_letters.invoice(account, contact, subscription, invoice, link=link)
    today = Moment(account, service.real()).day
    return sent_letters.overdue(account, contact, subscription, invoice, today, link=link)


def _send(service: Service, account: str, mails: dict[str, Mail], known: Reading) -> None:
    """Send and write down; where the mail server did not answer, the letter stays `sending`."""

    began = time.monotonic()

    def one(mail: Mail) -> str | MailRefused | None:
        if time.monotonic() - began > LAST_BEGIN_SECONDS:
            return MailRefused("The mail server is slow: this letter goes with the next worker.")
        try:
            return service.mailer.send(mail)
        except MailRefused as error:
            return error
        except MailSilent:
            return None

    answers = dict(zip(mails, pool().map(one, mails.values()), strict=True))
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        delivery, answer = changes.at(name), answers[name]
        if not isinstance(delivery, Delivery) or answer is None:
            return
        if isinstance(answer, MailRefused):
            changes.put(delivery.refused(str(answer), real))
        else:
            changes.put(delivery.sent(mails[name].to, answer, real))

    work(service, account, list(mails), decide, items_each=1, reading=known)
