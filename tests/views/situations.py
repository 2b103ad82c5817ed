"""What letters are written from: a case of each, and cases that lead to every situation of it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from chalicelib.billing.addresses import Address
from chalicelib.billing.collection import Collection, CollectionMethod
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.disputes import DisputeStatus
from chalicelib.billing.money import Money
from chalicelib.billing.payments import PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Change
from chalicelib.crm.accounts import Account
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Bank, Profile
from chalicelib.crm.tax_ids import TaxId
from chalicelib.views import letter_samples
from chalicelib.views.catalogs import catalog
from chalicelib.views.dues import REASONS
from chalicelib.views.letter_cases import Case
from chalicelib.views.reading import Reader

LOCALES = {
    "en": "en-US", "de": "de-DE", "fr": "fr-FR", "da": "da-DK", "es": "es-ES", "ja": "ja-JP", "ar": "ar-AE",
}  # fmt: skip
PROFILE = Profile(
    account="acct_1",
    id="acct_1",
    created_at=letter_samples.NOW,
    legal_name="Harbour Coffee GmbH",
    address=Address(country="DE", line1="Hafenstr. 1", city="Hamburg", postal_code="20457"),
    registration="HRB 1234, Amtsgericht Hamburg",
    tax_ids=(TaxId(type="eu_vat", value="DE123456789"),),
    footer="Fairly traded.\nSince 2019.",
    color="#0a7d4f",
)


def all_situations():
    """Cases that lead to every situation of every letter."""
    yield from (case(letter) for letter in Letter)
    yield from unpaid()
    yield from sold_so()
    yield from sent_so()
    yield from told_otherwise()


def unpaid():
    """What did not go through, came back, or waits; owed, paid since, or never tried again."""
    failed = case(Letter.PAYMENT_FAILED)
    settled = tuple(one.settled(letter_samples.NOW) for one in failed.invoices)
    never = tuple(replace(one, attempt_at=None) for one in failed.invoices)
    for status in (PaymentStatus.DECLINED, PaymentStatus.RETURNED, PaymentStatus.ACTION_REQUIRED):
        payment = replace(failed.payment, status=status)
        for invoices in (failed.invoices, settled, never):
            for letter in (Letter.PAYMENT_FAILED, Letter.ACTION_REQUIRED, Letter.STAFF_PAYMENT_FAILED):
                yield replace(failed, letter=letter, payment=payment, invoices=invoices, user=None)
    for code in (*REASONS, "other"):
        for letter in (Letter.PAYMENT_FAILED, Letter.STAFF_PAYMENT_FAILED):
            yield replace(failed, letter=letter, payment=replace(failed.payment, decline_code=code))
    bare = replace(failed.payment, decline_code=None, reference=None)
    yield replace(failed, payment=bare)
    yield replace(failed, letter=Letter.STAFF_PAYMENT_FAILED, payment=bare)
    yield replace(failed, subscription=case(Letter.CANCELED).subscription, invoices=never)


def sold_so():
    """What is to come of a subscription that has a method, none, one that was refused, or is sent invoices."""
    canceled = case(Letter.CANCELED)
    upcoming = case(Letter.UPCOMING_PAYMENT)
    sold = upcoming.subscription
    by_invoice = case(Letter.INVOICE)
    yield replace(upcoming, subscription=replace(sold, method=None, automatic_tax=True))
    refused = replace(sold, method=replace(sold.method, refused=True))
    yield replace(upcoming, subscription=refused)
    yield replace(upcoming, subscription=by_invoice.subscription)
    rich = upcoming.parties.contact.credited(Money(10**9, "eur"))
    yield replace(upcoming, parties=replace(upcoming.parties, contact=replace(rich, name="")))
    for letter in (Letter.SUBSCRIBED, Letter.PAYMENT_METHOD, Letter.METHOD_UPDATED):
        yield replace(upcoming, letter=letter, subscription=by_invoice.subscription)
        yield replace(upcoming, letter=letter, subscription=replace(sold, method=None))
        yield replace(upcoming, letter=letter, subscription=canceled.subscription)
        yield replace(upcoming, letter=letter, subscription=replace(sold, paused_on=date(2026, 2, 4)))
        yield replace(upcoming, letter=letter, subscription=refused)


def sent_so():
    """Invoices that are sent: paid online or not, kept for later, charged after all, paid."""
    by_invoice = case(Letter.INVOICE)
    invoice = by_invoice.invoices[0]
    first = Collection(way=CollectionMethod.CHARGE_AFTER_FIRST_INVOICE, days_until_due=14)
    yield replace(by_invoice, subscription=replace(by_invoice.subscription, collection=first))
    offline = Collection(way=CollectionMethod.SEND_INVOICE, days_until_due=14, online=False)
    yield replace(by_invoice, subscription=replace(by_invoice.subscription, collection=offline))
    yield by_transfer(Letter.INVOICE)
    yield by_transfer(Letter.OVERDUE)
    yield charged()
    yield replace(charged(), subscription=replace(by_invoice.subscription, method=None))
    yield replace(by_invoice, invoices=(invoice.settled(letter_samples.NOW),))
    yield replace(case(Letter.OVERDUE), invoices=(invoice.settled(letter_samples.NOW),))
    credited = case(Letter.CREDIT_NOTE)
    [note] = credited.notes
    owed = replace(note, to_invoice=note.total, to_balance=note.total - note.total)
    yield replace(credited, notes=(owed,))


def told_otherwise():
    """Changes, ends, disputes, and a payment of several invoices."""
    canceled, sold = case(Letter.CANCELED), case(Letter.UPCOMING_PAYMENT).subscription
    invoice = case(Letter.INVOICE).invoices[0]
    more = Change(lines=(replace(sold.lines[0], quantity=Decimal(5)),))
    yield replace(case(Letter.CHANGED), subscription=sold.changing(more), more={})
    yield replace(canceled, invoices=(), subscription=replace(sold, cancel_at_period_end=True))
    ended = replace(canceled.subscription, status=Status.EXPIRED)
    yield replace(canceled, subscription=ended)
    dispute = case(Letter.STAFF_DISPUTE)
    for status in DisputeStatus:
        yield replace(dispute, dispute=replace(dispute.dispute, status=status))
    for reason in catalog("en"):
        if reason.startswith("letter.dispute_reason."):
            yield replace(dispute, dispute=replace(dispute.dispute, reason=reason.rpartition(".")[2]))
    yield replace(dispute, dispute=replace(dispute.dispute, reason="of_tomorrow", evidence_due_at=None))
    both = case(Letter.RECEIPT)
    other = replace(both.invoices[0], id="inv_2", number="INV-000043")
    parts = (*both.payment.allocations, replace(both.payment.allocations[0], invoice="inv_2"))
    yield replace(both, invoices=(*both.invoices, other), payment=replace(both.payment, allocations=parts))
    total = invoice.total
    note = CreditNote(
        account="acct_1", id="cn_1", invoice=invoice.id, subscription="sub_1", contact="con_1", number="CN-1",
        currency="eur", lines=(), total=total, to_invoice=total, to_balance=total, issued_at=letter_samples.NOW,
        issued_on=date(2026, 2, 3),
    )  # fmt: skip
    yield replace(canceled, notes=(note,))
    yield on_balance()


def by_transfer(letter: Letter) -> Case:
    """An invoice that is paid to the business's account alone."""
    made = case(letter)
    bank = Bank(iban="DE89370400440532013000", bic="COBADEFFXXX")
    offline = Collection(way=CollectionMethod.SEND_INVOICE, days_until_due=14, online=False)
    return replace(
        made,
        subscription=replace(made.subscription, collection=offline),
        parties=replace(made.parties, profile=replace(PROFILE, bank=bank)),
    )


def charged() -> Case:
    """An invoice that is sent although it is charged automatically."""
    made = case(Letter.INVOICE)
    invoices = tuple(replace(one, due_on=None) for one in made.invoices)
    return replace(made, subscription=case(Letter.UPCOMING_PAYMENT).subscription, invoices=invoices)


def on_balance(language: str = "en") -> Case:
    """Money that was written down by hand and pays no invoice: no subscription is known."""
    made = case(Letter.STAFF_PAYMENT, language)
    payment = replace(made.payment, allocations=(), subscription="")
    return replace(made, subscription=None, invoices=(), payment=payment)


def case(letter: Letter, language: str = "en", business: Account | None = None, **more) -> Case:
    """A sample of a letter, in a language."""
    business = business or account()
    records = letter_samples.records(business, letter)
    staff = letter_samples.user(business, language) if letter.value.startswith("staff") else None
    to = Parties(account=business, profile=PROFILE, contact=letter_samples.contact(business, language))
    made = Case(
        reader=Reader(language=language, locale=LOCALES[language]),
        parties=to,
        letter=letter,
        user=staff,
        **records,
    )
    return replace(made, **more)


def account(**more) -> Account:
    made = Account(
        account="acct_1",
        id="acct_1",
        name="Harbour Coffee",
        email="hello@harbour.example",
        currency="eur",
        zone="Europe/Berlin",
        livemode=False,
        created_at=letter_samples.NOW,
    )
    return replace(made, **more)
