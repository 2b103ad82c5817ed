"""How and when a document is to be paid, in EN 16931's terms: by transfer to an account, online, or in instalments."""

from typing import Final

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.parties import Parties
from chalicelib.views.einvoice import texts
from chalicelib.views.einvoice.model import Payment
from chalicelib.views.reading import Reader

# UNTDID 4461. A direct debit (59) would need the mandate, a card (48) its last digits: both are the gateway's to know.
TRANSFER: Final = "30"
SEPA_TRANSFER: Final = "58"
IN_WORDS: Final = "1"
ONLINE: Final = "68"


def payment(invoice: Invoice, parties: Parties) -> Payment | None:
    """BG-16: none where nothing is to be paid; by transfer where it is sent, and online where it is charged."""
    if not _owed(invoice):
        return None
    bank = parties.profile.bank
    if invoice.due_on is None or bank is None:
        return Payment(code=ONLINE)
    if iban := texts.line(bank.iban).replace(" ", "").upper():
        return Payment(
            code=SEPA_TRANSFER if invoice.currency == "eur" else TRANSFER,
            account=iban,
            holder=texts.line(bank.holder) or texts.line(parties.seller_name),
            bic=texts.line(bank.bic).replace(" ", "").upper(),
        )
    told = texts.line(", ".join(filter(None, (bank.bank, bank.holder, bank.lines))))
    return Payment(code=IN_WORDS, text=told) if told else Payment(code=ONLINE)


def terms(invoice: Invoice, reader: Reader) -> str:
    """BT-20: in words when what is owed is due."""
    if not _owed(invoice):
        return ""
    if len(invoice.instalments) > 1:
        parts = [f"{reader.money(one.amount)} – {reader.day(one.on)}" for one in invoice.instalments]
        return f"{reader.word('document.schedule')}: {'; '.join(parts)}"
    if invoice.due_on is None:
        return reader.word("document.charged")
    return reader.word("document.pay_by", day=reader.day(invoice.due_on))


def credited(note: CreditNote, reader: Reader) -> str:
    """BT-20 of a credit note: where what is given back goes."""
    goes = (("taken_off", note.to_invoice), ("to_balance", note.to_balance))
    return "; ".join(
        f"{reader.word(f'document.{where}')}: {reader.money(amount)}" for where, amount in goes if amount
    )


def prepaid(invoice: Invoice) -> int:
    """BT-113: what the customer's balance has paid."""
    return invoice.amount_applied.amount if invoice.amount_applied else 0


def _owed(invoice: Invoice) -> bool:
    return invoice.total.amount > prepaid(invoice)
