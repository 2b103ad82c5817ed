"""Documents over HTTP: the bytes that are kept, under a safe name, to whoever may see them; and the logo on them."""

import base64
import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import pytest
from facturx import get_facturx_xml_from_pdf
from pypdf import PdfReader

from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm import pictures
from chalicelib.operations import documents, logo, renew
from chalicelib.store import keys
from chalicelib.store.changes import Changeset
from chalicelib.views.documents import file_name
from tests.views.test_documents import png
from tests.web.conftest import Api


def invoiced(api: Api, key: str | None = None) -> str:
    """The name of a subscription's first invoice."""
    sold = api.sells(key)["id"]
    account = api.get("/v1/account", key=key)["id"]
    renew.subscriptions(api.service, account, [keys.key(Subscription, account, sold)])
    return f"inv_{sold.removeprefix('sub_')}_0001"


@pytest.fixture
def invoice(api: Api) -> str:
    return invoiced(api)


def pdf(api: Api, path: str, **headers: str) -> PdfReader:
    told = api.get(path, **headers)
    assert told.status == 200, told.text
    return PdfReader(io.BytesIO(told.body), strict=True)


def test_the_document_of_an_invoice_is_a_file_under_its_number(api: Api, invoice: str):
    """Bytes as they are kept, whatever the caller accepts; nobody between keeps them."""
    number = api.get(f"/v1/invoices/{invoice}")["number"]
    for accept in (
        {},
        {"Accept": "text/html,*/*;q=0.8"},
        {"Accept": "application/pdf"},
        {"Accept": "application/json"},
    ):
        told = api.get(f"/v1/invoices/{invoice}/pdf", **accept)
        assert told.status == 200
        assert told.headers["Content-Type"] == "application/pdf"
        assert told.headers["Content-Disposition"] == f'inline; filename="{number}.pdf"'
        assert told.headers["Cache-Control"] == "private, no-store"
        assert told.body == api.service.files.read(documents.name_of(api.account.id, invoice))
        assert number in PdfReader(io.BytesIO(told.body)).metadata.title


def test_a_credit_note_has_a_document_of_its_own(api: Api, invoice: str):
    """It names the invoice it corrects."""
    note = api.post("/v1/credit_notes", {"invoice": invoice, "reason": "Too early"})
    number = api.get(f"/v1/invoices/{invoice}")["number"]
    text = pdf(api, f"/v1/credit_notes/{note['id']}/pdf").pages[0].extract_text()
    assert note["number"] in text
    assert number in text
    assert "Too early" in text


def test_nobody_gets_anothers_document(api: Api, invoice: str):
    """Another account's key finds nothing, of an invoice as of a credit note; nor does a name that is none."""
    note = api.post("/v1/credit_notes", {"invoice": invoice})["id"]
    assert api.get(f"/v1/invoices/{invoice}/pdf").status == 200
    _, other = api.open("Other")
    for path in (f"/v1/invoices/{invoice}/pdf", f"/v1/credit_notes/{note}/pdf"):
        assert api.get(path, key=other).status == 404
        assert api.get(path, key="").status == 401
    for path in (
        "/v1/invoices/inv_none/pdf",
        f"/v1/invoices/{note}/pdf",
        f"/v1/credit_notes/{invoice}/pdf",
        "/v1/invoices/..%2Fx/pdf",
    ):
        assert api.get(path).status == 404, path


def _put(api: Api, invoice: str, **changed: Any) -> None:
    changes = Changeset(api.account.id)
    changes.put(replace(api.service.store.get(Invoice, api.account.id, invoice), **changed))
    api.service.store.commit(changes)


def test_a_draft_has_none_and_a_void_one_still_has(api: Api, invoice: str):
    """What is not issued may change; what was issued and taken back was sent all the same, and shows what was sent."""
    _put(api, invoice, status=InvoiceStatus.DRAFT)
    told = api.get(f"/v1/invoices/{invoice}/pdf")
    assert (told.status, told["code"]) == (409, "invoice_not_issued")
    _put(api, invoice, status=InvoiceStatus.OPEN, payment=None)
    assert api.post(f"/v1/invoices/{invoice}/void").status == 200
    assert "$25.00" in pdf(api, f"/v1/invoices/{invoice}/pdf").pages[0].extract_text()


def test_what_the_balance_paid_at_once_is_shown_though_it_went_back(api: Api):
    """The document of a void invoice is asked for late: what came from the customer's balance as it was issued is on it."""
    sold = api.sells(collection_method="send_invoice", days_until_due=7, payment_method=None)
    amount = {"amount": {"amount": 1000, "currency": "usd"}, "reason": "Sorry"}
    assert api.post(f"/v1/contacts/{sold['contact']}/balance", amount).status == 200
    renew.subscriptions(api.service, api.account.id, [keys.key(Subscription, api.account.id, sold["id"])])
    name = f"inv_{sold['id'].removeprefix('sub_')}_0001"
    assert api.post(f"/v1/invoices/{name}/void").status == 200
    assert api.get(f"/v1/invoices/{name}")["amount_applied"]["amount"] == 0
    text = pdf(api, f"/v1/invoices/{name}/pdf").pages[0].extract_text()
    assert "-$10.00" in text
    assert "$15.00" in text


def test_terms_that_were_agreed_on_later_are_not_on_it(api: Api):
    """An invoice is split over other days, and again, and a part of it is credited: its document says what it asked for when it was issued."""
    sold = api.sells(collection_method="send_invoice", days_until_due=7, payment_method=None)
    renew.subscriptions(api.service, api.account.id, [keys.key(Subscription, api.account.id, sold["id"])])
    name = f"inv_{sold['id'].removeprefix('sub_')}_0001"
    due_on = api.get(f"/v1/invoices/{name}")["due_on"]
    for days in (["2026-03-10", "2026-04-10"], ["2026-05-11", "2026-06-11"]):
        parts = {"instalments": [{"due_on": day, "percent": 50} for day in days]}
        assert api.post(f"/v1/invoices/{name}/payment_schedule", parts).status == 200
    part = {"invoice": name, "lines": [{"line": 0, "amount": {"amount": 500, "currency": "usd"}}]}
    assert api.post("/v1/credit_notes", part).status == 201
    told = api.get(f"/v1/invoices/{name}")
    assert (told["due_on"], "terms" in told.body) == ("2026-06-11", False)
    record = api.service.store.get(Invoice, api.account.id, name)
    issued, _ = documents.as_issued(api.service, record)
    assert (issued.due_on and issued.due_on.isoformat(), issued.instalments) == (due_on, ())
    text = pdf(api, f"/v1/invoices/{name}/pdf").pages[0].extract_text()
    assert "Please pay by" in text
    assert "June" not in text


def test_two_at_once_get_the_same_bytes(api: Api, invoice: str):
    """The first that is kept wins; whoever made another is given that."""
    record = api.service.store.get(Invoice, api.account.id, invoice)
    shelf = api.service.files

    class Slow:
        """Somebody else keeps theirs between the look and the put."""

        def read(self, name: str) -> bytes | None:
            found = shelf.read(name)
            if found is None and name.endswith(".pdf"):
                shelf.keep(name, b"%PDF of the other", "application/pdf")
            return found

        keep = staticmethod(shelf.keep)

    assert documents.of(replace(api.service, files=Slow()), record) == b"%PDF of the other"
    assert documents.of(api.service, record) == b"%PDF of the other"


def test_a_prefix_cannot_write_headers_or_paths(api: Api):
    """What a business puts before its numbers stands on the document as it is, and harmless in the file's name."""
    assert file_name('"\r\nSet-Cookie: x=1;/../%2e%2e\\') == "Set-Cookie-x-1-..-2e-2e.pdf"
    assert file_name("..") == "document.pdf"


# -- the e-invoice in it ----------------------------------------------------------------------------

SELLER = {
    "legal_name": "Rösterei GmbH",
    "address": {"country": "DE", "line1": "Kai 1", "city": "Hamburg", "postal_code": "20457"},
    "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}],
}


def test_it_carries_an_e_invoice_where_the_data_make_one(api: Api):
    """Without the seller's address and number there is the document alone; with them Factur-X is in it, and found by its library."""
    before = api.get(f"/v1/invoices/{invoiced(api)}/pdf").body
    assert get_facturx_xml_from_pdf(before, check_xsd=False, check_schematron=False) == (False, False)
    assert api.post("/v1/profile", SELLER).status == 200
    address = {"country": "DE", "line1": "Weg 2", "city": "Berlin", "postal_code": "10115"}
    contact = api.post("/v1/contacts", {"name": "Bo", "email": "bo@example.com", "address": address})["id"]
    method = api.post("/v1/payment_methods", {"contact": contact, "payment_method": "pm_card_visa"})["id"]
    rate = api.post("/v1/tax_rates", {"name": "USt", "percentage": "19"})["id"]
    product = api.post("/v1/products", {"name": "Kaffee", "unit_amount": 2500, "frequency": "monthly"})["id"]
    body = {
        "contact": contact,
        "payment_method": method,
        "lines": [{"product": product, "taxes": [rate]}],
    }
    sold = api.post("/v1/subscriptions", body)
    assert sold.status == 201, sold.text
    renew.subscriptions(api.service, api.account.id, [keys.key(Subscription, api.account.id, sold["id"])])
    after = api.get(f"/v1/invoices/inv_{sold['id'].removeprefix('sub_')}_0001/pdf").body
    name, xml = get_facturx_xml_from_pdf(after, check_xsd=True, check_schematron=False)
    assert name == "factur-x.xml"
    assert b"CrossIndustryInvoice" in xml


# -- the logo ---------------------------------------------------------------------------------------


def sent(api: Api, data: bytes, **headers: str) -> Any:
    return api.post("/v1/profile/logo", {"picture": base64.b64encode(data).decode()}, **headers)


def jpeg(width: int, height: int) -> bytes:
    """The beginning of a JPEG: a comment, then a frame of a size."""
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8\xff\xfe\x00\x04hi\xff\xc0" + frame


def test_a_logo_is_shown_from_then_on(api: Api):
    """It is kept under the name of its bytes, and is a revision of the profile; what was issued before has none."""
    before = invoiced(api)
    told = sent(api, png(40, 10))
    assert told.status == 200, told.text
    after = invoiced(api)
    assert api.service.files.read(logo.name_of(api.account.id, told["logo"])) == png(40, 10)
    assert sent(api, png(40, 10))["revision"] == told["revision"]
    pictures_ = [len(pdf(api, f"/v1/invoices/{one}/pdf").pages[0].images) for one in (before, after)]
    assert pictures_ == [0, 1]
    assert sent(api, b"")["logo"] in ("", None)


def profiled(size: int) -> bytes:
    """A small picture whose color profile unpacks to so many bytes."""
    packed = b"x\0\0" + zlib.compress(bytes(size), 9)
    chunk = (
        struct.pack(">L", len(packed)) + b"iCCP" + packed + struct.pack(">L", zlib.crc32(b"iCCP" + packed))
    )
    plain = png(2, 2)
    return plain[:33] + chunk + plain[33:]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture_unknown"),
        (b"GIF89a" + bytes(20), "picture_unknown"),
        (b"\x89PNG\r\n\x1a\n", "picture_unknown"),
        (b"\xff\xd8\xff", "picture_unknown"),
        (png(2, 2)[:-20], "picture_unreadable"),
        (jpeg(10, 10), "picture_unreadable"),
        (jpeg(5000, 10), "picture_too_large"),
        (png(1, 2401), "picture_too_large"),
        (png(2, 2) + bytes(pictures.LARGEST), "picture_too_large"),
        (profiled(pictures.UNPACKED + 1), "picture_too_large"),
    ],
)
def test_what_could_not_be_shown_is_refused_when_it_is_sent(api: Api, data: bytes, code: str):
    """By its bytes, its size, and by setting it: so that no invoice ever fails for a picture."""
    told = sent(api, data)
    assert (told.status, told["code"], told["param"]) == (400, code, "picture")


def test_a_logo_that_is_no_base64_is_refused(api: Api):
    """The problem names the field."""
    told = api.post("/v1/profile/logo", {"picture": "***"})
    assert (told.status, told["code"], told["param"]) == (400, "not_base64", "picture")
