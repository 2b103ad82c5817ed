"""Both syntaxes read again by their own paths, with nothing of what wrote them: figures as exact numbers, by EN 16931's terms."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lxml import etree

NS = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


@dataclass
class Row:
    """A line: BT-153, BT-129, BT-146, BT-149, BT-131, the sum of BG-27, BT-151 and BT-152."""

    name: str
    quantity: Fraction
    price: Fraction
    per: Fraction
    net: Fraction
    off: Fraction
    category: str
    percent: str


@dataclass
class Figures:
    """The sums of a document: BT-106, BT-107, BT-109, BT-110, BT-112, BT-113, BT-115; coupons by name, BG-23 as rows."""

    lines: Fraction
    allowances: Fraction
    without_tax: Fraction
    tax: Fraction
    with_tax: Fraction
    prepaid: Fraction
    due: Fraction
    rows: list[Row]
    coupons: dict[str, Fraction] = field(default_factory=dict)
    taxes: list[tuple[str, str, Fraction, Fraction]] = field(default_factory=list)


def figures(xml: bytes) -> Figures:
    """The figures of a document of either syntax."""
    root = etree.fromstring(xml)
    return _cii(root) if root.tag.endswith("}CrossIndustryInvoice") else _ubl(root)


def texts(xml: bytes, path: str) -> list[str]:
    """The texts at an XPath."""
    return [str(one.text) for one in etree.fromstring(xml).xpath(path, namespaces=NS)]


def _one(node: Any, path: str, nothing: str = "0") -> str:
    found = node.xpath(path, namespaces=NS)
    assert len(found) <= 1, path
    return str(found[0].text) if found else nothing


def _all(node: Any, path: str) -> list[Any]:
    return list(node.xpath(path, namespaces=NS))


def _sum(node: Any, path: str) -> Fraction:
    return sum((Fraction(one.text) for one in _all(node, path)), Fraction(0))


def _number(node: Any, path: str, nothing: str = "0") -> Fraction:
    return Fraction(Decimal(_one(node, path, nothing)))


def _cii(root: Any) -> Figures:
    settled = _all(root, "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement")[0]
    summed = _all(settled, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")[0]
    made = Figures(
        lines=_number(summed, "ram:LineTotalAmount"),
        allowances=_number(summed, "ram:AllowanceTotalAmount"),
        without_tax=_number(summed, "ram:TaxBasisTotalAmount"),
        tax=_number(summed, "ram:TaxTotalAmount"),
        with_tax=_number(summed, "ram:GrandTotalAmount"),
        prepaid=_number(summed, "ram:TotalPrepaidAmount"),
        due=_number(summed, "ram:DuePayableAmount"),
        rows=[
            _cii_row(one)
            for one in _all(root, "rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem")
        ],
    )
    for one in _all(settled, "ram:SpecifiedTradeAllowanceCharge"):
        name = _one(one, "ram:Reason")
        made.coupons[name] = made.coupons.get(name, Fraction(0)) + _number(one, "ram:ActualAmount")
    for one in _all(settled, "ram:ApplicableTradeTax"):
        rate = _one(one, "ram:CategoryCode"), _one(one, "ram:RateApplicablePercent")
        made.taxes.append((*rate, _number(one, "ram:BasisAmount"), _number(one, "ram:CalculatedAmount")))
    return made


def _cii_row(node: Any) -> Row:
    price = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice"
    settled = "ram:SpecifiedLineTradeSettlement"
    return Row(
        name=_one(node, "ram:SpecifiedTradeProduct/ram:Name"),
        quantity=_number(node, "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity"),
        price=_number(node, f"{price}/ram:ChargeAmount"),
        per=_number(node, f"{price}/ram:BasisQuantity", "1"),
        net=_number(node, f"{settled}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"),
        off=_sum(node, f"{settled}/ram:SpecifiedTradeAllowanceCharge/ram:ActualAmount"),
        category=_one(node, f"{settled}/ram:ApplicableTradeTax/ram:CategoryCode"),
        percent=_one(node, f"{settled}/ram:ApplicableTradeTax/ram:RateApplicablePercent"),
    )


def _ubl(root: Any) -> Figures:
    summed = _all(root, "cac:LegalMonetaryTotal")[0]
    made = Figures(
        lines=_number(summed, "cbc:LineExtensionAmount"),
        allowances=_number(summed, "cbc:AllowanceTotalAmount"),
        without_tax=_number(summed, "cbc:TaxExclusiveAmount"),
        tax=_number(root, "cac:TaxTotal/cbc:TaxAmount"),
        with_tax=_number(summed, "cbc:TaxInclusiveAmount"),
        prepaid=_number(summed, "cbc:PrepaidAmount"),
        due=_number(summed, "cbc:PayableAmount"),
        rows=[_ubl_row(one) for one in _all(root, "cac:InvoiceLine | cac:CreditNoteLine")],
    )
    for one in _all(root, "cac:AllowanceCharge"):
        name = _one(one, "cbc:AllowanceChargeReason")
        made.coupons[name] = made.coupons.get(name, Fraction(0)) + _number(one, "cbc:Amount")
    for one in _all(root, "cac:TaxTotal/cac:TaxSubtotal"):
        rate = _one(one, "cac:TaxCategory/cbc:ID"), _one(one, "cac:TaxCategory/cbc:Percent")
        made.taxes.append((*rate, _number(one, "cbc:TaxableAmount"), _number(one, "cbc:TaxAmount")))
    return made


def _ubl_row(node: Any) -> Row:
    return Row(
        name=_one(node, "cac:Item/cbc:Name"),
        quantity=_number(node, "cbc:InvoicedQuantity | cbc:CreditedQuantity"),
        price=_number(node, "cac:Price/cbc:PriceAmount"),
        per=_number(node, "cac:Price/cbc:BaseQuantity", "1"),
        net=_number(node, "cbc:LineExtensionAmount"),
        off=_sum(node, "cac:AllowanceCharge/cbc:Amount"),
        category=_one(node, "cac:Item/cac:ClassifiedTaxCategory/cbc:ID"),
        percent=_one(node, "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent"),
    )
