"""The values of the core are stored and sent as they are."""

import ast
from datetime import date
from pathlib import Path

import msgspec
import pytest

from chalicelib import billing, crm
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency, Period


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Money(2500, "usd"), b'{"amount":2500,"currency":"usd"}'),
        (Frequency.PER_SIX_MONTHS, b'"per_six_months"'),
        (Period(date(2026, 1, 31), date(2026, 2, 28)), b'{"start_on":"2026-01-31","end_on":"2026-02-28"}'),
        (
            RetryPolicy(days=(1, 3), at_end=AtEnd.CANCEL),
            b'{"days":[1,3],"at_end":"cancel","debit_days":[4,8],"hard_declines":[]}',
        ),
    ],
)
def test_a_value_is_written_and_read_by_msgspec(value, written: bytes):
    """A value of the core becomes plain JSON and comes back equal."""
    assert msgspec.json.encode(value) == written
    assert msgspec.json.decode(written, type=type(value)) == value


@pytest.mark.parametrize(
    ("written", "kind", "code"),
    [
        (b'{"amount":1,"currency":"zzz"}', Money, "unknown_currency"),
        (b'{"start_on":"2026-01-31","end_on":"2026-01-01"}', Period, "invalid_period"),
        (b'{"days":[3,2]}', RetryPolicy, "invalid_retry_days"),
    ],
)
def test_a_rule_holds_when_a_value_is_read(written: bytes, kind: type, code: str):
    """What msgspec decodes is checked as what is made by hand, and refused with the same error."""
    with pytest.raises(Invalid) as refused:
        msgspec.json.decode(written, type=kind)
    assert refused.value.code == code


CORE = sorted(path for package in (billing, crm) for path in Path(package.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("path", CORE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_core_has_no_float(path: Path):
    """No module of the core writes a float, names the type, or divides with `/`, which makes one of two whole numbers."""
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "float"), node.lineno
        assert not isinstance(getattr(node, "op", None), ast.Div), node.lineno
