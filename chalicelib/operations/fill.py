"""Fill lines as they are wished from the library: products, and the copies of tax rates they are sold with."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from chalicelib.billing import lines as line_rules
from chalicelib.billing.errors import Invalid, NotFound
from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Wish
from chalicelib.billing.products import Product
from chalicelib.billing.tax import Tax, TaxRate
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading

T = TypeVar("T")
MAX_TAXES = 20
MAX_TIERS = 1000


def products(account: str, wishes: Iterable[Wish]) -> list[str]:
    """The keys of the products that lines are taken from."""
    return [keys.key(Product, account, one.line.product) for one in wishes if one.line.product]


def rates(account: str, found: Reading, wishes: Sequence[Wish], taxes: Sequence[str]) -> list[str]:
    """The keys of the tax rates of lines, by themselves, by their products and by `taxes`, once the products are read."""
    wanted = dict.fromkeys(taxes)
    for n, wish in enumerate(wishes):
        wanted |= dict.fromkeys(_taxes(wish, product_of(found, account, wish, n), ()))
    return [keys.key(TaxRate, account, id_) for id_ in wanted]


def product_of(found: Reading, account: str, wish: Wish, n: int) -> Product | None:
    """The product the n-th line is taken from, None for one of one's own. Raises NotFound."""
    return (
        named(found, Product, account, wish.line.product, f"lines[{n}].product")
        if wish.line.product
        else None
    )


def named(found: Reading, type_: type[T], account: str, id_: str, param: str | None) -> T:
    """A record that a field of the body names, or the path where `param` is None. Raises NotFound, with the field to blame."""
    try:
        return found.get(type_, account, id_)
    except NotFound as missing:
        raise NotFound(missing.code, missing.detail, param) from None


def line(found: Reading, account: str, wish: Wish, n: int, taxes: tuple[str, ...]) -> Line:
    """The n-th line, with an id of its own; `taxes` are of lines that have none by themselves or by their product.

    Raises NotFound, or Invalid naming its field.
    """
    id_ = f"li_{n + 1}"
    product = product_of(found, account, wish, n)
    if product is None:
        made = replace(wish.line, id=id_, taxes=_taxes(wish, None, taxes))
    else:
        copy = product.line(id_, wish.line.quantity)
        made = replace(copy, discounts=wish.line.discounts, taxes=_taxes(wish, product, taxes))
    line_rules.check_line(made, f"lines[{n}]")
    return made


def check_size(lines: Sequence[Line]) -> None:
    """Refuse more tiers than the records of a subscription and its invoices could hold."""
    tiers = sum(len(one.tiers) for one in lines)
    if tiers > MAX_TIERS:
        detail = f"All lines together have at most {MAX_TIERS} tiers, not {tiers}; order them apart."
        raise Invalid("too_many_tiers", detail, "lines")


def copies(
    found: Reading, account: str, wanted: Iterable[tuple[str, str]], *, once: bool = False
) -> tuple[Tax, ...]:
    """Copies of tax rates for a subscription; each is named by its id and the field that asks for it.

    Raises NotFound, or Invalid where a rate is archived.
    """
    made: dict[str, Tax] = {}
    for id_, param in wanted:
        rate = named(found, TaxRate, account, id_, param)
        if not rate.active:
            raise Invalid("tax_rate_archived", f"{id_} is archived; choose one that is active.", param)
        made[id_] = replace(rate.tax(), once=once)
    if len(made) > MAX_TAXES:
        raise Invalid("taxes_out_of_range", f"At most {MAX_TAXES} different tax rates at once.", "taxes")
    return tuple(made.values())


def load(
    service: Service, account: str, wanted: Iterable[str], wishes: Sequence[Wish], taxes: Sequence[str]
) -> Reading:
    """Read the keys wanted with all that lines are filled from."""
    found = service.store.load(account, [*wanted, *products(account, wishes)])
    if further := rates(account, found, wishes, taxes):
        found.add(service.store.load(account, further))
    return found


def _taxes(wish: Wish, product: Product | None, taxes: tuple[str, ...]) -> tuple[str, ...]:
    """A line's taxes: its own, else its product's, else those of all lines."""
    if wish.taxes is not None:
        return once_each(wish.taxes)
    return (product.taxes if product else ()) or once_each(taxes)


def once_each(ids: Iterable[str]) -> tuple[str, ...]:
    """Ids without repetitions: the same tax is not levied twice on a line."""
    return tuple(dict.fromkeys(ids))
