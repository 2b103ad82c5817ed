"""The field's cases on tables of tiers."""

from decimal import Decimal, InvalidOperation

from chalicelib.billing import lines, pricing
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.money import EXACT
from chalicelib.billing.pricing import Model, Tier
from tests.cases import field
from tests.cases.field import Case, Values


@field.cases("tiers")
def test_tiers(case: Case):
    """A tier holds quantities up to and including its bound, and its flat amount comes where it is reached.

    What is not sold here runs where it is one of our models by another name: blocks filled to the last unit are
    volume tiers, as are the packages a quantity fills; several quantities are a line each, tiers by length are bounds.
    """
    field.check(case, {
        "graduated": table,
        "volume": table,
        "stairstep": table,
        "metered_minor": metered,
        "package": package,
        "block_tiers": blocks,
        "two_unit_tiers": several,
        "capacity_tiers": capacity,
        "incremental": incremental,
    })  # fmt: skip


def table(given: Values) -> Values:
    priced = price(given["mode"], tiers(given["tiers"]), Decimal(given["quantity"]))
    try:
        expected = Decimal(priced)
    except InvalidOperation:
        return {"error": priced}
    return {"amount": Written(expected)}


class Written(str):
    """A decimal as a source writes it: with or without its zeros."""

    __slots__ = ("value",)

    def __new__(cls, value: Decimal) -> "Written":
        made = super().__new__(cls, str(value))
        made.value = value
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str | int) and Decimal(other) == self.value

    def __hash__(self) -> int:
        return hash(self.value)


def metered(given: Values) -> Values:
    if given["cap_minor"] is not None:
        field.left_out("metered_minor: no price here has a cap")
    line = Line(id="li_1", name="Plan", unit_amount=Decimal(given["unit_amount_minor"]), quantity=Decimal(given["quantity"]))  # fmt: skip
    return {"amount_minor": lines.amount(line, "usd").amount}


def package(given: Values) -> Values:
    size, free, quantity = (Decimal(given[name]) for name in ("package_size", "free_units", "quantity"))
    return {
        "amount": Written(packages(max(Decimal(0), quantity - free), size, Decimal(given["package_amount"])))
    }


def packages(quantity: Decimal, size: Decimal, amount: Decimal) -> Decimal:
    """Packages as a stairstep: each tier is one package more."""
    count = int(-(-quantity // size))
    if count > pricing.MAX_TIERS:
        field.left_out(f"package: more steps than {pricing.MAX_TIERS} tiers")
    steps = [Tier(up_to=size * n, flat_amount=amount * n) for n in range(1, count + 1)]
    return Decimal(price("stairstep", (*steps, Tier(flat_amount=amount * (count + 1))), quantity))


def blocks(given: Values) -> Values:
    """Kill Bill's tiers of blocks: whole blocks are units, and the tier's length is its blocks."""
    quantity = Decimal(given["quantity"])
    rows = [(Decimal(t["block_size"]), Decimal(t["block_size"]) * t["max_blocks"], Decimal(t["block_price"])) for t in given["tiers"]]  # fmt: skip
    made, top = [], Decimal(0)
    for size, length, block_price in rows:
        top += length
        made.append(Tier(up_to=top, unit_amount=EXACT.divide(block_price, size)))
    model = {"top_tier": "volume", "all_tiers": "graduated"}[given["policy"]]
    if quantity > top:
        field.left_out("block_tiers: above the last tier, which is closed there")
    inside = pricing.walk(Model(model), made, quantity)
    if any(step.quantity % rows[step.tier][0] for step in inside):
        field.left_out("block_tiers: a block that is begun is charged whole")
    return {"amount": Written(price_of(model, made, quantity))}


def several(given: Values) -> Values:
    """Each unit is a line of its own."""
    model = {"top_tier": "volume", "all_tiers": "graduated"}[given["policy"]]
    amount = Decimal(0)
    for unit in given["units"].values():
        top, made = Decimal(0), []
        for row in unit["tiers"]:
            top += row["length"]
            made.append(Tier(up_to=top, unit_amount=Decimal(row["unit_price"])))
        if unit["quantity"] > top:
            field.left_out("two_unit_tiers: above the last tier, which is closed there")
        amount += price_of(model, made, Decimal(unit["quantity"]))
    return {"amount": Written(amount)}


def capacity(given: Values) -> Values:
    """The tier that holds every quantity is the highest of those reached, each a stairstep of its own."""
    reached = []
    for n, quantity in enumerate(given["quantities"]):
        bounds = [tier["limits"][n] for tier in given["tiers"]]
        steps = [
            Tier(up_to=b if b is None else Decimal(b), flat_amount=Decimal(m)) for m, b in enumerate(bounds)
        ]
        reached.append(int(price_of("stairstep", steps, Decimal(quantity))))
    return {"amount": Written(Decimal(given["tiers"][max(reached)]["price"]))}


def incremental(given: Values) -> Values:
    """A line that goes on from a quantity billed before is the price of the sum less that of what was before."""
    for name in ("already_billed", "minimum_spend", "maximum_spend"):
        if given[name] is not None:
            field.left_out(f"incremental: no line here has {name.replace('_', ' ')}")
    before, more = Decimal(given["quantity_before"]), Decimal(given["quantity_in_line"])
    amount = priced(given, before + more) - (priced(given, before) if before else Decimal(0))
    return {"line_amount": Written(amount)}


def priced(given: Values, quantity: Decimal) -> Decimal:
    if given["mode"] == "unit":
        return pricing.price(None, Decimal(given["price"]), (), quantity)
    if given["mode"] == "package":
        return packages(quantity, *map(Decimal, given["price"]))
    if given["mode"] not in ("graduated", "volume"):
        field.left_out(f"incremental: no {given['mode']} price")
    return price_of(given["mode"], tiers(given["price"]), quantity)


def tiers(rows: list[Values]) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            up_to=None if row["up_to"] is None else Decimal(row["up_to"]),
            unit_amount=Decimal(row["unit_amount"]),
            flat_amount=Decimal(row["flat_amount"]),
        )
        for row in rows
    )


def price(model: str, table: tuple[Tier, ...], quantity: Decimal) -> str:
    """The price, or the refusal of a table that is not sold."""
    try:
        pricing.check_tiers(Model(model), table, "line")
    except Invalid as refused:
        return refused.code
    return str(price_of(model, table, quantity))


def price_of(model: str, table: tuple[Tier, ...] | list[Tier], quantity: Decimal) -> Decimal:
    return pricing.price(Model(model), Decimal(0), table, quantity)
