"""A second opinion on an explained invoice: every amount computed again from its JSON alone.

It imports nothing of the project. Whatever does not come out the same is `Wrong`, with the place.
"""

import re
from datetime import date
from fractions import Fraction
from typing import Any

Values = dict[str, Any]
DECIMALS = {"usd": 2, "eur": 2, "gbp": 2, "jpy": 0, "krw": 0, "kwd": 3, "bhd": 3, "clf": 4}
SPARED = {"Z", "E", "AE", "K", "G", "O"}


class Wrong(AssertionError):
    """An amount that does not follow from what it is said to follow from."""


def check(told: Values) -> None:
    """Compute an explanation's amounts again; Wrong names the first that differs."""
    for n, line in enumerate(told["lines"]):
        with_place(f"lines[{n}]", line_amount, line)
    coupons(told)
    fees(told)
    taxes(told)
    totals(told)
    texts(told)
    currencies(told, told["currency"])


def same(what: str, said: Any, computed: Any) -> None:
    if said != computed:
        raise Wrong(f"{what}: it says {said}, and is {computed}")


def with_place(place: str, run: Any, *given: Any) -> None:
    try:
        run(*given)
    except Wrong as wrong:
        raise Wrong(f"{place}: {wrong}") from None


def half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2)) if value >= 0 else -int(-value + Fraction(1, 2))


def largest_remainder(whole: int, weights: list[Fraction]) -> list[int]:
    """Shares found one unit at a time: each unit left over goes to the part that lost most, the first of equals."""
    exact = [whole * weight / sum(weights) if sum(weights) else Fraction(0) for weight in weights]
    parts = [int(one) for one in exact]
    lost = [one - part for one, part in zip(exact, parts, strict=True)]
    while sum(parts) < whole and any(lost):
        n = lost.index(max(lost))
        parts[n], lost[n] = parts[n] + 1, Fraction(0)
    return parts


# A line: its days, tiers, discounts and rounding.


def line_amount(line: Values) -> None:
    factor = days(line["period"])
    price = Fraction(0)
    for n, (step, wanted) in enumerate(zip(line["steps"], walk(line), strict=True)):
        tier, quantity, unit, flat = wanted
        same(f"steps[{n}].tier", step["tier"], tier)
        same(f"steps[{n}].quantity", Fraction(step["quantity"]), quantity)
        same(f"steps[{n}].unit_amount", Fraction(step["unit_amount"]), unit)
        same(f"steps[{n}].flat_amount", Fraction(step["flat_amount"]), flat)
        same(f"steps[{n}].amount", Fraction(step["amount"]), quantity * unit + flat)
        price += quantity * unit + flat
    same("price", Fraction(line["price"]), price)
    left = reduced(line, price)
    same("exact", Fraction(line["exact"]), left * factor)
    same("amount", line["amount"]["amount"], half_up(left * factor))


def days(period: Values | None) -> Fraction:
    if period is None:
        return Fraction(1)
    length = date.fromisoformat(period["end_on"]) - date.fromisoformat(period["start_on"])
    same("period.days", period["days"], length.days)
    if not 0 <= period["days"] <= period["of_days"]:
        raise Wrong("period: it has more days than the whole")
    same("period.factor", Fraction(period["factor"]), Fraction(period["days"], period["of_days"]))
    return Fraction(period["factor"])


def walk(line: Values) -> list[tuple[int | None, Fraction, Fraction, Fraction]]:
    """What each tier adds to the price: its number, quantity, unit amount and flat amount."""
    quantity = Fraction(line["quantity"])
    if line["model"] == "flat":
        same("tiers", line["tiers"], [])
        only = line["steps"][0]
        return [(None, quantity, Fraction(only["unit_amount"]), Fraction(0))]
    found = []
    below = Fraction(0)
    for n, tier in enumerate(line["tiers"], 1):
        same(f"tiers[{n - 1}].above", Fraction(tier["above"]), below)
        same(f"tiers[{n - 1}] is the last", tier["up_to"] is None, n == len(line["tiers"]))
        top = quantity if tier["up_to"] is None else Fraction(tier["up_to"])
        if tier["up_to"] is not None and top <= below:
            raise Wrong(f"tiers[{n - 1}]: it ends before it begins")
        if quantity > below:
            unit, flat = Fraction(tier["unit_amount"]), Fraction(tier["flat_amount"])
            found.append((n, min(quantity, top) - below, unit, flat))
        below = top
    return found if line["model"] == "graduated" else one_tier(line["model"], quantity, found)


def one_tier(model: str, quantity: Fraction, found: list) -> list:
    if not found:
        return []
    tier, _, unit, flat = found[-1]
    if model == "stairstep":
        same("stairstep's unit_amount", unit, Fraction(0))
    return [(tier, quantity, unit, flat)]


def reduced(line: Values, price: Fraction) -> Fraction:
    left = price
    for n, one in enumerate(line["discounts"]):
        if one["percent"] is not None:
            off = left * Fraction(one["percent"]) / 100
        else:
            off = min(left, Fraction(one["unit_amount"]) * Fraction(line["quantity"]))
        left -= off
        same(f"discounts[{n}].off", Fraction(one["off"]), off)
        same(f"discounts[{n}].left", Fraction(one["left"]), left)
    return left


# Coupons and fees.


def coupons(told: Values) -> None:
    left = [line["amount"]["amount"] for line in told["lines"]]
    listed: list[list[int]] = [[] for _ in left]
    for n, discount in enumerate(told["discounts"]):
        open_ = [is_for(discount, line) for line in told["lines"]]
        weights = [Fraction(one if has else 0) for one, has in zip(left, open_, strict=True)]
        base = int(sum(weights))
        exact = (
            Fraction(discount["percent"]) * base / 100
            if discount["percent"] is not None
            else Fraction(discount["fixed"]["amount"])
        )
        whole = min(half_up(exact), base)
        same(f"discounts[{n}].base", discount["base"]["amount"], base)
        same(f"discounts[{n}].exact", Fraction(discount["exact"]), exact)
        same(f"discounts[{n}].amount", discount["amount"]["amount"], whole)
        for m, part in enumerate(largest_remainder(whole, weights)):
            left[m] -= part
            if open_[m]:
                said = told["lines"][m]["coupons"][len(listed[m])]
                listed[m].append(n)
                with_place(f"lines[{m}].coupons", coupon_part, said, n + 1, discount)
                same(f"lines[{m}].coupons.part", said["part"]["amount"], part)
                same(f"lines[{m}].coupons.left", said["left"]["amount"], left[m])
    for m, line in enumerate(told["lines"]):
        same(f"lines[{m}].coupons", len(line["coupons"]), len(listed[m]))
        same(f"lines[{m}].charged", line["charged"]["amount"], left[m])


def is_for(discount: Values, line: Values) -> bool:
    wanted = not discount["products"] or line["product"] in discount["products"]
    return wanted and line["kind"] in (None, "one_time")


def coupon_part(said: Values, n: int, discount: Values) -> None:
    same("discount", said["discount"], n)
    for name in ("name", "percent", "fixed", "base"):
        same(name, said[name], discount[name])
    same("whole", said["whole"], discount["amount"])


def fees(told: Values) -> None:
    charged = sum(line["charged"]["amount"] for line in told["lines"] if line["kind"] != "fee")
    for n, line in enumerate(told["lines"]):
        if line["base"] is not None:
            base = line["base"]
            same(f"lines[{n}].base.of", base["of"]["amount"], charged)
            unit = Fraction(base["percent"]) * charged / 100
            same(f"lines[{n}].price", Fraction(line["steps"][0]["unit_amount"]), unit)
            same(f"lines[{n}].quantity", line["quantity"], "1")


# Taxes: those inside prices first, for the others are of what they leave.


def taxes(told: Values) -> None:
    room = [line["charged"]["amount"] for line in told["lines"]]
    for inclusive in (True, False):
        for n, tax in enumerate(told["taxes"]):
            if tax["inclusive"] is inclusive:
                with_place(f"taxes[{n}]", rate, told, tax, room)
    for n, tax in enumerate(told["taxes"]):
        base = sum(room[m] for m, line in enumerate(told["lines"]) if share_of(line, tax))
        same(f"taxes[{n}].base", tax["base"]["amount"], base)
    for line in told["lines"]:
        same("taxes of a line", len(line["taxes"]), sum(bool(share_of(line, tax)) for tax in told["taxes"]))


def rate(told: Values, tax: Values, room: list[int]) -> None:
    """One rate; `room` is what is left of each line without the taxes inside it so far."""
    shares = [share_of(line, tax) for line in told["lines"]]
    weights = []
    for m, (line, share) in enumerate(zip(told["lines"], shares, strict=True)):
        net = without_tax(line) if tax["inclusive"] else Fraction(room[m])
        weights.append(net if share else Fraction(0))
        if share:
            same("on", Fraction(share["on"]), net)
            for name in ("name", "percent", "inclusive", "base"):
                same(name, share[name], tax[name])
            same("whole", share["whole"], tax["amount"])
    exact = sum(weights) * Fraction(tax["percent"]) / 100
    same("on", Fraction(tax["on"]), sum(weights))
    same("exact", Fraction(tax["exact"]), exact)
    same("by_rate", tax["by_rate"], True)
    same("percent 0", tax["category"] in SPARED, Fraction(tax["percent"]) == 0)
    parts = largest_remainder(half_up(exact), weights)
    if tax["inclusive"]:
        parts = fitted(parts, room, shares)
    same("amount", tax["amount"]["amount"], sum(parts))
    for m, (share, part) in enumerate(zip(shares, parts, strict=True)):
        if share:
            same(f"lines[{m}]'s part", share["part"]["amount"], part)
        if tax["inclusive"]:
            room[m] -= part


def fitted(parts: list[int], room: list[int], shares: list) -> list[int]:
    """No line has more tax inside than its price: what has no room goes to the first lines that have, or is no tax."""
    kept = [min(part, most) for part, most in zip(parts, room, strict=True)]
    for _ in range(sum(parts) - sum(kept)):
        free = [m for m, share in enumerate(shares) if share and kept[m] < room[m]]
        if free:
            kept[free[0]] += 1
    return kept


def share_of(line: Values, tax: Values) -> Values | None:
    return next((share for share in line["taxes"] if share["tax"] == tax["tax"]), None)


def without_tax(line: Values) -> Fraction:
    inside = sum(Fraction(share["percent"]) for share in line["taxes"] if share["inclusive"])
    return Fraction(line["charged"]["amount"] * 100) / (100 + inside)


def totals(told: Values) -> None:
    lines = told["lines"]
    same("subtotal", told["subtotal"]["amount"], sum(line["amount"]["amount"] for line in lines))
    on_top = sum(tax["amount"]["amount"] for tax in told["taxes"] if not tax["inclusive"])
    off = sum(one["amount"]["amount"] for one in told["discounts"])
    same("total", told["total"]["amount"], told["subtotal"]["amount"] - off + on_top)
    charged = sum(line["charged"]["amount"] for line in lines)
    shares = sum(s["part"]["amount"] for line in lines for s in line["taxes"] if not s["inclusive"])
    same("total of the lines", told["total"]["amount"], charged + shares)
    settled = sum(told[f"amount_{how}"]["amount"] for how in ("applied", "credited", "paid"))
    owed = told["total"]["amount"] - settled
    same("amount_due", told["amount_due"]["amount"], owed if told["status"] == "open" else 0)
    if told["status"] == "paid":
        same("settled", settled >= told["total"]["amount"], True)


# Sentences: the numbers they say, in order, are those that were checked. An amount is a pair with its currency.


def texts(told: Values) -> None:
    for n, line in enumerate(told["lines"]):
        with_place(f"lines[{n}].sentence", text, line, of_line(line), told["currency"])
    for n, one in enumerate(told["discounts"]):
        said = [terms(one), minor(one["base"]), minor(one["amount"])]
        with_place(f"discounts[{n}].sentence", text, one, said, told["currency"])
    for n, one in enumerate(told["taxes"]):
        said = [minor(one["base"])]
        if one["category"] not in SPARED:
            said = [Fraction(one["percent"]), *said, minor(one["amount"])]
        with_place(f"taxes[{n}].sentence", text, one, said, told["currency"])
    with_place("sentence", text, told, of_invoice(told), told["currency"])


def text(told: Values, wanted: list, currency: str) -> None:
    said = told["sentence"]
    for name in sorted(names(told), key=len, reverse=True):
        said = said.replace(name, "")
    unit = 10 ** DECIMALS[currency]
    found = re.findall(r"(\d+(?:\.\d+)?)(…?)(?: ([A-Z]{3}))?", said)
    same("how many numbers it says", len(found), len(wanted))
    for (number, cut, code), value in zip(found, wanted, strict=True):
        same(f"{number} is an amount", code.lower(), currency if isinstance(value, tuple) else "")
        true = value[0] / unit if isinstance(value, tuple) else value
        finest = Fraction(1, 1000 * unit)
        if not (0 < true - Fraction(number) < finest if cut else Fraction(number) == true):
            raise Wrong(f"it says {number}{cut}, and is {true}")


def names(told: Any) -> set[str]:
    match told:
        case dict():
            own = {told[key] for key in ("name", "code") if told.get(key)}
            return own.union(*(names(value) for value in told.values()))
        case list():
            return set().union(*map(names, told))
        case _:
            return set()


def of_line(line: Values) -> list:
    part = line["period"] is not None and line["period"]["days"] != line["period"]["of_days"]
    said = [*of_period(line["period"]), *of_walk(line), exact(line["price"])]
    for one in line["discounts"]:
        off = Fraction(one["percent"]) if one["percent"] else exact(one["unit_amount"])
        said += [off, exact(one["left"])]
    said += [exact(line["exact"])] if part else []
    said += [minor(line["amount"])] if Fraction(line["exact"]) != line["amount"]["amount"] else []
    for one in line["coupons"]:
        whole = [] if one["part"] == one["whole"] else [minor(one["whole"])]
        said += [terms(one), minor(one["base"]), *whole, minor(one["part"])]
    for one in line["taxes"]:
        own = [] if one["part"] == one["whole"] else [minor(one["part"])]
        said += [Fraction(one["percent"]), minor(one["base"]), minor(one["whole"]), *own]
    return said


def of_period(period: Values | None) -> list[int]:
    if period is None:
        return []
    start = date.fromisoformat(period["start_on"])
    last = date.fromordinal(date.fromisoformat(period["end_on"]).toordinal() - 1)
    part = [period["days"], period["of_days"]] if period["days"] != period["of_days"] else []
    return [*part, start.day, *([start.year] if start.year != last.year else []), last.day, last.year]


def of_walk(line: Values) -> list:
    if line["base"] is not None:
        return [Fraction(line["base"]["percent"]), minor(line["base"]["of"])]
    said: list = []
    for step in line["steps"]:
        flat = [exact(step["flat_amount"])]
        if line["model"] != "stairstep":
            flat = [Fraction(step["quantity"]), exact(step["unit_amount"]), *(flat if flat[0][0] else [])]
        said += flat
    if line["model"] in ("volume", "stairstep"):
        tier = line["tiers"][line["steps"][0]["tier"] - 1]
        upper = [Fraction(tier["up_to"])] if tier["up_to"] else []
        said += [Fraction(line["quantity"]), line["steps"][0]["tier"], Fraction(tier["above"]), *upper]
    return said


def of_invoice(told: Values) -> list:
    taxes = {inside: [t for t in told["taxes"] if t["inclusive"] is inside] for inside in (False, True)}
    settled = [told[f"amount_{how}"] for how in ("applied", "credited", "paid")]
    return [
        minor(one)
        for one in (
            told["subtotal"],
            *(one["amount"] for one in told["discounts"]),
            *(one["amount"] for one in taxes[False]),
            told["total"],
            *(one["amount"] for one in taxes[True]),
            *(one for one in settled if one["amount"]),
            told["amount_due"],
        )
    ]


def terms(one: Values) -> Any:
    return Fraction(one["percent"]) if one["percent"] else minor(one["fixed"])


def minor(money: Values) -> tuple[Fraction]:
    return (Fraction(money["amount"]),)


def exact(amount: str) -> tuple[Fraction]:
    return (Fraction(amount),)


def currencies(told: Any, currency: str) -> None:
    match told:
        case {"amount": int(), "currency": str(own)}:
            same("currency", own, currency)
        case dict():
            for value in told.values():
                currencies(value, currency)
        case list():
            for value in told:
                currencies(value, currency)
