"""What an error of ours carries."""

import pickle

import pytest

from chalicelib.adapters.signatures import BadSignature
from chalicelib.billing.errors import Invalid, NotFound, PerennialError, WrongState


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
    """The docstring of errors.py shows every error there is."""
    from chalicelib.billing import errors

    for kind in [PerennialError, *PerennialError.__subclasses__()]:
        if kind.__module__.startswith("chalicelib.billing.errors") or kind is BadSignature:
            assert kind.__name__ in (errors.__doc__ or "")
