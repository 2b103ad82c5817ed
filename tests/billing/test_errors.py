"""What an error of ours carries."""

import ast
import pickle
import re
from pathlib import Path

import pytest

import chalicelib
from chalicelib.adapters.signatures import BadSignature
from chalicelib.billing import errors
from chalicelib.billing.errors import Invalid, NotFound, PerennialError, WrongState

TREE = set(re.findall(r"^ *[*x+] (\w+)", errors.__doc__ or "", re.MULTILINE))


@pytest.mark.parametrize("kind", [Invalid, WrongState, NotFound, BadSignature])
def test_every_error_has_one_root_a_code_and_a_sentence(kind: type[PerennialError]):
    """Each error is a PerennialError with a code, a detail and, where one is to blame, a param."""
    error = kind("some_code", "Say what would be accepted.", "amount")
    assert isinstance(error, PerennialError)
    assert (error.code, error.detail, error.param) == ("some_code", "Say what would be accepted.", "amount")
    assert kind("some_code", "A sentence.").param is None
    assert str(error) == "some_code: Say what would be accepted."


def test_an_error_survives_pickling():
    """An error that crosses processes keeps its three parts."""
    error = pickle.loads(pickle.dumps(Invalid("some_code", "A sentence.", "amount")))
    assert (error.code, error.detail, error.param) == ("some_code", "A sentence.", "amount")


def test_the_tree_names_every_error():
    """The docstring of errors.py shows every error that Perennial has, and no other."""
    raised = {"PerennialError"}
    for path in Path(chalicelib.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.ClassDef)
                and {base.id for base in node.bases if isinstance(base, ast.Name)} & TREE
            ):
                raised.add(node.name)
    assert raised == TREE, "name it in the docstring of chalicelib/billing/errors.py"
