"""Automatic tax: what is asked about the lines of an invoice, and what the answer makes of them.

The rates and each line's tax are then the answer's own numbers: nothing is rounded or shared here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.billing.addresses import Address
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.tax import Category, Exemption, Levy, Tax


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """A line in a question: `amount` is charged for it after discounts, in minor units, and above 0.

    `reference` is the line's name, told apart where it is there twice; `code` Stripe's tax code, None for the
    merchant's usual one.
    """

    reference: str
    amount: int
    code: str | None = None
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxQuestion:
    """What decides the taxes of an invoice. Two that are equal have the same answer, as long as no rate changes."""

    currency: str
    lines: tuple[TaxLine, ...]
    address: Address
    exemption: Exemption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTax:
    """One tax of one line: `amount` of it, on a `base` without tax, both in minor units."""

    reference: str
    tax: Tax
    base: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxAnswer:
    """The taxes of a question's lines."""

    parts: tuple[LineTax, ...]


def question(
    lines: Sequence[Line], left: Sequence[int], currency: str, address: Address, exemption: Exemption | None
) -> TaxQuestion | None:
    """What to ask about lines, of which `left` is charged, in minor units; None where nothing is charged."""
    asked = [
        TaxLine(reference=reference, amount=amount, code=line.tax_code, inclusive=line.tax_inclusive)
        for line, amount, reference in zip(lines, left, _references(lines), strict=True)
        if amount
    ]
    if not asked:
        return None
    return TaxQuestion(currency=currency, lines=tuple(asked), address=address, exemption=exemption)


def _references(lines: Sequence[Line]) -> list[str]:
    """The lines' names; a prorated line may repeat a name, and is then counted."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for line in lines:
        seen[line.name] = seen.get(line.name, 0) + 1
        names.append(line.name if seen[line.name] == 1 else f"{line.name} ({seen[line.name]})")
    return names


def levies(answer: TaxAnswer, lines: Sequence[Line], left: Sequence[int]) -> tuple[Levy, ...]:
    """The answer as the taxes of the lines it was asked about, in the order in which it names them.

    Raises Invalid `tax_of_no_line` where it is about others.
    """
    places = {name: n for n, name in enumerate(_references(lines)) if left[n]}
    found: dict[str, list[LineTax]] = {}
    for part in answer.parts:
        if part.reference not in places:
            raise Invalid(
                "tax_of_no_line", f"The answer taxes {part.reference[:80]!r}, which was not asked about."
            )
        found.setdefault(part.tax.id, []).append(part)
    return tuple(_levy(parts, places, len(lines), left) for parts in found.values())


def _levy(parts: Sequence[LineTax], places: dict[str, int], count: int, left: Sequence[int]) -> Levy:
    shares, on = [0] * count, [False] * count
    for part in parts:
        shares[places[part.reference]] += part.amount
        on[places[part.reference]] = True
    tax = parts[0].tax
    base = sum(part.base for part in parts)
    if not base and tax.category in (Category.EXEMPT, Category.REVERSE_CHARGE, Category.ZERO):
        # Nothing of it is taxable: what the category covers is then the lines' whole amount (BT-116).
        base = sum(amount for amount, has in zip(left, on, strict=True) if has)
    return Levy(tax=tax, base=base, amount=sum(shares), shares=tuple(shares), on=tuple(on))
