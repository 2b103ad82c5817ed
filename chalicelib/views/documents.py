"""Invoices and credit notes as PDF: what a tax office wants to know, as a person likes to read it.

A document is put together in words first (`sheet`), then set by `templates/document.typ`. It shows the invoice as it was
issued: what is paid or credited later is not on it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from chalicelib.billing import periods
from chalicelib.billing.addresses import Address
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.billing.rating import InvoiceTax
from chalicelib.billing.tax import Category
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Profile
from chalicelib.crm.tax_ids import TaxId
from chalicelib.views import comments, document_paying, document_rows, formats, reading, typeset
from chalicelib.views.document_rows import breakable, lines_of, own, whole
from chalicelib.views.reading import Reader

TEMPLATE: Final = "document.typ"
INK: Final = "#1b1f24"

Sheet = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An invoice as it was issued, or a credit note of it, and its parties as they were then.

    `link` opens the page on which it is paid; there is none where it is not paid online.
    """

    invoice: Invoice
    parties: Parties
    note: CreditNote | None = None
    link: str = ""

    @property
    def number(self) -> str:
        """BT-1."""
        return self.note.number if self.note else self.invoice.number

    @property
    def issued_on(self) -> date:
        """BT-2, a local day of the account's."""
        if self.note:
            return self.note.issued_on
        return periods.local_date(self.invoice.issued_at, self.parties.zone)

    @property
    def due(self) -> Money:
        """What was to be paid as it was issued."""
        return self.invoice.total - (self.invoice.amount_applied or Money.zero(self.invoice.currency))


def pdf(document: Document, *, logo: bytes = b"", einvoice: bytes = b"") -> bytes:
    """The document as PDF/A-3, with its e-invoice (CII, Factur-X) attached where there is one: the same bytes for the same document."""
    issued = document.note or document.invoice
    return typeset.pdf(TEMPLATE, sheet(document), at=issued.issued_at, picture=logo, einvoice=einvoice)


def sheet(document: Document) -> Sheet:
    """All that the template sets, in words."""
    reader, parties = reading.of(document.parties), document.parties
    word = reader.word
    region = _region(reader.locale)
    what = word("document.credit_note" if document.note else "document.invoice")
    return {
        "lang": reader.language,
        "region": region,
        "right_to_left": reader.right_to_left,
        "what": what,
        "number": own(reader, document.number),
        "title": f"{what} {formats.name(document.number)}",
        "author": formats.name(parties.seller_name),
        "paper": "us-letter" if region in _LETTER else "a4",
        **_colors(parties.profile.color),
        "seller": own(reader, parties.seller_name),
        "parties": list(_parties(reader, parties)),
        "facts": list(_facts(reader, document)),
        "head": [word(f"document.{name}") for name in ("item", "quantity", "unit_price", "tax", "amount")],
        "rows": list(document_rows.rows(reader, document.invoice, document.note)),
        "sums": list(document_rows.sums(reader, document.invoice, document.note)),
        "reasons": list(_reasons(reader, document)),
        "pay": document_paying.pay(reader, document),
        "comments": _comments(parties),
        "footer": [
            f"{what} {own(reader, document.number)} · {own(reader, formats.shortened(parties.seller_name, 80))}",
            *_footer(reader, parties.profile),
        ],
        "as_issued": "" if document.note else word("document.as_issued", day=reader.day(document.issued_on)),
        "page": word("document.page", n="{n}", of="{of}"),
        "digits": [whole(reader, n) for n in range(10)],
    }


def file_name(number: str) -> str:
    """What a document is called where it is saved: its number, in signs that every system takes."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", number).strip(".-")
    return f"{plain or 'document'}.pdf"


# -- who --------------------------------------------------------------------------------------------


def _parties(reader: Reader, parties: Parties) -> Iterator[Sheet]:
    """The seller, who is billed, and where it goes if that is elsewhere."""
    home = parties.profile.address.country if parties.profile.address else ""
    word = reader.word
    yield {
        "label": word("document.seller"),
        "name": own(reader, parties.seller_name),
        "lines": _address(reader, parties.profile.address, ""),
        "facts": list(_seller(reader, parties)),
    }
    person = parties.contact.name if parties.company else ""
    yield {
        "label": word("document.bill_to"),
        "name": _addressed(reader, parties),
        "lines": [*([own(reader, person)] if person else []), *_address(reader, parties.bill_to, home)],
        "facts": [*([("", own(reader, parties.contact.email))]), *_tax_ids(reader, parties.buyer_tax_ids)],
    }
    if parties.ship_to:
        yield {
            "label": word("document.ship_to"),
            "name": _addressed(reader, parties),
            "lines": _address(reader, parties.ship_to, home),
            "facts": [],
        }


def _addressed(reader: Reader, parties: Parties) -> str:
    """A buyer's name as it stands on an envelope."""
    key = "to_company" if parties.company else "to_person"
    return reader.word(f"document.{key}", name=breakable(formats.name(parties.buyer_name)))


def _seller(reader: Reader, parties: Parties) -> Iterator[tuple[str, str]]:
    profile = parties.profile
    yield "", own(reader, parties.seller_email)
    for label, value in (
        (reader.word("document.phone"), profile.phone),
        ("", profile.website),
        ("", profile.registration),
    ):
        if value:
            yield label, own(reader, value)
    yield from _tax_ids(reader, parties.seller_tax_ids)


def _tax_ids(reader: Reader, ids: Sequence[TaxId]) -> Iterator[tuple[str, str]]:
    for one in ids:
        known = "vat_id" if one.type.endswith("_vat") else "tax_id"
        yield _CALLED.get(one.type) or reader.word(f"document.{known}"), own(reader, one.value)


_CALLED: Final = {
    "au_abn": "ABN", "br_cnpj": "CNPJ", "br_cpf": "CPF", "ca_bn": "BN", "ca_gst_hst": "GST/HST", "ch_uid": "UID",
    "in_gst": "GSTIN", "jp_cn": "法人番号", "jp_trn": "登録番号", "mx_rfc": "RFC", "no_orgnr": "Org.nr.",
    "nz_gst": "GST", "sg_gst": "GST", "sg_uen": "UEN", "us_ein": "EIN",
}  # fmt: skip
"""What a country calls its own number, whatever language it is written about in; by Stripe's types."""


def _address(reader: Reader, address: Address | None, home: str) -> list[str]:
    return [own(reader, line) for line in reader.address(address, home=home)] if address else []


# -- what about -------------------------------------------------------------------------------------


def _facts(reader: Reader, document: Document) -> Iterator[tuple[str, str]]:
    one, papers, word = document.invoice, document.parties.papers, reader.word
    yield word("document.issued_on"), reader.day(document.issued_on)
    if document.note:
        day = reader.day_of(one.issued_at, document.parties.zone)
        yield word("document.corrects"), word("document.invoice_of", number=own(reader, one.number), day=day)
    elif one.due_on:
        yield word("document.due_on"), reader.day(one.due_on)
    yield word("document.period"), reader.period(Period(one.period_start_on, one.period_end_on))
    for label, value in (("reference", papers.reference), ("buyer_reference", papers.buyer_reference)):
        if value:
            yield word(f"document.{label}"), own(reader, value)
    for field in papers.custom_fields:
        yield own(reader, field.label), own(reader, field.value)
    if document.note and document.note.reason:
        yield word("document.reason"), own(reader, document.note.reason)


def _reasons(reader: Reader, document: Document) -> Iterator[str]:
    """Why there is no tax on something (BT-120), each reason once."""
    for category in dict.fromkeys(tax.category for tax in _taxes(document)):
        if key := _WHY.get(category or Category.STANDARD):
            yield reader.word(f"document.{key}")


def _taxes(document: Document) -> Iterator[InvoiceTax]:
    credited = {share.tax for line in document.note.lines for share in line.taxes} if document.note else None
    return (tax for tax in document.invoice.taxes if credited is None or tax.tax in credited)


_WHY: Final = {
    Category.ZERO: "zero",
    Category.EXEMPT: "exempt",
    Category.REVERSE_CHARGE: "reverse_charge",
    Category.INTRA_COMMUNITY: "intra_community",
    Category.EXPORT: "export",
    Category.OUTSIDE: "outside",
}


# -- in words ---------------------------------------------------------------------------------------


def _comments(parties: Parties) -> list[Sheet]:
    """The subscription's own, or those of every document."""
    written = parties.papers.comments or parties.profile.comments
    snippets = {one.name: one.text for one in parties.profile.snippets}
    return [
        {
            "kind": str(block.kind),
            "right_to_left": begins_right_to_left("".join(s.text for s in block.lines[0])),
            "lines": [
                [{"text": breakable(s.text), "bold": s.bold, "italic": s.italic, "url": s.url} for s in line]
                for line in block.lines
            ],
        }
        for block in comments.parsed(written, snippets)
    ]


def _footer(reader: Reader, profile: Profile) -> list[str]:
    """At the foot of every page, without looks."""
    snippets = {one.name: one.text for one in profile.snippets}
    return lines_of(reader, comments.plain(comments.parsed(profile.footer, snippets)))


def begins_right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction runs from right to left."""
    directions = map(unicodedata.bidirectional, text)
    return next((one != "L" for one in directions if one in ("L", "R", "AL")), False)


def _region(locale: str) -> str:
    """The country of a locale, if it says one."""
    return next((part for part in locale.split("-")[1:] if len(part) == 2 and part.isalpha()), "").lower()


_LETTER: Final = frozenset("us ca mx ph cl co ve pr gt cr".split())
"""Countries that write on letter paper; all others have A4."""


def _colors(color: str) -> Sheet:
    """The account's own, and the same for words where it is dark enough to be read on white (WCAG: 4.5 to 1)."""
    accent = color or INK
    return {"accent": accent, "ink": accent if _readable(accent) else INK}


def _readable(color: str) -> bool:
    """White is at least 4.5 times as bright: relative luminance, with the square for sRGB's curve, at most 0.1833."""
    red, green, blue = (int(color[n : n + 2], 16) for n in (1, 3, 5))
    return 2126 * red * red + 7152 * green * green + 722 * blue * blue <= 1833 * 255 * 255
