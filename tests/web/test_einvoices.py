"""E-invoices over HTTP: valid in both syntaxes, the same for ever, and refused with what lacks and where to set it."""

import io
from typing import Any

import pytest
from facturx import get_facturx_xml_from_pdf

from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import documents, einvoices, renew
from chalicelib.store import keys
from tests.einvoice import official, read
from tests.web.conftest import Api, Told

BERLIN = {"country": "DE", "line1": "Am Kai 1", "city": "Hamburg", "postal_code": "20457"}
PARIS = {"country": "FR", "line1": "1 rue du Four", "city": "Paris", "postal_code": "75006"}
SELLER = {
    "legal_name": "Rösterei GmbH",
    "address": BERLIN,
    "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}],
    "bank": {"iban": "DE89370400440532013000"},
}


def sold(api: Api, key: str | None = None, **tax: Any) -> str:
    """The name of the first invoice of a subscription with a tax on top."""
    rate = api.post("/v1/tax_rates", {"name": "VAT", "percentage": "19"} | tax, key=key)["id"]
    made = api.sells(key, taxes=[rate])
    account = api.get("/v1/account", key=key)["id"]
    assert api.post(f"/v1/contacts/{made['contact']}", {"address": PARIS}, key=key).status == 200
    renew.subscriptions(api.service, account, [keys.key(Subscription, account, made["id"])])
    return f"inv_{made['id'].removeprefix('sub_')}_0001"


@pytest.fixture
def invoice(api: Api) -> str:
    """An invoice of somebody who has said who they are."""
    assert api.post("/v1/profile", SELLER).status == 200
    return sold(api)


def einvoice(api: Api, id_: str, syntax: str = "cii", kind: str = "invoices") -> Told:
    told = api.get(f"/v1/{kind}/{id_}/einvoice?format={syntax}")
    assert told.status == 200, told.text
    return told


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_an_e_invoice_is_a_valid_file_under_its_number(api: Api, invoice: str, syntax: str):
    """The official rules pass, and it says what the invoice does."""
    told = einvoice(api, invoice, syntax)
    number = api.get(f"/v1/invoices/{invoice}")["number"]
    assert told.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert told.headers["Content-Disposition"] == f'attachment; filename="{number}.{syntax}.xml"'
    assert told.headers["Cache-Control"] == "private, no-store"
    written = told.text.encode()
    assert official.fits(written) == []
    assert official.judged(written).failed == ()
    assert read.figures(written).with_tax == read.figures(written).due == 2975 / 100


def test_where_no_syntax_is_named_it_is_what_the_pdf_carries(api: Api, invoice: str):
    """One CII document of each invoice, to the byte."""
    told = api.get(f"/v1/invoices/{invoice}/einvoice")
    pdf = api.service.files.read(documents.name_of(api.account.id, invoice))
    assert pdf
    name, embedded = get_facturx_xml_from_pdf(io.BytesIO(pdf), check_xsd=False, check_schematron=False)
    assert name == "factur-x.xml"
    assert told.text.encode() == embedded


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_a_credit_note_names_the_invoice_it_corrects(api: Api, invoice: str, syntax: str):
    """A credit note is one of EN 16931 too, with the reason it was given for."""
    note = api.post("/v1/credit_notes", {"invoice": invoice, "reason": "Spoilt"})
    number = api.get(f"/v1/invoices/{invoice}")["number"]
    told = einvoice(api, note["id"], syntax, "credit_notes")
    assert f'filename="{note["number"]}.{syntax}.xml"' in told.headers["Content-Disposition"]
    for said in (number, note["number"], "Spoilt"):
        assert said in told.text
    assert official.judged(told.text.encode()).failed == ()


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
@pytest.mark.parametrize("asked", [True, False], ids=["asked for before", "asked for after"])
def test_an_e_invoice_stays_as_it_was_issued(api: Api, invoice: str, syntax: str, asked: bool):
    """Whatever is renamed, credited or voided later, and whenever it is first asked for."""
    before = einvoice(api, invoice, syntax).text
    if not asked:
        api.service.files.kept.clear()  # type: ignore[attr-defined]
    assert api.post("/v1/profile", {"legal_name": "Other", "tax_ids": [], "address": None}).status == 200
    contact = api.get(f"/v1/invoices/{invoice}")["contact"]
    assert api.post(f"/v1/contacts/{contact}", {"name": "Eve", "address": None}).status == 200
    cent = {"line": 0, "amount": {"amount": 1, "currency": "usd"}}
    assert api.post("/v1/credit_notes", {"invoice": invoice, "lines": [cent]}).status == 201
    assert api.post(f"/v1/invoices/{invoice}/void").status == 200
    assert einvoice(api, invoice, syntax).text == before


def test_what_lacks_is_named_with_where_to_set_it(api: Api):
    """Nothing of the seller is known: each term is named, none is made up, and nothing is kept."""
    bare = sold(api)
    for syntax in ("cii", "ubl"):
        told = api.get(f"/v1/invoices/{bare}/einvoice?format={syntax}")
        assert told.status == 400
        assert (told["code"], told["param"]) == ("einvoice_incomplete", "profile.address")
        for said in ("BG-5", "BT-31", "POST /v1/profile", "issued from now on"):
            assert said in told["detail"]
    assert api.service.files.read(einvoices.name_of(api.account.id, bare)) is None
    assert api.post("/v1/profile", SELLER).status == 200
    assert api.get(f"/v1/invoices/{bare}/einvoice").status == 400
    assert einvoice(api, sold(api)).status == 200


def test_a_reverse_charge_asks_for_the_buyers_number(api: Api):
    """The contact is named where it is to be set."""
    assert api.post("/v1/profile", SELLER).status == 200
    owed = sold(api, percentage="0", category="AE")
    contact = api.get(f"/v1/invoices/{owed}")["contact"]
    told = api.get(f"/v1/invoices/{owed}/einvoice")
    assert (told.status, told["param"]) == (400, "contact.tax_ids")
    assert "BT-48 buyer VAT identifier (or BT-47" in told["detail"]
    assert f"POST /v1/contacts/{contact}" in told["detail"]


def test_another_accounts_invoice_is_not_there(api: Api, invoice: str):
    """Nor is a name that is none, nor a syntax that is none."""
    _, other = api.open("Neighbor")
    assert api.get(f"/v1/invoices/{invoice}/einvoice", key=other).status == 404
    assert api.get("/v1/credit_notes/cn_none_1/einvoice").status == 404
    told = api.get(f"/v1/invoices/{invoice}/einvoice?format=xrechnung")
    assert (told.status, told["param"]) == (400, "format")
