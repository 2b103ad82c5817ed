"""What is broken on purpose fails under the rule that it breaks: so that a document passes says something."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from chalicelib.views.einvoice import xml
from tests.einvoice import official
from tests.einvoice.cases import CASES
from tests.einvoice.read import NS

Break = Callable[[Any], None]
SETTLED = "//ram:ApplicableHeaderTradeSettlement"
SUMMED = f"{SETTLED}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
SELLER, BUYER = "//ram:SellerTradeParty", "//ram:BuyerTradeParty"
LINE = "//ram:IncludedSupplyChainTradeLineItem[1]"
SUPPLIER = "/*/cac:AccountingSupplierParty/cac:Party"
CUSTOMER = "/*/cac:AccountingCustomerParty/cac:Party"


def says(path: str, text: str) -> Break:
    """Another text at a path."""

    def change(root: Any) -> None:
        found = root.xpath(path, namespaces=NS)
        assert found, path
        assert found[0].text != text
        found[0].text = text

    return change


def lacks(path: str) -> Break:
    """Nothing at a path."""

    def change(root: Any) -> None:
        found = root.xpath(path, namespaces=NS)
        assert found, path
        for one in found:
            one.getparent().remove(one)

    return change


BROKEN: list[tuple[str, str, str, Break]] = [
    # standard: 12.50 net, 2.38 tax, 14.88; HRB, VAT id and tax number
    ("standard", "cii", "BR-CO-10", says(f"{SUMMED}/ram:LineTotalAmount", "12.51")),
    ("standard", "cii", "BR-CO-13", says(f"{SUMMED}/ram:TaxBasisTotalAmount", "12.49")),
    ("standard", "cii", "BR-CO-14", says(f"{SUMMED}/ram:TaxTotalAmount", "2.39")),
    ("standard", "cii", "BR-CO-15", says(f"{SUMMED}/ram:GrandTotalAmount", "14.89")),
    ("standard", "cii", "BR-CO-16", says(f"{SUMMED}/ram:DuePayableAmount", "14.87")),
    ("standard", "cii", "BR-CO-17", says(f"{SETTLED}/ram:ApplicableTradeTax/ram:CalculatedAmount", "3.40")),
    ("standard", "cii", "BR-S-08", says(f"{SETTLED}/ram:ApplicableTradeTax/ram:BasisAmount", "12.51")),
    ("standard", "cii", "BR-CO-18", lacks(f"{SETTLED}/ram:ApplicableTradeTax")),
    ("standard", "cii", "BR-S-02", lacks(f"{SELLER}/ram:SpecifiedTaxRegistration")),
    ("standard", "cii", "BR-S-05", says(f"{LINE}//ram:RateApplicablePercent", "0")),
    ("standard", "cii", "BR-Z-05", says(f"{LINE}//ram:CategoryCode", "Z")),
    ("standard", "cii", "PEPPOL-EN16931-R008", lacks("//ram:ActualDeliverySupplyChainEvent")),
    ("standard", "cii", "BR-DEC-23", says(f"{LINE}//ram:LineTotalAmount", "12.500")),
    ("standard", "cii", "BR-27", says(f"{LINE}//ram:NetPriceProductTradePrice/ram:ChargeAmount", "-12.50")),
    ("standard", "cii", "BR-09", lacks(f"{SELLER}/ram:PostalTradeAddress/ram:CountryID")),
    ("standard", "cii", "BR-02", lacks("//rsm:ExchangedDocument/ram:ID")),
    ("sent", "cii", "BR-50", lacks("//ram:PayeePartyCreditorFinancialAccount/ram:IBANID")),
    ("exempt", "cii", "BR-E-10", lacks(f"{SETTLED}/ram:ApplicableTradeTax/ram:ExemptionReason")),
    ("reverse charge", "cii", "BR-AE-02", lacks(f"{BUYER}/ram:SpecifiedTaxRegistration | {BUYER}/ram:SpecifiedLegalOrganization")),
    ("within the EU", "cii", "BR-IC-12", lacks("//ram:ShipToTradeParty/ram:PostalTradeAddress")),
    ("export", "cii", "BR-G-02", lacks(f"{SELLER}/ram:SpecifiedTaxRegistration[ram:ID/@schemeID='VA']")),
    ("from somebody with a tax number alone", "cii", "BR-CO-26", lacks(f"{SELLER}/ram:ID")),
    ("within the EU", "cii", "BR-IC-11", lacks(f"//ram:ActualDeliverySupplyChainEvent | {SETTLED}/ram:BillingSpecifiedPeriod")),
    ("standard", "ubl", "BR-CO-10", says("/*/cac:LegalMonetaryTotal/cbc:LineExtensionAmount", "12.51")),
    ("standard", "ubl", "BR-CO-13", says("/*/cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount", "12.49")),
    ("standard", "ubl", "BR-CO-14", says("/*/cac:TaxTotal/cbc:TaxAmount", "2.39")),
    ("standard", "ubl", "BR-CO-15", says("/*/cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount", "14.89")),
    ("standard", "ubl", "BR-CO-16", says("/*/cac:LegalMonetaryTotal/cbc:PayableAmount", "14.87")),
    ("standard", "ubl", "BR-CO-17", says("//cac:TaxSubtotal/cbc:TaxAmount", "3.40")),
    ("standard", "ubl", "BR-S-08", says("//cac:TaxSubtotal/cbc:TaxableAmount", "13.51")),
    ("standard", "ubl", "BR-CO-18", lacks("/*/cac:TaxTotal/cac:TaxSubtotal")),
    ("standard", "ubl", "BR-S-02", lacks(f"{SUPPLIER}/cac:PartyTaxScheme")),
    ("standard", "ubl", "BR-S-05", says("//cac:ClassifiedTaxCategory/cbc:Percent", "0")),
    ("standard", "ubl", "BR-Z-05", says("//cac:ClassifiedTaxCategory/cbc:ID", "Z")),
    ("standard", "ubl", "BR-DEC-23", says("//cac:InvoiceLine/cbc:LineExtensionAmount", "12.500")),
    ("standard", "ubl", "BR-27", says("//cac:Price/cbc:PriceAmount", "-12.50")),
    ("standard", "ubl", "BR-09", lacks(f"{SUPPLIER}/cac:PostalAddress/cac:Country")),
    ("standard", "ubl", "BR-11", lacks(f"{CUSTOMER}/cac:PostalAddress/cac:Country")),
    ("standard", "ubl", "BR-CL-04", says("/*/cbc:DocumentCurrencyCode", "EUX")),
    ("standard", "ubl", "BR-CO-09", says(f"{SUPPLIER}/cac:PartyTaxScheme/cbc:CompanyID", "123456789")),
    ("exempt", "ubl", "BR-E-10", lacks("//cac:TaxSubtotal//cbc:TaxExemptionReason")),
    ("reverse charge", "ubl", "BR-AE-02", lacks(f"{CUSTOMER}/cac:PartyTaxScheme | {CUSTOMER}/cac:PartyLegalEntity/cbc:CompanyID")),
    ("within the EU", "ubl", "BR-IC-12", lacks("//cac:DeliveryLocation")),
    ("not subject to VAT", "ubl", "BR-O-12", says("//cac:ClassifiedTaxCategory/cbc:ID", "S")),
    ("a coupon in percent", "ubl", "BR-CO-11", says("/*/cac:LegalMonetaryTotal/cbc:AllowanceTotalAmount", "99.99")),
    ("a whole credit", "ubl", "BR-55", lacks("//cac:InvoiceDocumentReference/cbc:ID")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "syntax", "rule", "change"),
    BROKEN,
    ids=[f"{case}-{syntax}-{rule}" for case, syntax, rule, _ in BROKEN],
)
def test_what_is_broken_fails_by_its_rule(case: str, syntax: str, rule: str, change: Break):
    """The rule is named among those that fail (of Factur-X's own one only warns), and nothing was found before."""
    made = CASES[case]()
    write = xml.cii if syntax == "cii" else xml.ubl
    written = write(made.invoice, made.note, made.parties)
    assert (official.judged(written).failed, official.judged(written).warned) == ((), ())
    root = etree.fromstring(written)
    change(root)
    verdict = official.judged(etree.tostring(root))
    assert rule in (verdict.warned if rule.startswith("PEPPOL") else verdict.failed)


def test_a_term_in_the_wrong_place_does_not_fit_the_schema():
    """The XSD sees what the schematron does not: an order of elements."""
    made = CASES["standard"]()
    root = etree.fromstring(xml.ubl(made.invoice, None, made.parties))
    root.append(root[0])
    assert official.fits(etree.tostring(root)) != []
