"""What was ever written can be read: a golden file of every shape of every kind, and how older ones are lifted.

`shapes/<kind>.<shape>.json` is a record as it lies in the table, all fields told. One that was written by a release is
never changed: a new shape gets a new file, a new record in `records/`, and an upcaster.
"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing.money import Money
from chalicelib.crm.contacts import Contact
from chalicelib.store.keys import KINDS
from chalicelib.store.shapes import SHAPE_NOW, NewerShape, Shapes, Undecodable
from tests.contracts.records import messages, money, offers, people

FOLDER = Path(__file__).parent / "shapes"
SHAPES = [(kind.name, shape) for kind in KINDS for shape in range(1, Shapes().now(kind.name) + 1)]
# Every field differs from its default, so that one that is no longer read shows; they need not make sense together.
RECORDS = people.RECORDS | offers.RECORDS | money.RECORDS | messages.RECORDS
EMPTY = ("name", "version", "description", "reason", "account", "sku")
# Looks like JSON of ours, or like nothing.
tricky = st.text() | st.sampled_from(
    [
        "",
        "null",
        "0",
        ',"version":0',
        '","version":0,"',
        '\\","name":"",',
        '}],"method":null}',
        "\\",
        '"',
        "é•\u2028",
    ]
)


def golden(kind: str, shape: int) -> str:
    return (FOLDER / f"{kind}.{shape}.json").read_text()


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_every_shape_of_every_kind_has_a_golden_file_that_is_still_read(kind: str, shape: int):
    """What a release wrote is read as the same record by this one; a kind or shape without a golden file fails here."""
    assert Shapes().decode(kind, shape, golden(kind, shape)) == RECORDS[kind, shape]


def test_every_golden_file_is_of_a_kind_that_is_kept():
    """No file is left over, and none is left unread."""
    assert {path.name for path in FOLDER.iterdir()} == {f"{kind}.{shape}.json" for kind, shape in SHAPES}
    assert set(RECORDS) == set(SHAPES)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_what_is_written_today_is_today_s_shape(kind: str):
    """Every field of the shape is written as the golden file has it: a release that knows this shape can read it."""
    now = Shapes().now(kind)
    written = json.loads(Shapes().encode(kind, RECORDS[kind, now]))
    expected = json.loads(golden(kind, now))
    assert within(written, expected) == expected


def within(written: Any, expected: Any) -> Any:
    """What is written, of what is expected: a field may have come since."""
    if isinstance(expected, dict):
        return {name: within(written[name], value) for name, value in expected.items()}
    if isinstance(expected, list):
        return [within(one, value) for one, value in zip(written, expected, strict=True)]
    return written


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_a_golden_file_tells_every_field_it_has(kind: str, shape: int):
    """No field stands at its default, so a value that is no longer read cannot hide."""
    assert list(silent(RECORDS[kind, shape], json.loads(golden(kind, shape)))) == []


def silent(value: Any, written: Any, path: str = "") -> list[str]:
    """The fields of a record, and of the records in it, that are written but stand at their default."""
    if isinstance(value, tuple | list):
        return [name for n, one in enumerate(value) for name in silent(one, written[n], f"{path}[{n}]")]
    if not is_dataclass(value):
        return []
    found = []
    for field in fields(value):
        if field.name not in written:
            continue
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        here = getattr(value, field.name)
        found += [f"{path}.{field.name}"] if here == default else []
        found += silent(here, written[field.name], f"{path}.{field.name}")
    return found


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_a_record_comes_back_as_it_was_written(kind: str):
    """Encoded and decoded, a record is equal, and encoded again it is the same bytes."""
    shapes, record = Shapes(), RECORDS[kind, Shapes().now(kind)]
    body = shapes.encode(kind, record)
    again = shapes.decode(kind, shapes.now(kind), body)
    assert again == record
    assert shapes.encode(kind, again) == body


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_what_says_nothing_is_left_out_and_comes_back(kind: str):
    """A record with every field at its default is equal when it is read, however little of it is written."""
    shapes, record = Shapes(), bare(RECORDS[kind, Shapes().now(kind)])
    body = shapes.encode(kind, record)
    assert shapes.decode(kind, shapes.now(kind), body) == record


def bare(value: Any) -> Any:
    """A record, and the records in it, with every field at its default that has one."""
    if isinstance(value, tuple):
        return tuple(bare(one) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    kept = {
        field.name: bare(getattr(value, field.name))
        for field in fields(value)
        if field.default is MISSING and field.default_factory is MISSING
    }
    return type(value)(**kept)


@given(st.sampled_from(sorted(RECORDS)), st.lists(tricky, min_size=4, max_size=4))
def test_no_text_is_taken_for_a_field(named: tuple[str, int], texts: list[str]):
    """Whatever people write, and whatever a record names, is read back to the letter, even where it looks like the record's own JSON."""
    kind, shape = named
    record = worded(RECORDS[named], iter(texts * 20))
    assert Shapes().decode(kind, shape, Shapes().encode(kind, record)) == record


def worded(value: Any, texts: Iterator[str]) -> Any:
    """A record with other words in all its plain texts, and in the dictionaries it holds; codes and amounts stay."""
    match value:
        case StrEnum() | Money():
            return value
        case str():
            return next(texts)
        case dict() if all(isinstance(one, str) for one in value.values()):
            return {next(texts) + str(n): one for n, one in enumerate(value.values())} | dict.fromkeys(
                EMPTY, ""
            )
        case tuple():
            return tuple(worded(one, texts) for one in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            changed = {field.name: getattr(value, field.name) for field in fields(value)}
            return type(value)(**{name: worded(one, texts) for name, one in changed.items()})
        case _:
            return value


def test_a_field_added_with_a_default_needs_no_new_shape():
    """A record written before a field was added is read with the field's default."""
    body = json.loads(golden("contact", 1))
    del body["customer"]
    found = Shapes().decode("contact", 1, json.dumps(body))
    assert isinstance(found, Contact)
    assert found.customer is None


def test_a_field_this_release_does_not_know_is_passed_over():
    """What the next release adds without a new shape does not stop this one, should it come back."""
    body = json.loads(golden("contact", 1)) | {"nickname": "Countess"}
    assert Shapes().decode("contact", 1, json.dumps(body)) == RECORDS["contact", 1]


# -- upcasters, made up: contacts had a first and a last name, then one under another word ---------


def joined(plain: dict[str, Any]) -> dict[str, Any]:
    first, last = plain.pop("first_name"), plain.pop("last_name")
    return plain | {"full_name": f"{first} {last}"}


def renamed(plain: dict[str, Any]) -> dict[str, Any]:
    return plain | {"name": plain.pop("full_name")}


LIFTS = {("contact", 1): joined, ("contact", 2): renamed}


def of_shape_1() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(golden("contact", 1))
    del body["name"]
    return body | {"first_name": "Ada", "last_name": "Lovelace"}


def test_an_older_shape_is_lifted_step_by_step():
    """A record of the first shape goes through every upcaster, one of the second through the last only, today's through none."""
    shapes = Shapes(upcasters=LIFTS)
    assert shapes.now("contact") == 3
    first = of_shape_1()
    assert shapes.decode("contact", 1, json.dumps(first)) == RECORDS["contact", 1]
    second = joined(of_shape_1())
    assert shapes.decode("contact", 2, json.dumps(second)) == RECORDS["contact", 1]
    assert shapes.decode("contact", 3, golden("contact", 1)) == RECORDS["contact", 1]


def test_each_kind_has_its_own_shape():
    """A contact's new shape leaves all other kinds as they were."""
    shapes = Shapes(upcasters=LIFTS)
    assert {kind.name: shapes.now(kind.name) for kind in KINDS if kind.name != "contact"} == {
        kind.name: SHAPE_NOW for kind in KINDS if kind.name != "contact"
    }
    assert shapes.decode("invoice", 1, golden("invoice", 1)) == RECORDS["invoice", 1]
    with pytest.raises(NewerShape):
        shapes.decode("invoice", 2, golden("invoice", 1))


@pytest.mark.parametrize(
    ("upcasters", "shape"), [({}, 2), ({}, 99), (LIFTS, 4)], ids=["next", "far", "lifted"]
)
def test_a_newer_shape_is_nobodys_fault(upcasters: dict, shape: int):
    """A shape this release does not know is left alone, even where its body could be read or is no JSON at all."""
    for body in (golden("contact", 1), "{", ""):
        with pytest.raises(NewerShape, match="newer_shape"):
            Shapes(upcasters=upcasters).decode("contact", shape, body)


BROKEN = {
    "nothing": "",
    "cut off": '{"account": "acct_1", "id": ',
    "no object": "[]",
    "null": "null",
    "a field missing": '{"account": "acct_1", "id": "con_1"}',
    "a field of another type": '{"account": "acct_1", "id": 7, "name": "A", "email": "a@b.c", "created_at": 1}',
    "no moment": '{"account": "acct_1", "id": "con_1", "name": "A", "email": "a", "created_at": "yesterday"}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("upcasters", [{}, LIFTS], ids=["as it is", "lifted"])
def test_a_broken_record_is_its_own_fault(body: str, upcasters: dict):
    """What cannot be read, or cannot be lifted, is told as such."""
    with pytest.raises(Undecodable, match="undecodable"):
        Shapes(upcasters=upcasters).decode("contact", 1, body)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("series", "next", "many"),
        ("invoice", "status", "lost"),
        ("invoice", "lines", [{"name": "Coffee"}]),
        ("invoice", "total", {"amount": 25.5, "currency": "usd"}),
        ("product", "frequency", "hourly"),
        ("subscription", "anchor_on", "2026-02-30"),
    ],
)
def test_a_field_that_cannot_be_read_breaks_its_record(kind: str, field: str, value: Any):
    """A state, a date or an amount that there is not makes the record undecodable."""
    body = json.loads(golden(kind, 1)) | {field: value}
    with pytest.raises(Undecodable):
        Shapes().decode(kind, 1, json.dumps(body))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("invoice", "total", {"amount": 2500, "currency": "zzz"}),
        ("payment", "fee", {"amount": 2500, "currency": "USD"}),
        ("account", "retries", {"days": [3, 2]}),
    ],
)
def test_a_value_that_breaks_a_rule_of_the_core_breaks_its_record(kind: str, field: str, value: Any):
    """A stored value that the core refuses is the record's own fault too: it must not fail those read beside it."""
    body = json.loads(golden(kind, 1)) | {field: value}
    with pytest.raises(Undecodable):
        Shapes().decode(kind, 1, json.dumps(body))


def test_a_kind_nobody_knows_and_a_shape_before_the_first_are_broken():
    """Neither is of a newer release."""
    with pytest.raises(Undecodable):
        Shapes().decode("voucher", 1, golden("coupon", 1))
    with pytest.raises(Undecodable):
        Shapes().decode("contact", 0, golden("contact", 1))
    with pytest.raises(Undecodable):
        Shapes(upcasters=LIFTS).decode("contact", 0, golden("contact", 1))


def test_a_step_that_is_missing_breaks_the_record():
    """With no upcaster from the second shape to the third, a record of the first cannot be read."""
    with pytest.raises(Undecodable):
        Shapes(upcasters={("contact", 1): joined, ("contact", 3): renamed}).decode(
            "contact", 1, json.dumps(of_shape_1())
        )
