"""What is looked at: each letter, document and page of a scene, made by what makes it for people."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.parties import Parties
from chalicelib.operations import documents, parties
from chalicelib.service import Service
from chalicelib.views import documents as set_documents
from chalicelib.views import letter_samples, letters, links, reading, typeset
from chalicelib.views.documents import Document
from chalicelib.views.letter_cases import Case
from sandbox.gallery.scene import CHARGED, OWING, SENT, Scene
from sandbox.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing to look at, by its `name` in a language; `pictures` are PNG where it is drawn without a browser.

    `html` is opened in one, `url` is where it is served; `text` says the same beside it; `pdf` is the document itself.
    """

    language: str
    kind: str
    name: str
    html: str = ""
    url: str = ""
    text: str = ""
    pdf: bytes = b""
    pictures: tuple[bytes, ...] = ()


def count(languages: int) -> int:
    """How many pieces there are of so many languages."""
    return languages * (len(Letter) + len(DOCUMENTS) + len(PAGES))


def of(world: World, scene: Scene) -> Iterator[Piece]:
    """All pieces of a scene, one after the other."""
    service = world.service()
    yield from (_letter(service, scene, letter) for letter in Letter)
    yield from (_document(service, scene, name) for name in DOCUMENTS)
    yield from (_page(world, scene, name) for name in PAGES)


# -- letters ------------------------------------------------------------------------------------------


def _letter(service: Service, scene: Scene, letter: Letter) -> Piece:
    """As the business writes it to its buyer, or to one of its own, of the records letters are previewed with."""
    who, picture = _parties(service, scene), b64encode(scene.picture).decode()
    case = Case(
        reader=reading.of(who),
        parties=who,
        letter=letter,
        user=letter_samples.user(scene.account, scene.language) if letter.value.startswith("staff") else None,
        logo=f"data:image/png;base64,{picture}",
        **letter_samples.records(scene.account, letter),
    )
    said = letters.write(case)
    text = f"{said['subject']}\n\n{said['text']}"
    return Piece(language=scene.language, kind="letter", name=letter.value, html=said["html"], text=text)


def _parties(service: Service, scene: Scene) -> Parties:
    found = service.store.load(scene.account.id, parties.wanted(scene.contact))
    return parties.assembled(found, scene.account, scene.contact)


# -- documents ----------------------------------------------------------------------------------------

DOCUMENTS = ("invoice_charged", "invoice_sent", "credit_note")


def _document(service: Service, scene: Scene, name: str) -> Piece:
    """The PDF as it is kept, and its pages as the same sheet is set in pictures."""
    note = scene.note if name == "credit_note" else None
    invoice = scene.invoices[SENT if name == "invoice_sent" else CHARGED]
    made = documents.of(service, invoice, note)
    return Piece(
        language=scene.language,
        kind="document",
        name=name,
        pdf=made,
        pictures=tuple(_pages(service, scene, invoice, note)),
    )


def _pages(service: Service, scene: Scene, invoice: Invoice, note: CreditNote | None) -> list[bytes]:
    told = parties.of_invoice(service, scene.account, invoice)
    page = "" if note else links.printed(service.settings, invoice, service.real())
    sheet = set_documents.sheet(Document(invoice=invoice, parties=told, note=note, link=page))
    at = (note or invoice).issued_at
    return typeset.pictures(set_documents.TEMPLATE, sheet, at=at, picture=scene.picture)


# -- pages --------------------------------------------------------------------------------------------

PAGES = ("invoice", "paid_invoice", "owed", "method", "receipt", "unknown")


def _page(world: World, scene: Scene, name: str) -> Piece:
    """A page where it is served; what its link is good for is what its letter's link is."""
    settings, now = world.service().settings, world.now
    match name:
        case "invoice":
            address = links.invoice(settings, scene.invoices[SENT], now)
        case "paid_invoice":
            address = links.invoice(settings, scene.invoices[CHARGED], now)
        case "owed":
            address = links.pay(settings, scene.subscriptions[OWING], now)
        case "method":
            address = links.method(settings, scene.subscriptions[OWING], now)
        case "receipt":
            address = links.payment(settings, scene.payment, now)
        case _:
            address = links.address(settings, "a-link-nobody-gave")
    return Piece(language=scene.language, kind="page", name=name, url=address)
