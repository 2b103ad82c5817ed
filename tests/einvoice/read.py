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


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """Where a syntax has each figure: from the root, and from each line, each document allowance and each tax."""

    figures: dict[str, str]
    rows: str
    row: dict[str, str]
    coupons: str
    coupon: tuple[str, str]
    taxes: str
    tax: tuple[str, str, str, str]


_TRADE = "rsm:SupplyChainTradeTransaction"
_SETTLED = f"{_TRADE}/ram:ApplicableHeaderTradeSettlement"
_SUMMED = f"{_SETTLED}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_PRICE = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice"
_OF_LINE = "ram:SpecifiedLineTradeSettlement"
CII = Syntax(
    figures={
        "lines": f"{_SUMMED}/ram:LineTotalAmount",
        "allowances": f"{_SUMMED}/ram:AllowanceTotalAmount",
        "without_tax": f"{_SUMMED}/ram:TaxBasisTotalAmount",
        "tax": f"{_SUMMED}/ram:TaxTotalAmount",
        "with_tax": f"{_SUMMED}/ram:GrandTotalAmount",
        "prepaid": f"{_SUMMED}/ram:TotalPrepaidAmount",
        "due": f"{_SUMMED}/ram:DuePayableAmount",
    },
    rows=f"{_TRADE}/ram:IncludedSupplyChainTradeLineItem",
    row={
        "name": "ram:SpecifiedTradeProduct/ram:Name",
        "quantity": "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",
        "price": f"{_PRICE}/ram:ChargeAmount",
        "per": f"{_PRICE}/ram:BasisQuantity",
        "net": f"{_OF_LINE}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
        "off": f"{_OF_LINE}/ram:SpecifiedTradeAllowanceCharge/ram:ActualAmount",
        "category": f"{_OF_LINE}/ram:ApplicableTradeTax/ram:CategoryCode",
        "percent": f"{_OF_LINE}/ram:ApplicableTradeTax/ram:RateApplicablePercent",
    },
    coupons=f"{_SETTLED}/ram:SpecifiedTradeAllowanceCharge",
    coupon=("ram:Reason", "ram:ActualAmount"),
    taxes=f"{_SETTLED}/ram:ApplicableTradeTax",
    tax=("ram:CategoryCode", "ram:RateApplicablePercent", "ram:BasisAmount", "ram:CalculatedAmount"),
)
UBL = Syntax(
    figures={
        "lines": "cac:LegalMonetaryTotal/cbc:LineExtensionAmount",
        "allowances": "cac:LegalMonetaryTotal/cbc:AllowanceTotalAmount",
        "without_tax": "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount",
        "tax": "cac:TaxTotal/cbc:TaxAmount",
        "with_tax": "cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount",
        "prepaid": "cac:LegalMonetaryTotal/cbc:PrepaidAmount",
        "due": "cac:LegalMonetaryTotal/cbc:PayableAmount",
    },
    rows="cac:InvoiceLine | cac:CreditNoteLine",
    row={
        "name": "cac:Item/cbc:Name",
        "quantity": "cbc:InvoicedQuantity | cbc:CreditedQuantity",
        "price": "cac:Price/cbc:PriceAmount",
        "per": "cac:Price/cbc:BaseQuantity",
        "net": "cbc:LineExtensionAmount",
        "off": "cac:AllowanceCharge/cbc:Amount",
        "category": "cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
        "percent": "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
    },
    coupons="cac:AllowanceCharge",
    coupon=("cbc:AllowanceChargeReason", "cbc:Amount"),
    taxes="cac:TaxTotal/cac:TaxSubtotal",
    tax=("cac:TaxCategory/cbc:ID", "cac:TaxCategory/cbc:Percent", "cbc:TaxableAmount", "cbc:TaxAmount"),
)


def figures(xml: bytes) -> Figures:
    """The figures of a document of either syntax."""
    root = etree.fromstring(xml)
    syntax = CII if root.tag.endswith("}CrossIndustryInvoice") else UBL
    made = Figures(
        **{name: _number(root, path) for name, path in syntax.figures.items()},
        rows=[_row(one, syntax.row) for one in _all(root, syntax.rows)],
    )
    for one in _all(root, syntax.coupons):
        reason, amount = syntax.coupon
        name = _one(one, reason)
        made.coupons[name] = made.coupons.get(name, Fraction(0)) + _number(one, amount)
    for one in _all(root, syntax.taxes):
        category, percent, base, tax = syntax.tax
        made.taxes.append((_one(one, category), _one(one, percent), _number(one, base), _number(one, tax)))
    return made


def texts(xml: bytes, path: str) -> list[str]:
    """The texts at an XPath."""
    return [str(one.text) for one in etree.fromstring(xml).xpath(path, namespaces=NS)]


def _row(node: Any, at: dict[str, str]) -> Row:
    return Row(
        name=_one(node, at["name"]),
        quantity=_number(node, at["quantity"]),
        price=_number(node, at["price"]),
        per=_number(node, at["per"], "1"),
        net=_number(node, at["net"]),
        off=sum((Fraction(one.text) for one in _all(node, at["off"])), Fraction(0)),
        category=_one(node, at["category"]),
        percent=_one(node, at["percent"]),
    )


def _one(node: Any, path: str, nothing: str = "0") -> str:
    found = node.xpath(path, namespaces=NS)
    assert len(found) <= 1, path
    return str(found[0].text) if found else nothing


def _all(node: Any, path: str) -> list[Any]:
    return list(node.xpath(path, namespaces=NS))


def _number(node: Any, path: str, nothing: str = "0") -> Fraction:
    return Fraction(Decimal(_one(node, path, nothing)))
