"""What letters tell of: read for many of them together, and put into the case each is written from."""

from collections.abc import Iterator

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.events import CREDIT_NOTES
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm import formers, suppressions, wordings
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.formers import Former
from chalicelib.crm.parties import LANGUAGES, Parties
from chalicelib.crm.profiles import Profile
from chalicelib.crm.suppressions import Suppression
from chalicelib.crm.users import User
from chalicelib.crm.wordings import Wording
from chalicelib.operations import documents, parties
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.views import links
from chalicelib.views.letter_cases import Case
from chalicelib.views.reading import Reader

KINDS = {
    "contact": Contact,
    "invoice": Invoice,
    "payment": Payment,
    "subscription": Subscription,
    "payment_method": PaymentMethod,
    "dispute": Dispute,
}
# Of what is still owed when a subscription ends; more would be no letter.
MOST_OWED = 12
INVOICED = frozenset({Letter.INVOICE, Letter.OVERDUE, Letter.CREDIT_NOTE})
WITH_DOCUMENT = frozenset({Letter.INVOICE, Letter.CREDIT_NOTE})
TELLS_OF_ONE = INVOICED | {Letter.CHANGED}
ON_METHOD = frozenset({Letter.UPCOMING_PAYMENT, Letter.PAYMENT_METHOD, Letter.CARD_EXPIRING})
PAID = frozenset({Letter.RECEIPT, Letter.FIRST_PAYMENT, Letter.ACTION_REQUIRED})


def read(service: Service, account: str, names: list[str]) -> Reading:
    """Deliveries (keys), and in two more requests all they tell of: as many for a hundred letters as for one."""
    whole = [keys.key(Account, account, account), keys.key(Profile, account, account)]
    found = service.store.load(account, [*names, *whole])
    sent = [one for name in names if isinstance(one := found.records.get(name), Delivery)]
    business = found.records.get(whole[0])
    own = _wordings(business, sent) if isinstance(business, Account) else ()
    found.add(service.store.load(account, [*own, *(key for one in sent for key in _named(one))]))
    further = [key for one in sent for key in _beyond(found, one)]
    further += _documents(found, sent, business) if isinstance(business, Account) else []
    found.add(service.store.load(account, [key for key in further if key not in found.records]))
    return found


def _documents(found: Reading, sent: list[Delivery], business: Account) -> list[str]:
    """What is printed besides, on the documents that go with letters: most of it is what it is now."""
    if not business.attach_pdf:
        return []
    with_document = {
        keys.key(Invoice, business.id, one.about.get("invoice", ""))
        for one in sent
        if one.letter in WITH_DOCUMENT
    }
    invoices = (found.records.get(key) for key in with_document)
    parties_ = [one for one in found.records.values() if isinstance(one, Profile | Contact)]
    # Of what a party still is there is nothing kept.
    now = {keys.key(Former, business.id, formers.name_of(one.id, one.revision)) for one in parties_}
    printed = (key for one in invoices if isinstance(one, Invoice) for key in documents.wanted(one))
    return [key for key in printed if key not in now]


def wanted(found: Reading, delivery: Delivery) -> list[str]:
    """The keys of all that a letter is written from, once it has been read: what is read again where somebody was faster."""
    account = delivery.account
    business = found.records.get(keys.key(Account, account, account))
    own = _wordings(business, [delivery]) if isinstance(business, Account) else ()
    named = [keys.key(Profile, account, account), *own, *_named(delivery), *_beyond(found, delivery)]
    return list(dict.fromkeys(named))


def told_of(found: Reading) -> list[str]:
    """The same of all deliveries that were read, as their records are by now: a payment's other invoices, another address."""
    return [
        key for one in list(found.records.values()) if isinstance(one, Delivery) for key in wanted(found, one)
    ]


def _named(delivery: Delivery) -> Iterator[str]:
    for kind, id_ in delivery.about.items():
        if kind in KINDS and id_:
            yield keys.key(KINDS[kind], delivery.account, id_)
    yield from (keys.key(CreditNote, delivery.account, one) for one in _notes(delivery))
    if delivery.user:
        yield keys.key(User, delivery.account, delivery.user)


def _notes(delivery: Delivery) -> list[str]:
    """The credit notes of what it tells, or the one it is about."""
    of_one = delivery.letter is Letter.CREDIT_NOTE
    said = delivery.about.get("credit_note" if of_one else CREDIT_NOTES)
    return said.split(", ") if said else []


def _wordings(business: Account, sent: list[Delivery]) -> Iterator[str]:
    """Those of the letters' own words that there are, in every language: who reads which is not known yet."""
    letters = {one.letter for one in sent}
    for letter in letters if business.wordings else ():
        names = (wordings.name_of(letter, language) for language in LANGUAGES)
        yield from (keys.key(Wording, business.id, name) for name in names if name in business.wordings)


def _beyond(found: Reading, delivery: Delivery) -> Iterator[str]:
    """What only the named records can name: other invoices, the company, and whether the address may be written to."""
    account = delivery.account
    for key in _named(delivery):
        match found.records.get(key):
            case Payment() as payment:
                yield from (keys.key(Invoice, account, part.invoice) for part in payment.allocations)
            case Subscription() as sold:
                yield from parties.wanted(sold)
                if delivery.letter is Letter.CANCELED:
                    yield from (keys.key(Invoice, account, one) for one in sold.arrears[:MOST_OWED])
            case Contact() as contact:
                yield from parties.wanted(contact)
                if not delivery.user:
                    yield keys.key(Suppression, account, suppressions.name_of(contact.email))
            case User() as user:
                yield keys.key(Suppression, account, suppressions.name_of(user.email))
            case _:
                pass


def address(found: Changeset, delivery: Delivery) -> str:
    """Who is written to. Raises NotFound."""
    if delivery.user:
        return found.get(User, delivery.user).email
    return found.get(Contact, delivery.contact).email


def stopped(found: Changeset, delivery: Delivery, to: str) -> str | None:
    """Why nobody is written to, in words for the business; None where somebody may be. Raises NotFound."""
    if delivery.letter in found.get(Account, delivery.account).letters_off:
        return "The account has switched this letter off."
    user = found.get(User, delivery.user) if delivery.user else None
    if user is not None and user.deleted_at is not None:
        return "Who was to read it is deleted."
    if user is not None and delivery.letter not in user.letters:
        return "Who was to read it does not want this letter."
    known = found.find(Suppression, suppressions.name_of(to))
    if known is None or not known.stops:
        return None
    return f"Nothing is sent to {to}: {known.reason} of {known.since:%Y-%m-%d}."


def case(service: Service, found: Changeset, delivery: Delivery, at: Moment, *, logo: str = "") -> Case:
    """What a letter is written from, as the records are now. Raises NotFound."""
    about = delivery.about
    sold = found.get(Subscription, about["subscription"]) if about.get("subscription") else None
    payment = found.get(Payment, about["payment"]) if about.get("payment") else None
    dispute, method = about.get("dispute"), about.get("payment_method")
    who = _parties(found, delivery, sold)
    user = found.get(User, delivery.user) if delivery.user else None
    reader = _reader(who, user)
    own = wordings.name_of(delivery.letter, reader.language)
    return Case(
        reader=reader,
        parties=who,
        letter=delivery.letter,
        today=at.day,
        now=at.now,
        subscription=sold,
        invoices=_invoices(found, delivery, payment, sold),
        payment=payment,
        method=found.find(PaymentMethod, method) if method else None,
        dispute=found.get(Dispute, dispute) if dispute else None,
        notes=tuple(found.get(CreditNote, one) for one in _notes(delivery)),
        user=user,
        link=_link(service, found, delivery, sold, payment),
        own=found.find(Wording, own) if own in at.account.wordings else None,
        logo=logo if who.profile.logo else "",
        more={name: said for name, said in about.items() if name not in KINDS and name != CREDIT_NOTES},
    )


def _parties(found: Changeset, delivery: Delivery, sold: Subscription | None) -> Parties:
    business = found.get(Account, delivery.account)
    if delivery.contact:
        contact = found.get(Contact, delivery.contact)
        return parties.assembled(found.before, business, contact, sold)
    # Of an endpoint nobody is the buyer: the business writes to itself.
    itself = Contact(
        account=business.id, id="", name=business.name, email=business.email, created_at=business.created_at
    )
    return parties.assembled(found.before, business, itself)


def _reader(who: Parties, user: User | None) -> Reader:
    if user is None:
        return Reader(language=who.language, locale=who.locale)
    said = (user.language or who.profile.language or "en").split("-")[0].lower()
    language = said if said in LANGUAGES else "en"
    default = "en-US" if language == "en" else language
    return Reader(language=language, locale=user.locale or who.profile.locale or default)


def _invoices(
    found: Changeset, delivery: Delivery, payment: Payment | None, sold: Subscription | None
) -> tuple[Invoice, ...]:
    if payment is not None:
        names = [part.invoice for part in payment.allocations]
    elif delivery.letter is Letter.CANCELED and sold is not None:
        names = list(sold.arrears[:MOST_OWED])
    else:
        about = delivery.about.get("invoice") if delivery.letter in TELLS_OF_ONE else None
        names = [about] if about else []
    return tuple(found.get(Invoice, name) for name in names)


def _link(
    service: Service,
    found: Changeset,
    delivery: Delivery,
    sold: Subscription | None,
    payment: Payment | None,
) -> str:
    """Where the letter's button leads; none where there is no page for its reader."""
    if delivery.user:
        return ""
    settings, real, letter = service.settings, service.real(), delivery.letter
    if letter in INVOICED:
        return links.invoice(settings, found.get(Invoice, delivery.about["invoice"]), real)
    if payment is not None and (letter in PAID or payment.status is PaymentStatus.ACTION_REQUIRED):
        return links.payment(settings, payment, real)
    if sold is None:
        return ""
    return links.method(settings, sold, real) if letter in ON_METHOD else links.pay(settings, sold, real)
