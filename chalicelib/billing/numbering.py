"""What invoices are called: their numbers, which count, and their names, which say what they bill."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The numbers of an account's invoices: a counter moved in the transaction that uses the number."""

    account: str
    id: str
    prefix: str
    next: int = 1
    version: int = 0

    wake = None

    @property
    def number(self) -> str:
        """The number the next invoice gets."""
        return f"{self.prefix}{self.next:06d}"

    def advanced(self) -> "Series":
        """One number has been given away."""
        return replace(self, next=self.next + 1)


def position(number: str) -> str:
    """A number as text that sorts as it counts: INV-000009 before INV-1000000."""
    prefix = number.rstrip("0123456789")
    return prefix + number.removeprefix(prefix).zfill(12)


def name_of(subscription: str, ordinal: int) -> str:
    """The name of a subscription's invoice by its ordinal, 0 the first: what was issued once meets the same name."""
    return f"inv_{subscription.removeprefix('sub_')}_{ordinal + 1:04d}"
