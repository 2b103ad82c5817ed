"""What invoices are called: their numbers, which count, and their names, which say what they bill."""

import re
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.billing.errors import Invalid

_YEAR: Final = re.compile(r"\d{4}-\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """How many numbers of a year that is over have been given away."""

    of: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The numbers of an account's invoices, or of its credit notes: a counter moved in the transaction that uses the number.

    `next` is the next of those that go on over the years. While they begin anew each year, `year` is that one, of which
    `given` numbers have been given away; `years` are the ones before it. `year` 0 goes on.
    """

    account: str
    id: str
    prefix: str
    next: int = 1
    year: int = 0
    given: int = 0
    years: tuple[Year, ...] = ()
    version: int = 0

    wake = None

    @property
    def number(self) -> str:
        """The number the next invoice gets."""
        if self.year:
            return f"{self.prefix}{self.year}-{self.given + 1:06d}"
        return f"{self.prefix}{self.next:06d}"

    @property
    def last(self) -> dict[int, int]:
        """The last count that was given away, by year; those that go on are the year 0."""
        own = {self.year: self.given} if self.year else {}
        return {0: self.next - 1} | {one.of: one.count for one in self.years} | own

    def standing(self, prefix: str, year: int) -> "Series":
        """The same under a prefix, which does not begin it anew, and of a year (0: of none), which does, once.

        A year that has begun is not gone back from, even where the account's zone is moved west in the night of New Year.
        """
        year = max(year, *self.last) if year else 0
        if year == self.year:
            return self if prefix == self.prefix else replace(self, prefix=prefix)
        before = {one.of: one for one in self.years}
        if self.year:
            before[self.year] = Year(of=self.year, count=self.given)
        again = before.pop(year, None)
        return replace(
            self,
            prefix=prefix,
            year=year,
            given=again.count if again else 0,
            years=tuple(before[one] for one in sorted(before)),
        )

    def advanced(self) -> "Series":
        """One number has been given away."""
        return replace(self, given=self.given + 1) if self.year else replace(self, next=self.next + 1)


def check_prefix(prefix: str, param: str) -> None:
    """Refuse a prefix with which two numbers could be the same: one that ends with a digit, or with a year. Raises Invalid."""
    if prefix[-1:].isdigit():
        raise Invalid("prefix_ends_in_digit", f"End it with a letter or a sign, such as {prefix}-.", param)
    if _YEAR.search(prefix):
        detail = f"Leave the year out, and switch numbers_by_year on: {_YEAR.sub('', prefix)} is enough."
        raise Invalid("prefix_ends_in_year", detail, param)


def counted(number: str) -> tuple[int, int]:
    """The year of a number, 0 where it is of none, and how many it is in that."""
    prefix = number.rstrip("0123456789")
    year = _YEAR.search(prefix)
    return int(year[0][:4]) if year else 0, int(number[len(prefix) :] or "0")


def position(number: str) -> str:
    """A number as text that sorts as it counts, whatever its prefix: INV-000009 before R-1000000 before R-2026-000001."""
    year, count = counted(number)
    return f"{year:04d}/{count:012d}"


def position_of(position: str) -> tuple[int, int]:
    """The year and the count of a position. Raises ValueError on what is none."""
    year, _, count = position.partition("/")
    return int(year), int(count)


def name_of(subscription: str, ordinal: int) -> str:
    """The name of a subscription's invoice by its ordinal, 0 the first: what was issued once meets the same name."""
    return f"inv_{subscription.removeprefix('sub_')}_{ordinal + 1:04d}"
