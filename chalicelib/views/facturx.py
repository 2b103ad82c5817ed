"""What a PDF with an e-invoice says of itself in its metadata (XMP), as Factur-X 1.0 wants it; typst does not write it.

typst's metadata is a stream of plain text near the end of the file, and has a bag of extension schemas already: ours is added
to it, and what lies behind moves by as much in the file's table of contents. The same bytes give the same bytes.
"""

import re
from typing import Final

from chalicelib.billing.errors import PerennialError

NAME: Final = "factur-x.xml"
_URI: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES: Final = (
    ("DocumentFileName", NAME, "The name of the embedded XML document"),
    ("DocumentType", "INVOICE", "The type of the hybrid document in capital letters, INVOICE or ORDER"),
    ("Version", "1.0", "The version of the standard that the embedded XML document follows"),
    ("ConformanceLevel", "EN 16931", "The conformance level of the embedded XML document"),
)
_METADATA: Final = re.compile(rb"(\d+) 0 obj\n<</Length (\d+)/Type/Metadata/Subtype/XML>>\nstream\n")
_SCHEMAS: Final = b"<pdfaExtension:schemas><rdf:Bag>"


class UnknownLayout(PerennialError):
    """The PDF is not laid out as typst does it: another version of it, which this must be adapted to."""

    def __init__(self, what: str) -> None:
        super().__init__("unknown_pdf_layout", f"typst's PDF has no {what} where it was expected.")


def declared(pdf: bytes) -> bytes:
    """A PDF of typst's whose metadata say that it carries an invoice of EN 16931. Raises UnknownLayout."""
    found = list(_METADATA.finditer(pdf))
    if len(found) != 1:
        raise UnknownLayout("metadata")
    begins = found[0].end()
    ends = begins + int(found[0][2])
    before = pdf[begins:ends]
    if before.count(_SCHEMAS) != 1:
        raise UnknownLayout("bag of extension schemas")
    after = before.replace(_SCHEMAS, _VALUES + _SCHEMAS + _SCHEMA)
    head = found[0][0].replace(b"/Length %d/" % len(before), b"/Length %d/" % len(after))
    return _moved(pdf, found[0].start(), head + after, ends)


def _moved(pdf: bytes, begins: int, instead: bytes, ends: int) -> bytes:
    """The PDF with other bytes in place of some; each object behind them is found where it is then."""
    by = len(instead) - (ends - begins)
    at = pdf.rfind(b"startxref\n")
    table = int(pdf[at:].split(b"\n", 2)[1])
    if not pdf.startswith(b"xref\n0 ", table):
        raise UnknownLayout("table of objects")

    def entry(found: re.Match[bytes]) -> bytes:
        offset = int(found[1])
        return b"%010d%s" % (offset + by if offset > begins else offset, found[2])

    trailer = pdf.find(b"trailer\n", table)
    objects = re.sub(rb"(?m)^(\d{10})( \d{5} n)", entry, pdf[table:trailer])
    tail = pdf[trailer:at] + b"startxref\n%d\n%%%%EOF" % (table + by)
    return pdf[:begins] + instead + pdf[ends:table] + objects + tail


_VALUES: Final = "".join(
    f'<fx:{name} xmlns:fx="{_URI}">{value}</fx:{name}>' for name, value, _ in _PROPERTIES
).encode()
_SCHEMA: Final = (
    '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
    f"<pdfaSchema:namespaceURI>{_URI}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    "<pdfaSchema:property><rdf:Seq>"
    + "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{told}</pdfaProperty:description></rdf:li>"
        for name, _, told in _PROPERTIES
    )
    + "</rdf:Seq></pdfaSchema:property></rdf:li>"
).encode()
