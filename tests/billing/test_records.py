"""A quick record is the frozen dataclass it was, in all but the time it takes to make."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from chalicelib.billing.records import quick


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    name: str
    amount: int
    parts: tuple[int, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    name: str
    amount: int
    parts: tuple[int, ...] = ()


def test_it_has_its_fields_and_defaults():
    """By name only, the missing ones by their default; a required or unknown one is an error as before."""
    made = Quick(name="a", amount=2)
    assert type(made) is Quick
    assert (made.name, made.amount, made.parts) == ("a", 2, ())
    assert repr(made) == repr(Slow(name="a", amount=2)).replace("Slow", "Quick")
    for wrong in ({"name": "a"}, {"name": "a", "amount": 1, "more": 2}):
        with pytest.raises(TypeError):
            Quick(**wrong)


def test_it_is_frozen():
    """Once made, no field can be set or deleted, and none added."""
    made = Quick(name="a", amount=2)
    with pytest.raises(FrozenInstanceError):
        made.amount = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.amount
    with pytest.raises((AttributeError, TypeError)):
        made.more = 3  # type: ignore[attr-defined]


def test_it_is_compared_hashed_copied_and_replaced():
    """As values are."""
    made = Quick(name="a", amount=2, parts=(1,))
    assert made == Quick(name="a", amount=2, parts=(1,)) != replace(made, amount=3)
    assert len({made, Quick(name="a", amount=2, parts=(1,))}) == 1
    assert made == copy.deepcopy(made) == pickle.loads(pickle.dumps(made))
    assert replace(made, amount=3).amount == 3
