"""Credit notes: what was given back of invoices."""

from typing import Annotated

from msgspec import Meta

from chalicelib.billing.credits import CreditNote, Wanted
from chalicelib.billing.invoices import Invoice
from chalicelib.operations import credit, refund
from chalicelib.store import keys
from chalicelib.web.balances import Amount, money
from chalicelib.web.bodies import Body, Id, Text
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor, not_a_cursor, owned
from chalicelib.web.shown import Listed


class CreditedLine(Body, frozen=True):
    """A line of the invoice by its index, 0 the first, and how much of it, as it was charged; all that is left where none is given."""

    line: Annotated[int, Meta(ge=0)]
    amount: Amount | None = None


class NewCreditNote(Body, frozen=True):
    """What is given back of an invoice, and why: of some of its lines, or all that is left of it where none are given.

    The tax of what is credited comes with it. With `refund` what it gives beyond what is owed goes back to the payments of
    the invoice, the last first, as far as they go.
    """

    invoice: Id
    lines: Annotated[tuple[CreditedLine, ...], Meta(min_length=1, max_length=200)] | None = None
    reason: Text = ""
    refund: bool = False


class Filter(Paging, frozen=True):
    """Which part of the list, of which invoice."""

    invoice: Id | None = None


def list_(call: Call, query: Filter) -> Listed[CreditNote]:
    """All credit notes, the last number first; or all of an invoice."""
    if query.invoice is None:
        return owned(call.service, CreditNote, f"{call.account.id}/credit_note", query)
    invoice = call.service.store.get(Invoice, call.account.id, query.invoice)
    names = credit.note_names(invoice)[: _left_by(query.position, invoice.notes)]
    page = names[: -query.limit - 1 : -1]
    wanted = [keys.key(CreditNote, call.account.id, name) for name in page]
    found = call.service.store.load(call.account.id, wanted).records
    notes = [note for key in wanted if isinstance(note := found.get(key), CreditNote)]
    rest = len(names) - len(page)
    return Listed(notes, cursor(str(rest) if rest else None))


def _left_by(position: str | None, notes: int) -> int:
    """How many of an invoice's credit notes, the oldest, the pages before have left. Raises Invalid."""
    if position is None:
        return notes
    if not position.isdecimal():
        raise not_a_cursor()
    return int(position)


def create(call: Call, body: NewCreditNote) -> CreditNote:
    """Credit an invoice: first what it still owes, unless it is being paid just now; the rest is the customer's balance."""
    act = refund.credit_note if body.refund else credit.invoice
    return act(call.service, call.account.id, body.invoice, wanted(body.lines), reason=body.reason)


def preview(call: Call, body: NewCreditNote) -> CreditNote:
    """The credit note that would be issued now; nothing is written, and its number is not taken."""
    act = refund.credit_note_preview if body.refund else credit.preview
    return act(call.service, call.account.id, body.invoice, wanted(body.lines), reason=body.reason)


def get(call: Call, id_: str) -> CreditNote:
    """A credit note."""
    return call.get(CreditNote, id_)


def wanted(lines: tuple[CreditedLine, ...] | None) -> tuple[Wanted, ...]:
    """Lines as they are credited. Raises Invalid."""
    return tuple(
        Wanted(line=one.line, amount=money(one.amount, f"lines[{n}].amount") if one.amount else None)
        for n, one in enumerate(lines or ())
    )
