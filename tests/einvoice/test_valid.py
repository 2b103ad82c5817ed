"""Every kind of invoice and credit note passes the official rules in both syntaxes, and says what was issued to the cent."""

from fractions import Fraction

import pytest

from chalicelib.billing.currencies import exponent
from chalicelib.billing.money import from_major
from chalicelib.views.einvoice import xml
from tests.einvoice import official, read
from tests.einvoice.shelf import CASES, Issued

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
