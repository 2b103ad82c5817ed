"""Give back what was charged: credit notes, and what customers have to their credit."""

from collections.abc import Sequence

from chalicelib.billing import ledger
from chalicelib.billing.credits import CreditNote, Wanted, check_reason, credited, name_of, whole
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.numbering import Series
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import act, fill, numbering, publish, settle
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset

SERIES = "credit_note"


def invoice(
    service: Service, account: str, id_: str, wanted: Sequence[Wanted], *, reason: str = ""
) -> CreditNote:
    """Credit lines of an invoice, or with none named all that is left of it.

    What an earlier try of the same request did is not done again. Raises NotFound, Invalid or WrongState.
    """
    asked = service.new_id(act.REQUEST)

    def attempt() -> CreditNote:
        if done := service.store.find(Alias, account, asked):
            return service.store.get(CreditNote, account, done.target)
        changes, at = read(service, account, id_, "invoice")
        note = fold_wanted(changes, changes.get(Invoice, id_), wanted, at, reason=reason)
        changes.put(Alias(account=account, id=asked, target=note.id))
        return service.store.commit(changes).get(CreditNote, account, note.id)

    return retried(attempt)


def preview(
    service: Service, account: str, id_: str, wanted: Sequence[Wanted], *, reason: str = ""
) -> CreditNote:
    """The credit note that would be issued now, by the same rules; nothing is written."""
    changes, at = read(service, account, id_, "invoice")
    return fold_wanted(changes, changes.get(Invoice, id_), wanted, at, reason=reason)


def read(service: Service, account: str, id_: str, param: str | None = None) -> tuple[Changeset, Moment]:
    """An invoice, named by a field of the body or the path, all that crediting or closing it reads, and the moment.

    Raises NotFound.
    """
    found = service.store.load(
        account, [keys.key(Invoice, account, id_), keys.key(Account, account, account)]
    )
    found.add(service.store.load(account, beside(fill.named(found, Invoice, account, id_, param))))
    return Changeset(account, found), Moment(found.get(Account, account, account), service.real())


def beside(invoice: Invoice) -> list[str]:
    """The keys of all that crediting or closing an invoice reads besides itself and the account."""
    account = invoice.account
    return [
        keys.key(Contact, account, invoice.contact),
        keys.key(Subscription, account, invoice.subscription),
        keys.key(Series, account, SERIES),
        *(keys.key(CreditNote, account, name) for name in note_names(invoice)),
    ]


def notes_of(changes: Changeset, invoice: Invoice) -> list[CreditNote]:
    """An invoice's credit notes, oldest first."""
    return [changes.get(CreditNote, name) for name in note_names(invoice)]


def note_names(invoice: Invoice) -> list[str]:
    """The names of an invoice's credit notes, oldest first: they are numbered."""
    return [name_of(invoice.id, ordinal) for ordinal in range(1, invoice.notes + 1)]


def fold_wanted(
    changes: Changeset,
    invoice: Invoice,
    wanted: Sequence[Wanted],
    at: Moment,
    *,
    reason: str = "",
    refunding: bool = False,
) -> CreditNote:
    """Fold the credit note of lines of an invoice into the changeset, which holds what is `beside` it; none is all.

    A `refunding` one gives all of it to the balance, which it is about to leave.

    Raises Invalid or WrongState.
    """
    before = notes_of(changes, invoice)
    number = numbers(changes, at).number
    wanted = wanted or whole(invoice, before)
    note = credited(
        invoice, before, wanted,
        number=number, now=at.now, day=at.day, reason=reason, refunding=refunding,
    )  # fmt: skip
    fold(changes, note, invoice, at, refunding=refunding)
    return note


def numbers(changes: Changeset, at: Moment) -> Series:
    """The account's numbers of credit notes as they stand."""
    return numbering.standing(changes, SERIES, at.account.credit_note_prefix, at)


def fold(
    changes: Changeset, note: CreditNote, invoice: Invoice, at: Moment, *, refunding: bool = False
) -> None:
    """Fold an invoice's next credit note and all that follows from it into the changeset, which holds what is `beside` it."""
    entry = ledger.credited(note, invoice, notes_of(changes, invoice))
    changes.put(note, numbers(changes, at).advanced())
    if note.to_balance:
        changes.put(changes.get(Contact, note.contact).credited(note.to_balance))
    publish.fact(changes, EventType.CREDIT_NOTE_ISSUED, note, _about(note), at, entry=entry)
    after = invoice.credited(note.to_invoice, at.now)
    settle.settled(changes, after, at)
    if note.to_balance and after.payment is None and not refunding:
        _settle_from_balance(changes, after, at)


def _settle_from_balance(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """Pay what an invoice still owes, too little to be charged, from the balance where that is enough by now."""
    owed = invoice.amount_due
    if owed and changes.get(Contact, invoice.contact).balance(owed.currency) >= owed:
        settle.from_balance(changes, invoice, at)


def balance(service: Service, account: str, contact: str, amount: Money, *, reason: str) -> Contact:
    """Add an amount to what a contact has to their credit, or take it from there where it is negative, by hand.

    What an earlier try of the same request did is not done again. Raises NotFound or Invalid.
    """
    asked = service.new_id(act.REQUEST)
    check_reason(reason)

    def attempt() -> Contact:
        wanted = [keys.key(Account, account, account), keys.key(Contact, account, contact)]
        found = service.store.load(account, [*wanted, keys.key(Alias, account, asked)])
        before = found.get(Contact, account, contact)
        if found.find(Alias, account, asked):
            return before
        changes = Changeset(account, found)
        changes.put(Alias(account=account, id=asked, target=contact))
        at = Moment(found.get(Account, account, account), service.real())
        _adjusted(changes, before, amount, reason, at)
        return service.store.commit(changes).get(Contact, account, contact)

    return retried(attempt)


def _adjusted(changes: Changeset, before: Contact, amount: Money, reason: str, at: Moment) -> None:
    has = before.balance(amount.currency)
    if not amount or (has + amount).amount < 0:
        detail = f"Send an amount to add, or a negative one to take away; {has} can be taken at most."
        raise Invalid("balance_out_of_range", detail, "amount")
    changes.put(before.credited(amount))
    about = {"contact": before.id, **({"reason": reason} if reason else {})}
    entry = ledger.adjusted(amount)
    publish.fact(changes, EventType.BALANCE_ADJUSTED, before, about, at, entry=entry)


def _about(note: CreditNote) -> dict[str, str]:
    return {
        "contact": note.contact,
        "subscription": note.subscription,
        "invoice": note.invoice,
        "credit_note": note.id,
    }
