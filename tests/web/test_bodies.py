"""What a body that says something else is told: which fields there are where it went wrong."""

import json
from typing import Any

import pytest

from chalicelib.billing.errors import Invalid
from chalicelib.web.bodies import Body, from_json
from chalicelib.web.profile import ProfileChange
from chalicelib.web.refunds import NewRefund
from chalicelib.web.simulations import NewSimulation


def told(type_: type[Body], body: Any) -> tuple[str | None, str]:
    """The field to blame, and the sentence."""
    with pytest.raises(Invalid) as found:
        from_json(type_, json.dumps(body).encode())
    return found.value.param, found.value.detail


def test_an_unknown_field_is_told_which_there_are():
    """Of the object it stands in, at any depth: a slip of the pen is seen without looking into the documents."""
    assert told(NewRefund, {"payments": "pay_1"}) == (
        "payments",
        "There is no such field here; leave it out, or send one of: payment, invoice, amount, lines, reason, to.",
    )
    assert told(NewSimulation, {"lines": [{"tiers": [{"price": 1}]}]}) == (
        "lines[0].tiers[0].price",
        "There is no such field here; leave it out, or send one of: up_to, unit_amount, flat_amount.",
    )


def test_what_should_be_an_object_is_told_what_is_in_one():
    """An amount without its currency, or an id without its type, is told what to send."""
    assert told(NewRefund, {"payment": "pay_1", "amount": 1000}) == (
        "amount",
        "Send an object (amount, currency) or null, not a whole number.",
    )
    assert told(ProfileChange, {"tax_ids": ["DE136695976"]}) == (
        "tax_ids[0]",
        "Send an object (type, value), not text.",
    )


def test_a_body_that_says_nothing_has_no_fields_to_name():
    """Where no field is known the sentence ends there."""
    assert told(Body, {"a": 1}) == ("a", "There is no such field here; leave it out.")
