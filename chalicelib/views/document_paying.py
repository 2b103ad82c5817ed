"""What the buyer of a document is to do, in their words: by when it is paid, and how."""

from typing import TYPE_CHECKING, Any

from chalicelib.views import transfers
from chalicelib.views.document_rows import lines_of, own, whole
from chalicelib.views.reading import Reader

if TYPE_CHECKING:
    from chalicelib.views.documents import Document

Sheet = dict[str, Any]


def pay(reader: Reader, document: "Document") -> Sheet:
    """What the buyer is to do, by when, and how: on the page, or by a transfer."""
    one, word = document.invoice, reader.word
    if document.note:
        return {"told": "", "link": None, "schedule": None, "transfer": None}
    sent = one.due_on is not None and bool(document.due)
    parts = (
        one.instalments if sum(part.amount.amount for part in one.instalments) == document.due.amount else ()
    )
    schedule = [
        (
            f"{word('document.instalment', n=whole(reader, n), of=whole(reader, len(parts)))} · {reader.day(part.on)}",
            reader.money(part.amount),
        )
        for n, part in enumerate(parts, 1)
    ]
    return {
        "told": _told(reader, document, sent=sent, parts=bool(parts)),
        "link": {"url": document.link, "label": word("document.pay_online")}
        if sent and document.link
        else None,
        "schedule": {"label": word("document.schedule"), "rows": schedule} if parts else None,
        "transfer": _transfer(reader, document) if sent else None,
    }


def _told(reader: Reader, document: "Document", *, sent: bool, parts: bool) -> str:
    if not document.due:
        return reader.word("document.settled")
    if not sent or document.invoice.due_on is None:
        return reader.word("document.charged")
    if parts:
        return reader.word("document.pay_parts")
    return reader.word("document.pay_by", day=reader.day(document.invoice.due_on))


def _transfer(reader: Reader, document: "Document") -> Sheet | None:
    bank = document.parties.profile.bank
    if bank is None:
        return None
    said = transfers.rows(reader, document.parties, document.number)
    rows = [(label, own(reader, value)) for label, value in said]
    lines = lines_of(reader, bank.lines)
    return {"label": reader.word("document.transfer"), "rows": rows, "lines": lines}
