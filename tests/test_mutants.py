"""What is judged of mutants is of rules there are, and nothing that lives goes unjudged."""

import importlib
import tomllib
from operator import attrgetter

import pytest

from sandbox import mutants
from sandbox.mutants import Survivor

JUDGED = tomllib.loads(mutants.SURVIVORS.read_text())


def test_every_judgment_is_of_a_function_there_is():
    """Its module is one that is mutated, its function is defined there, and its reason is a sentence."""
    assert set(JUDGED) <= set(mutants.RULES)
    for module, judgments in JUDGED.items():
        for key, reason in judgments.items():
            function, _, line = key.partition(": ")
            assert callable(attrgetter(function)(importlib.import_module(f"chalicelib.billing.{module}")))
            assert line
            assert reason.endswith(".")


def test_the_tests_of_every_rule_are_there():
    """A file that was renamed would leave its rules without tests."""
    for names in mutants.RULES.values():
        assert all((mutants.ROOT / "tests" / "billing" / name).is_file() for name in names)


def test_a_survivor_without_a_judgment_is_wrong(capsys: pytest.CaptureFixture[str]):
    """It is counted; a judgment of what is killed is told, and is not."""
    one = Survivor(name="chalicelib.billing.money.x_half_up__mutmut_1", function="half_up", line="return 1")
    assert mutants._told([one], {}) == 1
    assert mutants._told([one], {"half_up: return 1": "It is the same."}) == 0
    assert mutants._told([one], {"half_up: return 2": "It is the same."}) == 1
    told = capsys.readouterr().out
    assert told.count("? half_up: return 1") == 2
    assert told.count("= half_up: return 1") == 1
    assert told.count("! half_up: return 2") == 1


def test_an_unknown_module_is_told_the_known_ones():
    """Nothing is copied or run for it."""
    with pytest.raises(mutants.SetUpError, match="colors; there are money"):
        mutants.main(["money", "colors"])
