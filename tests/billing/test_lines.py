"""A line's amount is exact until its one rounding, and the core never meets a float."""

import ast
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import billing, crm
from chalicelib.billing import lines
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.products import Product

MODULES = sorted(path for room in (billing, crm) for path in Path(room.__path__[0]).glob("*.py"))
# All that may be written: 0 to 10^12 with up to 12 decimals.
numbers = st.builds(
    lambda digits, places: Decimal(f"{digits}E-{places}"), st.integers(0, 10**12 - 1), st.integers(0, 12)
)


def line(unit_amount: Decimal | str = "2500", quantity: Decimal | str = "1") -> Line:
    return Line(
        id="li_1",
        name="Just one more cup – 1 kg",
        unit_amount=Decimal(unit_amount),
        quantity=Decimal(quantity),
    )


@pytest.mark.parametrize(
    ("unit_amount", "quantity", "amount"),
    [
        ("2500", "1", 2500),
        ("1250", "3", 3750),
        ("1800", "0.5", 900),
        ("0.5", "1", 1),
        ("0.4999999999", "1", 0),
        ("0.05", "10", 1),
        ("0.05", "9", 0),
        ("33.333333333333", "3", 100),
        ("1.005", "1000", 1005),
        ("2.675", "100", 268),
        ("0.000000000001", "500000000000", 1),
        ("0.000000000001", "499999999999.999999999999", 0),
        ("0", "12", 0),
        ("999999999999.999999999999", "999999999999.999999999999", 10**24 - 2),
    ],
)
def test_a_line_costs_quantity_times_price(unit_amount: str, quantity: str, amount: int):
    """Price and quantity may have decimals; their product is rounded once, a half going up."""
    assert lines.amount(line(unit_amount, quantity), "usd") == Money(amount, "usd")


@given(numbers, numbers)
def test_a_line_is_rounded_once_half_up(unit_amount: Decimal, quantity: Decimal):
    """The amount is that of schoolbook decimal arithmetic with enough digits, rounded half up at the end."""
    with localcontext(prec=60):
        expected = (unit_amount * quantity).quantize(Decimal(1), ROUND_HALF_UP)
    assert lines.amount(line(unit_amount, quantity), "jpy") == Money(int(expected), "jpy")


@given(numbers, numbers)
def test_rounding_moves_a_line_by_half_a_minor_unit_at_most(unit_amount: Decimal, quantity: Decimal):
    """What is charged is above the exact product by at most a half, and below it by less."""
    exact = Fraction(unit_amount) * Fraction(quantity)
    moved = lines.amount(line(unit_amount, quantity), "usd").amount - exact
    assert Fraction(-1, 2) < moved <= Fraction(1, 2)


@given(numbers, numbers)
def test_what_can_be_sold_can_be_priced(unit_amount: Decimal, quantity: Decimal):
    """A line is refused only for a quantity of nothing, and has an amount that is not negative."""
    wanted = line(unit_amount, quantity)
    if quantity == 0:
        with pytest.raises(Invalid, match="quantity_zero"):
            lines.check_line(wanted, "lines[0]")
    else:
        lines.check_line(wanted, "lines[0]")
        assert lines.amount(wanted, "usd").amount >= 0


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"name": ""}, "line_name_missing", "name"),
        ({"name": " \n"}, "line_name_missing", "name"),
        ({"name": "x" * 251}, "line_name_too_long", "name"),
        ({"unit_amount": Decimal("-0.01")}, "number_out_of_range", "unit_amount"),
        ({"unit_amount": Decimal(10) ** 12}, "number_out_of_range", "unit_amount"),
        ({"unit_amount": Decimal("NaN")}, "number_out_of_range", "unit_amount"),
        ({"unit_amount": Decimal("sNaN")}, "number_out_of_range", "unit_amount"),
        ({"unit_amount": Decimal("Infinity")}, "number_out_of_range", "unit_amount"),
        ({"unit_amount": Decimal("0.0000000000001")}, "too_many_decimals", "unit_amount"),
        ({"quantity": Decimal(-1)}, "number_out_of_range", "quantity"),
        ({"quantity": Decimal("-Infinity")}, "number_out_of_range", "quantity"),
        ({"quantity": Decimal("1.0000000000001")}, "too_many_decimals", "quantity"),
        ({"quantity": Decimal(0)}, "quantity_zero", "quantity"),
        ({"quantity": Decimal("-0.00")}, "quantity_zero", "quantity"),
    ],
)
def test_a_line_that_cannot_be_priced_or_printed_is_refused(changed: dict, code: str, param: str):
    """The error names the field of the line that is to blame."""
    with pytest.raises(Invalid) as refused:
        lines.check_line(replace(line(), **changed), "lines[2]")
    assert (refused.value.code, refused.value.param) == (code, f"lines[2].{param}")


def test_the_longest_name_and_the_finest_price_are_accepted():
    """The bounds themselves are within the rule, and a price of nothing is a price."""
    lines.check_line(replace(line("0.000000000001"), name="x" * 250), "lines[0]")
    lines.check_line(line("0"), "lines[0]")
    lines.check_line(line("999999999999.999999999999", "0.000000000001"), "lines[0]")


def test_a_line_from_the_library_is_a_copy():
    """A line taken from a product has its words and price, and keeps them when the product is edited."""
    product = Product(
        account="acct_1",
        id="prod_1",
        name="Coffee casual – 250 g",
        currency="usd",
        unit_amount=Decimal(1250),
        frequency=Frequency.MONTHLY,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        description="Ground",
        sku="CC-250",
    )
    taken = product.line("li_7", Decimal("1.5"))
    edited = replace(product, name="Coffee, formal", unit_amount=Decimal(9900))
    assert taken == Line(
        id="li_7",
        name="Coffee casual – 250 g",
        unit_amount=Decimal(1250),
        quantity=Decimal("1.5"),
        description="Ground",
        sku="CC-250",
        product="prod_1",
    )
    assert lines.amount(taken, "usd") == Money(1875, "usd")
    assert edited.line("li_7", Decimal("1.5")) != taken
    assert product.wake is None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_float_can_arise_in_the_core(path: Path):
    """No module of billing or crm writes a float, names the type, or divides with a slash, which makes one of whole numbers."""
    assert [found for node in ast.walk(ast.parse(path.read_text())) if (found := float_in(node))] == []


@pytest.mark.parametrize(
    "source",
    ["1.5", "1e3", "2j", "float(x)", "x: float = 1", "builtins.float(x)", "math.sqrt(2)", "a / b", "a /= b",
     "round(x, 2)", "a ** -1", "time.time()", "from time import time", "sum / 2"],
)  # fmt: skip
def test_the_eye_for_floats_is_open(source: str):
    """Each way to make a float that this file looks for is seen."""
    seen = [float_in(node) for node in ast.walk(ast.parse(source))]
    assert any(seen)


@pytest.mark.parametrize(
    "source", ["a // b", "Fraction(a, b)", "10 ** n", "int(x)", "-1", "round_half_up(x)"]
)
def test_exact_arithmetic_is_not_taken_for_a_float(source: str):
    """Whole division, fractions and powers are exact."""
    assert not any(float_in(node) for node in ast.walk(ast.parse(source)))


def float_in(node: ast.AST) -> str | None:
    """What of this node makes a float, with its line."""
    match node:
        case ast.Constant(value=float() | complex()):
            found = "literal"
        case ast.Name(id="float" | "complex") | ast.Attribute(attr="float" | "complex"):
            found = "type"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            found = "true division"
        case ast.BinOp(op=ast.Pow(), right=ast.UnaryOp(op=ast.USub())):
            found = "negative power"
        case ast.Call(func=ast.Name(id="round")):
            found = "round"
        case ast.Attribute(value=ast.Name(id="time"), attr="time") | ast.ImportFrom(module="time"):
            found = "clock"
        case ast.Attribute(value=ast.Name(id="math"), attr=name) if name not in {"lcm", "gcd", "isqrt"}:
            found = "math"
        case _:
            return None
    return f"{getattr(node, 'lineno', '?')}: {found}"
