"""Every kind of invoice and credit note passes the official rules in both syntaxes, and says what was issued to the cent."""

from fractions import Fraction

import pytest

from chalicelib.billing.currencies import exponent
from chalicelib.billing.money import from_major
from chalicelib.views.einvoice import xml
from tests.einvoice import official, read
from tests.einvoice.cases import CASES
from tests.einvoice.shelf import Issued

WRITES = {"cii": xml.cii, "ubl": xml.ubl}


@pytest.fixture(params=CASES, name="made")
def of_shelf(request: pytest.FixtureRequest) -> Issued:
    return CASES[request.param]()


@pytest.mark.parametrize("syntax", WRITES)
def test_a_document_passes_the_official_rules(made: Issued, syntax: str):
    """XSD and schematron of EN 16931 find nothing, not even to warn of; the same document is the same bytes."""
    written = WRITES[syntax](made.invoice, made.note, made.parties)
    assert official.fits(written) == []
    verdict = official.judged(written)
    assert (verdict.failed, verdict.told) == ((), "")
    assert verdict.warned == ()
    assert verdict.fired > 20
    assert WRITES[syntax](made.invoice, made.note, made.parties) == written


@pytest.mark.parametrize("syntax", WRITES)
def test_a_document_says_what_was_issued_to_the_cent(made: Issued, syntax: str):
    """Read again by paths of its own: totals, coupons, taxes and lines are those of what was issued."""
    found = read.figures(WRITES[syntax](made.invoice, made.note, made.parties))
    check_sums(found, made.invoice.currency)
    if made.note is not None:
        assert minor(found.with_tax, made) == minor(found.due, made) == made.note.total.amount
        assert minor(found.tax, made) == sum(
            tax.amount.amount for line in made.note.lines for tax in line.taxes
        )
        assert len(found.rows) == len(made.note.lines)
        return
    invoice = made.invoice
    assert minor(found.with_tax, made) == invoice.total.amount
    assert minor(found.due, made) == invoice.amount_open.amount
    assert minor(found.tax, made) == sum(tax.amount.amount for tax in invoice.taxes)
    assert minor(found.without_tax, made) == sum(line.charged.amount for line in invoice.lines) - inside(made)
    if not inside(made):
        assert [minor(row.net, made) for row in found.rows] == [line.amount.amount for line in invoice.lines]
        assert minor(sum(found.coupons.values(), Fraction(0)), made) == sum(
            one.amount.amount for one in invoice.discounts
        )


def inside(made: Issued) -> int:
    return sum(tax.amount.amount for tax in made.invoice.taxes if tax.inclusive)


def minor(value: Fraction, made: Issued) -> int:
    scaled = value * 10 ** exponent(made.invoice.currency)
    assert scaled.denominator == 1
    return int(scaled)


def check_sums(found: read.Figures, currency: str) -> None:
    """BR-CO-10 to BR-CO-16, and each line by its price (PEPPOL-EN16931-R120), without the official rules' leeway."""
    assert found.lines == sum(row.net for row in found.rows)
    assert found.allowances == sum(found.coupons.values())
    assert found.without_tax == found.lines - found.allowances
    assert found.without_tax == sum(base for _, _, base, _ in found.taxes)
    assert found.tax == sum(amount for *_, amount in found.taxes)
    assert found.with_tax == found.without_tax + found.tax
    assert found.due == found.with_tax - found.prepaid
    for row in found.rows:
        whole = from_major(row.price * row.quantity / row.per, currency).major()
        assert Fraction(whole) - row.off == row.net
        assert row.price >= 0
        assert row.off >= 0
        assert (row.category, row.percent) in {tax[:2] for tax in found.taxes}


# -- what is said ----------------------------------------------------------------------------------


def told(case: str, path: str, syntax: str = "cii") -> list[str]:
    made = CASES[case]()
    return read.texts(WRITES[syntax](made.invoice, made.note, made.parties), path)


MEANS = "//ram:SpecifiedTradeSettlementPaymentMeans"
TERMS = "//ram:SpecifiedTradePaymentTerms"


@pytest.mark.parametrize(
    ("case", "path", "said"),
    [
        ("standard", "//rsm:ExchangedDocument/ram:TypeCode", ["380"]),
        ("standard", "//rsm:ExchangedDocument//ram:Content", ["Danke! Mo–Fr 9–17"]),
        ("standard", "//ram:SellerTradeParty//ram:SpecifiedTaxRegistration/ram:ID", ["DE123456789", "12/345/67890"]),
        ("standard", "//ram:SellerTradeParty/ram:Description", ["Geschäftsführerin: Jule"]),
        ("standard", f"{MEANS}/ram:TypeCode", ["68"]),
        ("standard", "//ram:BillingSpecifiedPeriod//udt:DateTimeString", ["20260305", "20260404"]),
        ("a whole credit", "//rsm:ExchangedDocument/ram:TypeCode", ["381"]),
        ("a whole credit", "//rsm:ExchangedDocument//ram:Content", ["Spoilt"]),
        ("a whole credit", "//ram:InvoiceReferencedDocument/ram:IssuerAssignedID", ["INV-000042"]),
        ("sent", f"{TERMS}//udt:DateTimeString", ["20260404"]),
        ("sent", f"{MEANS}/ram:TypeCode | {MEANS}//ram:IBANID | {MEANS}//ram:AccountName | {MEANS}//ram:BICID", ["58", "DE89370400440532013000", "Rösterei & Söhne", "COBADEFFXXX"]),
        ("sent", "//ram:ApplicableHeaderTradeSettlement/ram:PaymentReference", ["INV-000042"]),
        ("sent, in dollars", f"{MEANS}/ram:TypeCode", ["30"]),
        ("sent, of a bank without IBAN", f"{MEANS}/*", ["1", "First, Roaster, Routing 021000021 Account 12345"]),
        ("sent, of no bank", f"{MEANS}/*", ["68"]),
        ("in instalments", f"{TERMS}/ram:Description", ["Payment schedule: €594.99 – April 1, 2026; €297.50 – May 1, 2026; €297.50 – June 1, 2026"]),
        ("paid by the balance", f"{TERMS} | {MEANS}", []),
        ("exempt", "//ram:ApplicableTradeTax/ram:ExemptionReason", ["§ 19 UStG: Exempt from tax."]),
        ("reverse charge", "//ram:ApplicableTradeTax/ram:ExemptionReasonCode", ["VATEX-EU-AE"]),
        ("reverse charge", "//ram:BuyerTradeParty//ram:ID", ["RCS Paris 123 456 789", "FR40303265045"]),
        ("not subject to VAT", "//ram:SellerTradeParty//ram:ID | //ram:BuyerTradeParty//ram:ID", ["HRB 1234, Amtsgericht Hamburg", "12/345/67890"]),
        ("not subject to VAT", "//ram:RateApplicablePercent", []),
        ("from Norway, whose numbers have no country", "//ram:SellerTradeParty//ram:SpecifiedTaxRegistration/ram:ID", ["NO123456789MVA"]),
        ("from somebody with a tax number alone", "//ram:SellerTradeParty//ram:ID", ["12/3", "12/3"]),
        ("within the EU", "//ram:ShipToTradeParty//ram:CountryID", ["FR"]),
        ("shipped elsewhere", "//ram:ShipToTradeParty//ram:CountryID", ["BE"]),
        ("with references", "//ram:BuyerReference | //ram:BuyerOrderReferencedDocument/*", ["04011000-12345-34", "PO-77"]),
        ("with references", "//rsm:ExchangedDocument//ram:Content", ["Danke! Mo–Fr 9–17", "Cost center: 4711"]),
        ("a part of a period", "//ram:SpecifiedLineTradeSettlement//ram:BillingSpecifiedPeriod//udt:DateTimeString", ["20260315", "20260324"]),
        ("twelve decimals", "//ram:NetPriceProductTradePrice/*", ["123456.789012", "100000000"]),
        ("graduated tiers", "//ram:NetPriceProductTradePrice/* | //ram:BilledQuantity", ["19.47", "15.5", "15.5"]),
        ("a few cents, tax inside, and discounts of nothing", "//ram:SpecifiedTradeAllowanceCharge", []),
        ("a few cents, tax inside, and discounts of nothing", "//ram:LineTotalAmount", ["0.03", "0.03", "0.04", "0.10"]),
        ("percent off a unit", "//ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeAllowanceCharge/*[not(*)]", ["1.56", "95", "less 12.5%"]),
        ("names of all kinds", "//ram:SpecifiedTradeProduct/ram:Name", ["é\u0301 \ufffd\ufffd\ufffd<&>\"' ]]> \ufffd 日本語 \U0001f600", "مرحب محمد שלום", "–", "x" * 250]),
    ],
)  # fmt: skip
def test_a_document_says_what_a_person_would_look_for(case: str, path: str, said: list[str]):
    """Parties, references, days, payment and reasons stand where EN 16931 has them."""
    assert told(case, path) == said


def test_a_reader_is_told_in_their_language():
    """Words of ours are those of the document's language; codes and figures are the same in each."""
    reasons = told("read in de", "//ram:ApplicableTradeTax/ram:ExemptionReason")
    assert reasons == ["MwSt.: Steuerfrei."]
    assert told("read in de", f"{TERMS}/ram:Description") == ["Bitte zahlen Sie bis zum 4.\xa0April 2026."]
    french, japanese = (CASES[f"read in {language}"]() for language in ("fr", "ja"))
    assert (
        read.figures(xml.cii(french.invoice, None, french.parties)).taxes
        == read.figures(xml.cii(japanese.invoice, None, japanese.parties)).taxes
    )
