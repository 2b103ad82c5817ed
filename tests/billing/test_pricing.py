"""A table of tiers prices every quantity above zero in exactly one way."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import lines, pricing
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.pricing import Model, Tier
from tests.billing.sold import amounts, decimals, quantities, tables

D = Decimal
TIERED = (Model.VOLUME, Model.GRADUATED, Model.STAIRSTEP)
TABLE = (
    Tier(up_to=D(10), unit_amount=D(100), flat_amount=D(7)),
    Tier(up_to=D("12.5"), unit_amount=D(90)),
    Tier(unit_amount=D(50), flat_amount=D("0.5")),
)
STEPS = tuple(replace(tier, unit_amount=D(0)) for tier in TABLE)


def price(model: Model, table: tuple[Tier, ...], quantity: Decimal | str | int) -> Decimal:
    return pricing.price(model, D(0), table, D(quantity))


@pytest.mark.parametrize(
    ("quantity", "volume", "graduated", "stairstep"),
    [
        ("0", "0", "0", "0"),
        ("0.000001", "7.0001", "7.0001", "7"),
        ("1", "107", "107", "7"),
        ("10", "1007", "1007", "7"),
        ("10.000001", "900.00009", "1007.00009", "0"),
        ("12.5", "1125", "1232", "0"),
        ("12.500001", "625.50005", "1232.50005", "0.5"),
        ("20", "1000.5", "1607.5", "0.5"),
    ],
)
def test_a_tier_reaches_up_to_and_including_its_bound(
    quantity: str, volume: str, graduated: str, stairstep: str
):
    """The flat amount comes once where a tier is reached; below one unit there is a price too."""
    assert price(Model.VOLUME, TABLE, quantity) == D(volume)
    assert price(Model.GRADUATED, TABLE, quantity) == D(graduated)
    assert price(Model.STAIRSTEP, STEPS, quantity) == D(stairstep)


@st.composite
def whole_tables(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Tables whose bounds are whole numbers."""
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=5)))
    return tuple(
        Tier(up_to=bound, unit_amount=draw(amounts), flat_amount=draw(amounts))
        for bound in (*map(D, bounds), None)
    )


def unit_by_unit(table: tuple[Tier, ...], quantity: int) -> Fraction:
    """The graduated price as a shop assistant counts it: each unit is put into the tier that has room for it."""
    amount, reached = Fraction(0), set()
    for unit in range(1, quantity + 1):
        n = next(n for n, tier in enumerate(table) if tier.up_to is None or unit <= tier.up_to)
        amount += Fraction(table[n].unit_amount)
        if n not in reached:
            amount += Fraction(table[n].flat_amount)
            reached.add(n)
    return amount


@given(whole_tables(), st.integers(0, 90))
def test_a_graduated_price_is_counted_unit_by_unit(table: tuple[Tier, ...], quantity: int):
    """Putting one unit after another into its tier comes to the same, to the last decimal."""
    assert Fraction(price(Model.GRADUATED, table, quantity)) == unit_by_unit(table, quantity)


@given(whole_tables(), st.integers(1, 90))
def test_a_volume_price_is_all_units_in_the_last_units_tier(table: tuple[Tier, ...], quantity: int):
    """The tier the last unit falls in is the price of each, and its flat amount comes once."""
    last = unit_by_unit(table, quantity) - unit_by_unit(table, quantity - 1)
    tier = next(tier for tier in table if tier.up_to is None or quantity <= tier.up_to)
    assert Fraction(price(Model.VOLUME, table, quantity)) == Fraction(tier.unit_amount) * quantity + Fraction(
        tier.flat_amount
    )
    assert last - Fraction(tier.unit_amount) in (0, Fraction(tier.flat_amount))


@given(st.sampled_from(TIERED), tables(), quantities)
def test_the_walk_is_the_price(model: Model, table: tuple[Tier, ...], quantity: Decimal):
    """What the steps add sums to the price, and graduated steps hold the whole quantity, each within its tier."""
    if model is Model.STAIRSTEP:
        table = tuple(replace(tier, unit_amount=D(0)) for tier in table)
    steps = pricing.walk(model, table, quantity)
    assert sum(Fraction(step.amount) for step in steps) == Fraction(price(model, table, quantity))
    assert sum(Fraction(step.quantity) for step in steps) == Fraction(quantity)
    assert all(step.quantity > 0 for step in steps)
    reached = next(n for n, tier in enumerate(table) if tier.up_to is None or quantity <= tier.up_to)
    assert [step.tier for step in steps] == (
        list(range(reached + 1)) if model is Model.GRADUATED else [reached]
    )


def test_a_flat_price_and_nothing_have_no_steps():
    """There is no tier to walk through where a price has none, or where nothing is bought."""
    assert pricing.walk(Model.FLAT, (), D(3)) == ()
    assert [pricing.walk(model, TABLE, D(0)) for model in TIERED] == [(), (), ()]


@given(tables(), quantities, quantities)
def test_more_never_costs_less_where_units_add_up(table: tuple[Tier, ...], one: Decimal, other: Decimal):
    """A graduated price does not fall as the quantity grows."""
    few, many = sorted((one, other))
    assert price(Model.GRADUATED, table, few) <= price(Model.GRADUATED, table, many)


@given(tables(), quantities, quantities)
def test_a_volume_price_rises_where_its_table_does(table: tuple[Tier, ...], one: Decimal, other: Decimal):
    """If no tier begins below the price at which the one before it ends, more never costs less."""
    table = rising(table)
    few, many = sorted((one, other))
    assert price(Model.VOLUME, table, few) <= price(Model.VOLUME, table, many)


def rising(table: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """The table with flat amounts that make up for each lower unit price where its tier begins."""
    made = [table[0]]
    for tier in table[1:]:
        below = made[-1]
        ends = below.up_to * below.unit_amount + below.flat_amount
        made.append(replace(tier, flat_amount=max(tier.flat_amount, ends - below.up_to * tier.unit_amount)))
    return tuple(made)


@given(st.sampled_from(TIERED), tables(), quantities, st.integers(1, 1000))
def test_a_price_scales(model: Model, table: tuple[Tier, ...], quantity: Decimal, times: int):
    """Amounts times a number make the price times that number; so do quantities and bounds where no flat amount is."""
    dearer = tuple(
        replace(tier, unit_amount=tier.unit_amount * times, flat_amount=tier.flat_amount * times)
        for tier in table
    )
    assert price(model, dearer, quantity) == price(model, table, quantity) * times
    unit_prices = tuple(replace(tier, flat_amount=D(0)) for tier in table)
    wider = tuple(replace(tier, up_to=tier.up_to and tier.up_to * times) for tier in unit_prices)
    assert price(model, wider, quantity * times) == price(model, unit_prices, quantity) * times


@given(st.sampled_from((Model.VOLUME, Model.GRADUATED)), amounts, quantities, decimals(200, 3, least=1))
def test_tiers_of_one_price_are_a_flat_price(
    model: Model, unit_amount: Decimal, quantity: Decimal, bound: Decimal
):
    """Cutting a price into tiers that all have it changes nothing."""
    table = (Tier(up_to=bound, unit_amount=unit_amount), Tier(unit_amount=unit_amount))
    assert price(model, table, quantity) == pricing.price(None, unit_amount, (), quantity)
    assert pricing.price(Model.FLAT, unit_amount, (), quantity) == pricing.price(
        None, unit_amount, (), quantity
    )


def test_the_widest_numbers_are_priced_exactly():
    """Twelve digits and twelve decimals everywhere lose nothing."""
    most = D("999999999999.999999999999")
    table = (Tier(up_to=D("1E-12"), unit_amount=most, flat_amount=most), Tier(unit_amount=most))
    tiny = Fraction(D("1E-12"))
    assert Fraction(price(Model.GRADUATED, table, most)) == Fraction(most) ** 2 + Fraction(most)
    assert Fraction(price(Model.VOLUME, table, D("1E-12"))) == Fraction(most) * tiny + Fraction(most)


def test_tiers_of_nothing_cost_nothing():
    """A tier may be free, and so may all of them."""
    free = (Tier(up_to=D(5)), Tier(unit_amount=D(1000)))
    assert [price(Model.GRADUATED, free, n) for n in (1, 5, 8)] == [0, 0, 3000]
    assert price(Model.STAIRSTEP, (Tier(),), 3) == 0


@given(st.sampled_from((Model.VOLUME, Model.GRADUATED)), tables())
def test_a_table_without_gap_and_overlap_is_accepted(model: Model, table: tuple[Tier, ...]):
    """Rising bounds and an open last tier are all it takes."""
    pricing.check_tiers(model, table, "lines[0]")
    assert all(one.up_to < other.up_to for one, other in pairwise(table[:-1]))


@pytest.mark.parametrize(
    ("model", "table", "code", "param"),
    [
        (None, TABLE, "tiers_of_flat_price", "tiers"),
        (Model.FLAT, TABLE, "tiers_of_flat_price", "tiers"),
        (Model.VOLUME, (), "tiers_out_of_range", "tiers"),
        (Model.VOLUME, (Tier(up_to=D(1)),) * 101, "tiers_out_of_range", "tiers"),
        (Model.VOLUME, TABLE[:2], "last_tier_closed", "tiers[1].up_to"),
        (Model.GRADUATED, (TABLE[2], TABLE[2]), "tier_open", "tiers[0].up_to"),
        (Model.GRADUATED, (TABLE[1], TABLE[0], TABLE[2]), "tier_overlap", "tiers[1].up_to"),
        (Model.GRADUATED, (TABLE[0], TABLE[0], TABLE[2]), "tier_overlap", "tiers[1].up_to"),
        (Model.GRADUATED, (Tier(up_to=D(0)), TABLE[2]), "tier_overlap", "tiers[0].up_to"),
        (Model.GRADUATED, (Tier(up_to=D(-1)), TABLE[2]), "number_out_of_range", "tiers[0].up_to"),
        (Model.GRADUATED, (Tier(up_to=D("NaN")), TABLE[2]), "number_out_of_range", "tiers[0].up_to"),
        (Model.VOLUME, (Tier(unit_amount=D(-1)),), "number_out_of_range", "tiers[0].unit_amount"),
        (Model.VOLUME, (Tier(unit_amount=D("1E-13")),), "too_many_decimals", "tiers[0].unit_amount"),
        (
            Model.VOLUME,
            (TABLE[0], Tier(flat_amount=D(10) ** 12)),
            "number_out_of_range",
            "tiers[1].flat_amount",
        ),
        (Model.STAIRSTEP, TABLE, "tier_unit_amount", "tiers[0].unit_amount"),
    ],
)
def test_a_table_that_is_none_is_refused_by_the_tier(
    model: Model | None, table: tuple[Tier, ...], code: str, param: str
):
    """The refusal names the field of the tier that is to blame, and says what would be accepted."""
    with pytest.raises(Invalid) as refused:
        pricing.check_tiers(model, table, "lines[3]")
    assert (refused.value.code, refused.value.param) == (code, f"lines[3].{param}")
    assert refused.value.detail.endswith(".")


def test_a_tiered_line_has_no_price_of_its_own():
    """The tiers are the price: a unit amount beside them is refused, and without it the line is priced by them."""
    tiered = Line(
        id="li_1", name="Coffee", unit_amount=D(0), quantity=D(12), model=Model.GRADUATED, tiers=TABLE
    )
    lines.check_line(tiered, "lines[0]")
    assert lines.amount(tiered, "usd") == Money(1187, "usd")
    with pytest.raises(Invalid) as refused:
        lines.check_line(replace(tiered, unit_amount=D(1)), "lines[0]")
    assert (refused.value.code, refused.value.param) == ("unit_amount_with_tiers", "lines[0].unit_amount")
