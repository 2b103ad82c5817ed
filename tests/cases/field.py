"""The field's cases: inputs and answers of other systems, read from the folder that PERENNIAL_CASES names."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import pytest

FOLDER = os.environ.get("PERENNIAL_CASES", "")
LEFT_OUT = "PERENNIAL_CASES names no folder: the field's cases were left out"

Values = dict[str, Any]


class LeftOut(Exception):
    """Why a case is not ours to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One input and what its source answers; `convention` is the rule set, "any" where all agree."""

    topic: str
    id: str
    kind: str
    convention: str
    input: Values
    expected: Values
    alternative: str

    def __str__(self) -> str:
        return self.id


def cases(topic: str) -> pytest.MarkDecorator:
    """Parametrize a test with a topic's cases; without the folder it is skipped, and says so."""
    if not FOLDER:
        return pytest.mark.parametrize(
            "case", [pytest.param(None, marks=pytest.mark.skip(LEFT_OUT), id=topic)]
        )
    listed = json.loads(Path(FOLDER, f"{topic}.json").read_text(encoding="utf-8"))
    return pytest.mark.parametrize("case", [_case(topic, row) for row in listed], ids=str)


def _case(topic: str, row: Values) -> Case:
    return Case(
        topic=topic,
        id=row["id"],
        kind=row["kind"],
        convention=row["input"].get("convention", "any"),
        input=row["input"],
        expected=row["expected"],
        alternative=row.get("alternative", "") if row.get("convention_sensitive") else "",
    )


def check(
    case: Case, answers: dict[str, Callable[[Values], Values]], beside: frozenset[str] = frozenset()
) -> None:
    """Compare what we answer with what the source expects, in every word but those `beside` the topic."""
    expected = {word: value for word, value in case.expected.items() if word not in beside}
    try:
        got = _answer(case, answers, expected)
    except LeftOut as why:
        pytest.skip(f"{case.convention}: {why}")
    answered = {word: got[word] for word in expected}
    assert expected
    assert answered == expected or answered == _alternative(case, expected)


def _answer(case: Case, answers: dict[str, Callable[[Values], Values]], expected: Values) -> Values:
    if case.kind not in answers:
        left_out(f"{case.kind}: no rule of ours")
    got = answers[case.kind](case.input)
    if unknown := [word for word in expected if word not in got]:
        left_out(f"{case.kind}: we have no {', '.join(unknown)}")
    return got


def left_out(why: str) -> NoReturn:
    """Leave a case to its own convention, saying how it differs from ours."""
    raise LeftOut(why)


def _alternative(case: Case, expected: Values) -> Values | None:
    """The other answer of a case on which the sources disagree: dates, written "2024-01-31, 02-29"."""
    if not case.alternative or "dates" not in expected:
        return None
    dates: list[date] = []
    for year, month, day in re.findall(r"(?:(\d{4})-)?(\d\d)-(\d\d)", case.alternative):
        dates.append(date(int(year) if year else dates[-1].year, int(month), int(day)))
    return expected | {"dates": [on.isoformat() for on in dates]}
