"""Taxes: once per rate on the sum of its lines, shared to the lines, on top of prices or inside them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import automatic_tax
from chalicelib.billing.addresses import Address, check_address
from chalicelib.billing.automatic_tax import LineTax, TaxAnswer, TaxLine, TaxQuestion
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.money import round_half_up
from chalicelib.billing.tax import (
    Category,
    Exemption,
    Levy,
    Tax,
    TaxRate,
    check_percentage,
    levied,
)

VAT = Tax(id="vat", name="VAT", percent=Decimal(19))
INSIDE = Tax(id="inside", name="VAT", percent=Decimal(19), inclusive=True)


def of(amounts: list[int], on: list[tuple[str, ...]], *taxes: Tax) -> tuple[Levy, ...]:
    return levied(amounts, on, {tax.id: tax for tax in taxes})


def one(amounts: list[int], tax: Tax) -> Levy:
    """One tax that is on every line."""
    return of(amounts, [(tax.id,)] * len(amounts), tax)[0]


# -- examples -----------------------------------------------------------------------------------


def test_a_tax_is_rounded_once_on_the_sum():
    """Three lines of 0.03 at 19 percent are 0.02 of tax; rounded line by line they would be 0.03."""
    levy = one([3, 3, 3], VAT)
    assert (levy.base, levy.amount, levy.shares) == (9, 2, (1, 1, 0))


def test_a_tax_inside_is_taken_out_of_the_price():
    """Of 119.00 with 19 percent inside 19.00 are tax, and nothing is added."""
    levy = one([11900], INSIDE)
    assert (levy.base, levy.amount) == (10000, 1900)


def test_two_taxes_inside_a_price_are_taken_out_together():
    """Canada's 5 and 9.975 percent in 114.98: both are of the 100.00 that is left without the two."""
    gst = Tax(id="gst", name="GST", percent=Decimal(5), inclusive=True)
    qst = Tax(id="qst", name="QST", percent=Decimal("9.975"), inclusive=True)
    levies = of([11498], [("gst", "qst")], gst, qst)
    assert [(levy.base, levy.amount) for levy in levies] == [(10000, 500), (10000, 998)]


def test_a_tax_on_top_is_of_what_the_taxes_inside_leave():
    """120.00 with 20 percent inside and 10 on top: 20.00 inside, and 10.00 on top of the 100.00."""
    inside = Tax(id="a", name="A", percent=Decimal(20), inclusive=True)
    on_top = Tax(id="b", name="B", percent=Decimal(10))
    levies = of([12000], [("a", "b")], on_top, inside)
    assert [(levy.tax.id, levy.base, levy.amount) for levy in levies] == [
        ("b", 10000, 1000),
        ("a", 10000, 2000),
    ]


def test_each_line_has_its_own_taxes():
    """A rate is of its lines alone; one that no line has is no tax of the invoice."""
    reduced = Tax(id="reduced", name="VAT", percent=Decimal(7))
    spare = Tax(id="spare", name="VAT", percent=Decimal(1))
    levies = of([1000, 2000, 500], [("vat",), ("reduced",), ()], VAT, reduced, spare)
    assert [(levy.base, levy.amount, levy.shares, levy.on) for levy in levies] == [
        (1000, 190, (190, 0, 0), (True, False, False)),
        (2000, 140, (0, 140, 0), (False, True, False)),
    ]


def test_nothing_charged_is_nothing_taxed():
    """A line of zero has a share of zero, and lines of zero alone a tax of zero on a base of zero."""
    assert one([0, 1000], VAT).shares == (0, 190)
    for tax in (VAT, INSIDE):
        assert (one([0, 0], tax).base, one([0, 0], tax).amount) == (0, 0)
    assert of([], [], VAT) == ()


def test_a_rate_of_zero_keeps_its_base():
    """Zero-rated sales are stated with what they come to (BT-116), and no tax."""
    zero = Tax(id="z", name="Zero", percent=Decimal(0), category=Category.ZERO)
    assert (one([1000, 234], zero).base, one([1000, 234], zero).amount) == (1234, 0)


@pytest.mark.parametrize(
    ("exemption", "category"),
    [(Exemption.EXEMPT, Category.EXEMPT), (Exemption.REVERSE, Category.REVERSE_CHARGE)],
)
def test_who_is_spared_a_tax_inside_pays_the_same_price(exemption: Exemption, category: Category):
    """The price stays 119.00; there is no tax in it, and the category says why."""
    levy = one([11900], INSIDE.spared(exemption))
    assert (levy.base, levy.amount, levy.tax.category) == (11900, 0, category)
    on_top = one([10000], VAT.spared(exemption))
    assert (on_top.base, on_top.amount, on_top.tax.category) == (10000, 0, category)


def test_prices_of_a_cent_never_have_more_tax_inside_than_price():
    """Three taxes of 100 percent in 0.02 would round to 0.01 each: the last finds no room."""
    taxes = [Tax(id=name, name=name, percent=Decimal(100), inclusive=True) for name in "abc"]
    levies = of([2], [("a", "b", "c")], *taxes)
    assert [(levy.base, levy.amount) for levy in levies] == [(0, 1), (0, 1), (0, 0)]
    spread = of([1, 1], [("a", "b"), ("a", "b")], *taxes[:2])
    assert [levy.shares for levy in spread] == [(1, 0), (0, 1)]
    # Five of 100 percent in 0.09 are 0.015 each, and round to 0.02: the last has room for 0.01 of it.
    five = of(
        [9],
        [tuple("abcde")],
        *(Tax(id=name, name=name, percent=Decimal(100), inclusive=True) for name in "abcde"),
    )
    assert [(levy.base, levy.amount) for levy in five] == [(0, 2), (0, 2), (0, 2), (0, 2), (0, 1)]


def test_taxes_are_told_of_every_line():
    """Amounts without their lines' taxes are an error of ours, and are not shared by those that have some."""
    for amounts in ([100], [100, 100, 100]):
        with pytest.raises(ValueError, match="zip"):
            of(amounts, [("inside",), ("inside",)], INSIDE)
        with pytest.raises(ValueError, match="zip"):
            of(amounts, [("vat",), ()], VAT)


@pytest.mark.parametrize(
    ("amounts", "shares"),
    [([1, 1, 1], [(1, 0, 0), (0, 1, 0)]), ([1, 1, 4], [(1, 0, 1), (0, 1, 1)])],
)
def test_what_a_line_has_no_room_for_goes_to_the_next(amounts: list[int], shares: list[tuple[int, ...]]):
    """The second tax keeps its amount, moved by as little as fits, to a line that has it."""
    taxes = [Tax(id=name, name=name, percent=Decimal(100), inclusive=True) for name in "ab"]
    assert [levy.shares for levy in of(amounts, [("a", "b")] * 3, *taxes)] == shares
    apart = of([1, *amounts], [(), *[("a", "b")] * 3], *taxes)
    assert [levy.shares for levy in apart] == [(0, *one_) for one_ in shares]


# -- properties ---------------------------------------------------------------------------------

percents = st.decimals(0, 100, places=3)
amounts_ = st.lists(st.integers(0, 10**9) | st.integers(0, 20), min_size=1, max_size=8)


@st.composite
def invoices(draw: st.DrawFn) -> tuple[list[int], list[tuple[str, ...]], list[Tax]]:
    """Amounts, which taxes each line has, and the taxes: up to four, on top or inside."""
    amounts = draw(amounts_)
    kinds = draw(st.lists(st.tuples(percents, st.booleans()), min_size=1, max_size=4))
    taxes = [
        Tax(id=f"t{n}", name="T", percent=percent, inclusive=inclusive)
        for n, (percent, inclusive) in enumerate(kinds)
    ]
    ids = st.lists(st.sampled_from([tax.id for tax in taxes]), unique=True).map(tuple)
    on = draw(st.lists(ids, min_size=len(amounts), max_size=len(amounts)))
    return amounts, on, taxes


@given(invoices())
@settings(max_examples=400)
def test_shares_sum_to_the_tax(invoice: Any):
    """Each rate's amount is shared without remainder, to its own lines alone, none below zero."""
    amounts, on, taxes = invoice
    for levy in of(amounts, on, *taxes):
        assert sum(levy.shares) == levy.amount
        assert levy.on == tuple(levy.tax.id in ids for ids in on)
        assert all(share >= 0 for share in levy.shares)
        assert all(has or not share for share, has in zip(levy.shares, levy.on, strict=True))


@given(invoices())
@settings(max_examples=400)
def test_a_base_is_what_its_lines_are_without_the_taxes_inside(invoice: Any):
    """Line by line: the price is the base and the taxes inside, and no base is below zero."""
    amounts, on, taxes = invoice
    levies = of(amounts, on, *taxes)
    bases = list(amounts)
    for levy in levies:
        if levy.tax.inclusive:
            bases = [base - share for base, share in zip(bases, levy.shares, strict=True)]
    assert all(base >= 0 for base in bases)
    for levy in levies:
        assert levy.base == sum(base for base, has in zip(bases, levy.on, strict=True) if has)


@given(invoices())
@settings(max_examples=400)
def test_a_tax_on_top_is_its_percentage_of_the_base_that_is_printed(invoice: Any):
    """EN 16931, BR-CO-17: base x rate, rounded half up, whatever is inside the prices."""
    amounts, on, taxes = invoice
    for levy in of(amounts, on, *taxes):
        if not levy.tax.inclusive:
            assert levy.amount == round_half_up(Fraction(levy.base) * Fraction(levy.tax.percent) / 100)


@given(amounts_, percents)
def test_one_tax_inside_and_its_base_are_the_price(amounts: list[int], percent: Decimal):
    """Base and tax sum to the gross amount, and the tax is gross x p / (100 + p), rounded half up."""
    levy = one(amounts, Tax(id="t", name="T", percent=percent, inclusive=True))
    gross = sum(amounts)
    assert levy.base + levy.amount == gross
    assert levy.amount == round_half_up(gross * Fraction(percent) / (100 + Fraction(percent)))


@given(invoices())
@settings(max_examples=400)
def test_taxes_inside_are_each_of_the_exact_rest(invoice: Any):
    """Each is its percentage of its lines' prices without all that is inside them, rounded once on the sum."""
    amounts, on, taxes = [amount + 100 for amount in invoice[0]], invoice[1], invoice[2]
    within = {tax.id: Fraction(tax.percent) for tax in taxes if tax.inclusive}
    nets = [
        Fraction(amount * 100) / (100 + sum(within.get(id_, 0) for id_ in ids))
        for amount, ids in zip(amounts, on, strict=True)
    ]
    for levy in of(amounts, on, *taxes):
        if levy.tax.inclusive:
            rest = sum(net for net, has in zip(nets, levy.on, strict=True) if has)
            assert levy.amount == round_half_up(rest * Fraction(levy.tax.percent) / 100)


@given(amounts_, percents, st.booleans())
def test_a_share_is_less_than_a_minor_unit_from_its_exact_part(
    amounts: list[int], percent: Decimal, inclusive: bool
):
    """Of one rate's amount each line has its proportion, cut down or up to a whole unit."""
    levy = one(amounts, Tax(id="t", name="T", percent=percent, inclusive=inclusive))
    for amount, share in zip(amounts, levy.shares, strict=True):
        exact = Fraction(levy.amount * amount, sum(amounts)) if sum(amounts) else Fraction(0)
        assert abs(share - exact) < 1


@given(invoices().flatmap(lambda made: st.tuples(st.just(made), st.permutations(range(len(made[0]))))))
def test_another_order_of_lines_moves_no_more_than_a_tie(drawn: Any):
    """With one set of taxes on all lines amounts and bases stay, and a line's share moves by at most one unit."""
    (amounts, _, taxes), order = drawn
    on = [tuple(tax.id for tax in taxes if not tax.inclusive)] * len(amounts)
    before, after = of(amounts, on, *taxes), of([amounts[n] for n in order], on, *taxes)
    for one_, other in zip(before, after, strict=True):
        assert (one_.base, one_.amount) == (other.base, other.amount)
        moved = [abs(other.shares[place] - one_.shares[n]) for place, n in enumerate(order)]
        assert max(moved) <= 1
        for place, n in enumerate(order):
            if moved[place]:
                assert amounts.count(amounts[n]) > 1 or _ties(one_.amount, amounts, n)


def _ties(whole: int, amounts: list[int], n: int) -> bool:
    """Whether another line's exact part has the same fraction as this one's."""
    cut = [Fraction(whole * amount, sum(amounts)) % 1 for amount in amounts]
    return cut.count(cut[n]) > 1


# -- the library --------------------------------------------------------------------------------


def test_a_copy_of_a_rate_reads_as_its_label():
    """What the buyer reads is the label, or the name where there is none; the standard category is not repeated."""
    made = TaxRate(
        account="acct_1",
        id="txr_1",
        name="de-vat",
        label="USt.",
        percentage=Decimal(19),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert made.tax() == Tax(id="txr_1", name="USt.", percent=Decimal(19))
    assert made.archived().tax() == made.tax()
    assert made.archived().active is False
    plain = replace(made, label="", inclusive=True, category=Category.EXPORT, percentage=Decimal(0))
    assert plain.tax() == Tax(
        id="txr_1", name="de-vat", percent=Decimal(0), inclusive=True, category=Category.EXPORT
    )


@pytest.mark.parametrize(
    ("percentage", "category", "code"),
    [
        ("100.01", "S", "percentage_out_of_range"),
        ("-0.1", "S", "percentage_out_of_range"),
        ("NaN", "S", "percentage_out_of_range"),
        ("1.0000001", "S", "too_many_decimals"),
        ("0", "S", "percentage_of_category"),
        ("7", "AE", "percentage_of_category"),
    ],
)
def test_a_percentage_that_is_none_is_refused(percentage: str, category: str, code: str):
    """From 0 to 100, at most 6 decimals, and 0 for every category but the standard one."""
    with pytest.raises(Invalid) as refused:
        check_percentage(Decimal(percentage), Category(category), "percentage")
    assert (refused.value.code, refused.value.param) == (code, "percentage")


@pytest.mark.parametrize(
    ("percentage", "category"), [("100", "S"), ("0.000001", "S"), ("0", "Z"), ("0", "E")]
)
def test_the_bounds_of_a_percentage_are_inside(percentage: str, category: str):
    """The least, the most, and nothing where the category says so."""
    check_percentage(Decimal(percentage), Category(category), "percentage")


def test_a_country_is_one_of_iso_3166():
    """Two capital letters that are assigned; others are refused at the address's country."""
    check_address(Address(country="DE"), "address")
    for wrong in ("de", "XX", "", "DEU", "UK"):
        with pytest.raises(Invalid) as refused:
            check_address(Address(country=wrong), "address")
        assert (refused.value.code, refused.value.param) == ("unknown_country", "address.country")


# -- automatic ----------------------------------------------------------------------------------

BERLIN = Address(country="DE")


def line(name: str, **more: Any) -> Line:
    return Line(id=name.lower(), name=name, unit_amount=Decimal(100), **more)


def test_only_what_is_charged_is_asked_about():
    """A line that costs nothing is left out; where none costs anything nothing is asked."""
    lines = [line("A", tax_code="txcd_10103001"), line("B"), line("C", tax_inclusive=True)]
    asked = automatic_tax.question(lines, [100, 0, 50], "eur", BERLIN, None)
    assert asked is not None
    assert [(one_.reference, one_.amount, one_.code, one_.inclusive) for one_ in asked.lines] == [
        ("A", 100, "txcd_10103001", False), ("C", 50, None, True),
    ]  # fmt: skip
    assert automatic_tax.question(lines, [0, 0, 0], "eur", BERLIN, None) is None
    for left in ([100, 0], [100, 0, 50, 1]):
        with pytest.raises(ValueError, match="zip"):
            automatic_tax.question(lines, left, "eur", BERLIN, None)


def test_a_question_says_where_and_who_the_buyer_is():
    """The currency, the address and why no tax is paid: whatever else decides the answer."""
    asked = automatic_tax.question([line("A")], [100], "eur", BERLIN, Exemption.REVERSE)
    assert asked == TaxQuestion(
        currency="eur",
        lines=(TaxLine(reference="A", amount=100),),
        address=BERLIN,
        exemption=Exemption.REVERSE,
    )


def test_a_name_that_is_there_twice_is_told_apart():
    """A prorated line beside the one it is of: references are unique in a question."""
    asked = automatic_tax.question([line("A"), line("A"), line("A")], [1, 2, 3], "eur", BERLIN, None)
    assert asked is not None
    assert [one_.reference for one_ in asked.lines] == ["A", "A (2)", "A (3)"]


def test_an_answer_becomes_taxes_of_the_lines():
    """Its own numbers, by rate and line; nothing is rounded or shared again."""
    state = Tax(id="state", name="State", percent=Decimal(4))
    city = Tax(id="city", name="City", percent=Decimal("4.5"))
    answer = TaxAnswer(
        parts=(
            LineTax(reference="A", tax=state, base=100, amount=4),
            LineTax(reference="A", tax=city, base=100, amount=5),
            LineTax(reference="C", tax=state, base=40, amount=2),
        ),
    )
    levies = automatic_tax.levies(answer, [line("A"), line("B"), line("C")], [100, 0, 40])
    assert [(levy.tax.id, levy.base, levy.amount, levy.shares, levy.on) for levy in levies] == [
        ("state", 140, 6, (4, 0, 2), (True, False, True)),
        ("city", 100, 5, (5, 0, 0), (True, False, False)),
    ]


def test_an_exempt_line_states_what_is_exempt():
    """Where nothing of it is taxable, the base of the category is the lines' amount."""
    exempt = Tax(id="e", name="Exempt", percent=Decimal(0), category=Category.EXEMPT)
    answer = TaxAnswer(parts=(LineTax(reference="A", tax=exempt, base=0, amount=0),))
    levy = automatic_tax.levies(answer, [line("A"), line("B")], [100, 70])[0]
    assert (levy.base, levy.amount, levy.on) == (100, 0, (True, False))
    told = TaxAnswer(parts=(LineTax(reference="A", tax=exempt, base=60, amount=0),))
    assert automatic_tax.levies(told, [line("A"), line("B")], [100, 70])[0].base == 60


def test_parts_of_one_rate_on_one_line_add_up():
    """An answer may tax a line by one rate in two parts."""
    parts = (
        LineTax(reference="A", tax=VAT, base=60, amount=11),
        LineTax(reference="A", tax=VAT, base=40, amount=8),
    )
    levy = automatic_tax.levies(TaxAnswer(parts=parts), [line("A")], [100])[0]
    assert (levy.base, levy.amount, levy.shares) == (100, 19, (19,))


def test_an_answer_about_another_line_is_refused():
    """A tax of a line that was not asked about must not get lost."""
    answer = TaxAnswer(parts=(LineTax(reference="X" * 99, tax=VAT, base=1, amount=1),))
    with pytest.raises(Invalid) as refused:
        automatic_tax.levies(answer, [line("A")], [100])
    assert refused.value.code == "tax_of_no_line"
    assert refused.value.detail == f"The answer taxes '{'X' * 80}', which was not asked about."
