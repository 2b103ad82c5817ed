"""What makes no valid document is refused with the term that lacks and where to set it; what is not refused is valid."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.tax import Category, Exemption, Tax
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Profile
from chalicelib.crm.tax_ids import TaxId
from chalicelib.views.einvoice import gaps, xml
from tests.einvoice import official, read, shelf
from tests.einvoice.shelf import BUSINESS, COMPANY, CONTACT, PERSON, PROFILE, VAT, invoice, line
from tests.einvoice.test_valid import check_sums

NUMBER_ALONE = (TaxId(type="de_stn", value="12/345/67890"),)


def profile(parties: Parties = PERSON, **said: Any) -> Parties:
    return replace(parties, profile=replace(PROFILE, **said))


def company(**said: Any) -> Parties:
    return replace(BUSINESS, company=replace(COMPANY, **said))


def of(tax: Tax) -> Callable[[], Invoice]:
    return lambda: invoice(line(tax=tax), taxes=(tax,))


STANDARD, REVERSE, WITHIN, EXPORT, OUTSIDE = (of(one) for one in (VAT, shelf.AE, shelf.K, shelf.G, shelf.O))
TWO = Tax(id="two", name="Levy", percent=Decimal(2))

LACKING: list[tuple[str, str, str, Callable[[], Invoice], Parties]] = [
    ("BG-5", "POST /v1/profile", "profile.address", STANDARD, profile(address=None)),
    ("BT-27", "POST /v1/profile", "profile.legal_name", STANDARD, profile(legal_name="\ufeff")),
    ("BT-31", "POST /v1/profile", "profile.tax_ids", STANDARD, profile(tax_ids=())),
    ("BT-31", "POST /v1/profile", "profile.tax_ids", REVERSE, profile(BUSINESS, tax_ids=())),
    ("BT-31", "POST /v1/profile", "profile.tax_ids", WITHIN, profile(BUSINESS, tax_ids=NUMBER_ALONE)),
    ("BT-31", "POST /v1/profile", "profile.tax_ids", EXPORT, profile(tax_ids=NUMBER_ALONE)),
    ("BT-30", "POST /v1/profile", "profile.registration", OUTSIDE, profile(registration="", tax_ids=PROFILE.tax_ids[:1])),
    ("BG-8", "POST /v1/contacts/con_1", "contact.address", STANDARD, replace(PERSON, contact=replace(CONTACT, address=None))),
    ("BG-8", "POST /v1/companies/com_1", "company.address", STANDARD, replace(company(address=None), contact=replace(CONTACT, address=None))),
    ("BT-44", "POST /v1/contacts/con_1", "contact.name", STANDARD, replace(PERSON, contact=replace(CONTACT, name=" "))),
    ("BT-48", "POST /v1/contacts/con_1", "contact.tax_ids", REVERSE, PERSON),
    ("BT-48", "POST /v1/companies/com_1", "company.tax_ids", WITHIN, company(tax_ids=())),
    ("BT-5", "another currency", "currency", lambda: invoice(line(), currency="kwd"), PERSON),
    ("BT-151", "line 2, which has no tax", "lines[1].taxes", lambda: invoice(line(), line(tax=None)), PERSON),
    ("BT-151", "line 1, which has 2 taxes", "lines[0].taxes", lambda: invoice(replace(line(), taxes=("vat", "two")), taxes=(VAT, TWO)), PERSON),
    ("BT-118", "BR-O-11", "taxes", lambda: invoice(line(), line(tax=shelf.O), taxes=(VAT, shelf.O)), PERSON),
    ("BT-117", "0.4 %", "taxes", lambda: invoice(line(100_000, slight := Tax(id="s", name="S", percent=Decimal("0.4"))), taxes=(slight,)), PERSON),
]  # fmt: skip


@pytest.mark.parametrize(("term", "where", "param", "made", "parties"), LACKING)
def test_what_lacks_is_named_with_where_to_set_it(
    term: str, where: str, param: str, made: Callable[[], Invoice], parties: Parties
):
    """The term, the route or what to do instead, and the field to blame; the same in both syntaxes."""
    with pytest.raises(Invalid) as refused:
        xml.cii(made(), None, parties)
    with pytest.raises(Invalid, match=re.escape(refused.value.detail)):
        xml.ubl(made(), None, parties)
    assert refused.value.code == "einvoice_incomplete"
    assert refused.value.param == param
    assert f" {term} " in refused.value.detail
    assert where in refused.value.detail
    assert refused.value.detail.endswith("issued from now on.")


def test_all_that_lacks_is_named_at_once():
    """Nobody sets one thing to be told of the next."""
    nothing = Profile(account="acct_1", id="acct_1", created_at=shelf.NOW)
    nobody = replace(PERSON, profile=nothing, contact=replace(CONTACT, address=None))
    with pytest.raises(Invalid) as refused:
        xml.cii(invoice(line(), line(tax=None)), None, nobody)
    for term in ("BG-5", "BT-31", "BG-8", "BT-151"):
        assert f" {term} " in refused.value.detail


def test_many_lines_that_lack_are_counted():
    """A sentence that names five hundred lines would be read by nobody."""
    with pytest.raises(Invalid, match="; and 495 more") as refused:
        xml.cii(invoice(*[line(tax=None)] * 500), None, PERSON)
    assert len(refused.value.detail) < 1500


def test_a_credit_note_asks_for_what_its_own_lines_need():
    """A line that cannot be told does not keep another one from being credited."""
    sold = invoice(line(), line(tax=None))
    note = shelf.note(sold, shelf.Wanted(line=0))
    assert official.judged(xml.cii(sold, note, PERSON)).failed == ()
    with pytest.raises(Invalid, match="BT-151"):
        xml.cii(sold, shelf.note(sold, shelf.Wanted(line=1)), PERSON)


def test_a_credit_note_is_by_its_own_lines_alone():
    """Of an invoice that mixes what is subject to VAT with what is not, each may still be credited by itself."""
    sold = invoice(line(), line(tax=shelf.O, id="li_2"), taxes=(VAT, shelf.O))
    whose = profile(tax_ids=PROFILE.tax_ids[:1])
    for n in range(2):
        note = shelf.note(sold, shelf.Wanted(line=n))
        assert official.judged(xml.cii(sold, note, whose)).failed == ()
        assert official.judged(xml.ubl(sold, note, whose)).failed == ()


def test_a_tax_that_was_computed_elsewhere_must_be_of_what_it_is_on():
    """Automatic tax may tax a part of a line, or round each line: the breakdown would not add up, and is refused."""
    sold = invoice(line())
    [tax] = sold.taxes
    part = replace(sold, taxes=(replace(tax, base=Money(1200, "eur")),))
    with pytest.raises(Invalid, match="BT-116 taxable amount at 19 %"):
        xml.cii(part, None, PERSON)
    cents = [line(33, None, id=f"li_{n}", name=f"Item {n}") for n in range(500)]
    with pytest.raises(Invalid, match="BT-117 tax amount at 19 %"):
        xml.cii(shelf.automatic(*cents), None, PERSON)
    assert official.judged(xml.cii(shelf.automatic(*cents[:50]), None, PERSON)).failed == ()
    with pytest.raises(Invalid, match="BT-112 the invoice total with VAT"):
        xml.cii(replace(sold, total=Money(1587, "eur")), None, PERSON)


def test_yen_that_were_rounded_to_a_whole_one_too_many_are_refused():
    """Half of three yen is two, and half is one: the tax inside would be a whole yen more than that of its base (BR-CO-17)."""
    half = Tax(id="half", name="Half", percent=Decimal(100), inclusive=True)
    with pytest.raises(Invalid, match="BT-117 tax amount at 100 %"):
        xml.ubl(invoice(line(3, half), taxes=(half,), currency="jpy"), None, PERSON)
    assert official.judged(xml.ubl(invoice(line(3, half), taxes=(half,)), None, PERSON)).failed == ()


@pytest.mark.parametrize(
    ("made", "parties", "rule"),
    [
        (STANDARD, profile(address=None), "BR-08"),
        (STANDARD, profile(tax_ids=()), "BR-S-02"),
        (REVERSE, PERSON, "BR-AE-02"),
        (WITHIN, company(tax_ids=()), "BR-IC-02"),
        (EXPORT, profile(tax_ids=NUMBER_ALONE), "BR-G-02"),
        (OUTSIDE, profile(registration="", tax_ids=PROFILE.tax_ids[:1]), "BR-CO-26"),
        (lambda: invoice(line(), line(tax=shelf.O), taxes=(VAT, shelf.O)), PERSON, "BR-O-11"),
        (lambda: invoice(line(), currency="kwd"), PERSON, "BR-DEC-23"),
        (LACKING[-1][3], PERSON, "BR-CO-17"),
    ],
)
def test_what_is_refused_would_not_be_valid(
    monkeypatch: pytest.MonkeyPatch, made: Callable[[], Invoice], parties: Parties, rule: str
):
    """Written all the same, it fails by a rule of EN 16931: nothing is refused that could have been sent."""
    monkeypatch.setattr(gaps, "_refuse", lambda _: None)
    assert rule in official.judged(xml.ubl(made(), None, parties)).failed


# -- whatever lacks --------------------------------------------------------------------------------

FREE = tuple(shelf.free(one) for one in Category if one is not Category.STANDARD)
SOME = (VAT, shelf.REDUCED, shelf.ODD, shelf.INSIDE, *FREE)
ids = st.lists(
    st.sampled_from(
        [
            TaxId(type="eu_vat", value="DE123456789"),
            TaxId(type="de_stn", value="12/345"),
            TaxId(type="gb_vat", value="123 4567 89"),
            TaxId(type="eu_oss_vat", value="EU123456789"),
        ]
    ),
    max_size=2,
).map(tuple)
words = st.sampled_from(["", "  ", "HRB 1", "\u202a", "é\u0000", "\ud800"])


@st.composite
def parties(draw: st.DrawFn) -> Parties:
    """Somebody to somebody, of whom much is not known."""
    buyer = replace(
        CONTACT,
        name=draw(words),
        address=draw(st.sampled_from([None, CONTACT.address])),
        tax_ids=draw(ids),
        tax_exempt=draw(st.sampled_from([None, *Exemption])),
    )
    firm = replace(
        COMPANY,
        name=draw(words),
        address=draw(st.sampled_from([None, COMPANY.address])),
        registration=draw(words),
        tax_ids=draw(ids),
    )
    return replace(
        profile(
            address=draw(st.sampled_from([None, PROFILE.address])),
            legal_name=draw(words),
            registration=draw(words),
            tax_ids=draw(ids),
            phone=draw(words),
        ),
        contact=buyer,
        company=draw(st.sampled_from([None, firm])),
    )


@settings(max_examples=150, deadline=None)
@given(
    taxes=st.lists(st.sampled_from(SOME), min_size=1, max_size=2, unique=True),
    whose=parties(),
    credits_=st.booleans(),
)
def test_what_is_not_refused_is_valid(taxes: list[Tax], whose: Parties, credits_: bool):
    """Whatever of the parties is not known: a document is refused, or passes the official rules in both syntaxes."""
    sold = invoice(
        *(line(999, tax, 3, id=tax.id) for tax in taxes), taxes=taxes, exemption=whose.contact.tax_exempt
    )
    note = shelf.note(sold) if credits_ else None
    try:
        both = xml.cii(sold, note, whose), xml.ubl(sold, note, whose)
    except Invalid:
        return
    for written in both:
        assert official.fits(written) == []
        assert official.judged(written).failed == ()
        check_sums(read.figures(written), "eur")
