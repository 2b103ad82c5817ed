"""What is wished of a running subscription: which lines stay, change, go and come, and how the difference is settled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from chalicelib.billing import boundaries, redemptions
from chalicelib.billing import lines as line_rules
from chalicelib.billing.discounts import Coupon, Discount
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money, most_at_stripe
from chalicelib.billing.orders import Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.products import Product
from chalicelib.billing.proration import Proration
from chalicelib.billing.redemptions import Sale
from chalicelib.billing.statuses import ENDED
from chalicelib.billing.subscriptions import Change, Subscription
from chalicelib.billing.tax import Tax, TaxRate

MAX_LINES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A line that is there and stays, by its id, with other `values`: fields of Line by name, `taxes` of the library."""

    id: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be changed; None leaves it as it is.

    `lines` are all there will be, the ones that stay as edits; `quantities` by line changes nothing else; `coupons` are
    all there will be, by id, in the order they are taken off.
    `force` changes within two days of the next billing; `drop` only calls off what was saved for the next cycle.
    """

    lines: tuple[Edit | Wish, ...] | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    frequency: Frequency | None = None
    coupons: tuple[str, ...] | None = None
    proration: Proration = Proration.NONE
    force: bool = False
    drop: bool = False

    @property
    def says_something(self) -> bool:
        """Whether anything is to be other than it is."""
        given = (self.lines, self.frequency, self.coupons)
        return bool(self.quantities) or any(one is not None for one in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The products, tax rates and coupons that a wish names, by id."""

    products: Mapping[str, Product]
    rates: Mapping[str, TaxRate]
    coupons: Mapping[str, Coupon]


def check_changeable(before: Subscription, now: datetime, wanted: Wanted) -> None:
    """Refuse a change that says two things or none, or comes at the wrong moment. Raises Invalid or WrongState."""
    if before.status in ENDED or not (before.billable or before.record_only):
        detail = f"The subscription is {before.status}; only one that is still billed can be changed."
        raise WrongState("subscription_ended", detail)
    if before.paused_on is not None:
        raise WrongState("subscription_paused", "The subscription is paused; resume it, then change it.")
    if wanted.drop and wanted.says_something:
        raise Invalid("drop_with_changes", "To call off what was saved send drop_saved alone.", "drop_saved")
    if wanted.lines is not None and wanted.quantities:
        detail = "Give the lines or only their quantities, one of them."
        raise Invalid("lines_and_quantities", detail, "quantities")
    if not wanted.drop and not wanted.says_something:
        detail = "Say what is to be changed: lines, quantities, frequency or coupons; or send drop_saved."
        raise Invalid("nothing_to_change", detail, "lines")
    boundaries.check_settled(before, now)
    boundaries.check_open(before, now, force=wanted.force or wanted.drop)


def ends(subscription: Subscription) -> bool:
    """Whether no further cycle is billed."""
    return subscription.at_its_end or subscription.ends_first


def check_next(before: Subscription) -> None:
    """Refuse what is to begin with the next cycle where there is none. Raises WrongState."""
    if ends(before):
        detail = "No further cycle is billed that it could begin with; send proration invoice_now, or reactivate it first."
        raise WrongState("no_next_cycle", detail)


def check_restart(before: Subscription) -> None:
    """Refuse to begin a period of another length where an end is planned. Raises WrongState."""
    if before.at_its_end or before.ends_at is not None:
        detail = "It ends before a period of another length could begin; reactivate it first, or order anew."
        raise WrongState("no_next_cycle", detail)


def wished(before: Subscription, wanted: Wanted, library: Library, now: datetime) -> Change:
    """What will be other than it is; a change of nothing where nothing will. Raises Invalid."""
    if wanted.drop:
        return Change()
    lines = _lines(before, wanted, library)
    taxes = _taxes(before, lines, library)
    _check_lines(lines, before, wanted)
    if wanted.frequency is Frequency.ONE_TIME:
        detail = "Choose a frequency that recurs, such as monthly."
        raise Invalid("frequency_not_recurring", detail, "frequency")
    discounts = _discounts(before, lines, wanted, library, now)
    return Change(
        lines=None if lines == before.lines else lines,
        rates=None if taxes == before.taxes else taxes,
        coupons=None if discounts == before.discounts else discounts,
        frequency=None if wanted.frequency is before.frequency else wanted.frequency,
    )


def _lines(before: Subscription, wanted: Wanted, library: Library) -> tuple[Line, ...]:
    there = {line.id: line for line in before.lines}
    if wanted.lines is None:
        for id_ in wanted.quantities:
            _known(there, id_, f"quantities.{id_}")
        given = wanted.quantities
        return tuple(replace(line, quantity=given.get(line.id, line.quantity)) for line in before.lines)
    names = [one.id if isinstance(one, Edit) else "" for one in wanted.lines]
    free = [line for line in before.lines if line.id not in names]
    fresh = _fresh(before)
    made: list[Line] = []
    for n, one in enumerate(wanted.lines):
        if isinstance(one, Edit):
            if one.id in names[:n]:
                raise Invalid("line_twice", "Name each line once.", f"lines[{n}].id")
            made.append(replace(_known(there, one.id, f"lines[{n}].id"), **one.values))
        else:
            made.append(_named(_new(before, one, library, wanted, n), free, fresh))
    return tuple(made)


def _named(line: Line, free: list[Line], fresh: Iterator[str]) -> Line:
    """A new line like one that is there and nobody named is that one, so that asking twice is asking once."""
    like = next((other for other in free if replace(other, id="") == line), None)
    if like is None:
        return replace(line, id=next(fresh))
    free.remove(like)
    return like


def _known(there: Mapping[str, Line], id_: str, param: str) -> Line:
    if id_ not in there:
        detail = f"The subscription has the lines {', '.join(there)}; a new line has no id."
        raise Invalid("no_such_line", detail, param)
    return there[id_]


def _fresh(before: Subscription) -> Iterator[str]:
    """Names that no line of it has."""
    saved = before.change.lines if before.change else None
    used = {line.id for line in (*before.lines, *before.extras, *(saved or ()))}
    n = max((int(id_[3:]) for id_ in used if id_[3:].isdecimal()), default=0)
    while True:
        n += 1
        yield f"li_{n}"


def _new(before: Subscription, wish: Wish, library: Library, wanted: Wanted, n: int) -> Line:
    """A line of one's own, or copied from the library; it is billed with the others."""
    line = wish.line
    if wish.frequency not in (None, wanted.frequency or before.frequency):
        detail = (
            f"The lines of one subscription are billed together, here {wanted.frequency or before.frequency}."
        )
        raise Invalid("frequency_differs", detail, f"lines[{n}].frequency")
    if wish.save:
        detail = "A line is saved to the library when it is ordered; make the product first, and name it."
        raise Invalid("save_with_order_only", detail, f"lines[{n}].save_to_library")
    if line.product:
        product = library.products[line.product]
        if product.currency != before.currency:
            detail = f"The product is in {product.currency}; the subscription is in {before.currency}."
            raise Invalid("currency_differs", detail, f"lines[{n}].product")
        line = replace(product.line("", line.quantity), discounts=line.discounts)
    return line if wish.taxes is None else replace(line, taxes=wish.taxes)


def _taxes(before: Subscription, lines: tuple[Line, ...], library: Library) -> tuple[Tax, ...]:
    """The copies of the taxes its lines and fees have: those there are stay as they are, new ones are the library's."""
    there = {tax.id for tax in before.taxes}
    kept = {id_ for line in (*lines, *before.extras) for id_ in line.taxes}
    kept |= {id_ for fee in before.fees for id_ in fee.taxes}
    taxes = [tax for tax in before.taxes if tax.once or tax.id in kept]
    for n, line in enumerate(lines):
        for id_ in line.taxes:
            if id_ in there:
                continue
            there.add(id_)
            taxes.append(_rate(library, id_, f"lines[{n}].taxes").tax())
    return tuple(taxes)


def _discounts(
    before: Subscription, lines: tuple[Line, ...], wanted: Wanted, library: Library, now: datetime
) -> tuple[Discount, ...]:
    """The discounts as they will be: what has no coupon stays, a coupon at work goes on, and one that is not is taken."""
    if wanted.coupons is None:
        return before.discounts
    there = _at_work(before)
    subtotal = sum(line_rules.amount(line, before.currency).amount for line in lines)
    sale = Sale(
        contact=before.contact,
        now=now,
        subtotal=Money(subtotal, before.currency),
        products=frozenset(line.product for line in lines if line.product),
    )
    begins_on = before.next_on if wanted.proration is Proration.NONE else before.day(now)
    made = [one for one in before.discounts if not one.coupon]
    for n, id_ in enumerate(wanted.coupons):
        if id_ in wanted.coupons[:n]:
            raise Invalid("coupon_twice", "Name each coupon once.", f"coupons[{n}]")
        if id_ in there:
            made.append(there[id_])
            continue
        if id_ not in library.coupons:
            raise Invalid(
                "no_such_coupon", f"There is no coupon {id_!r} here; create it first.", f"coupons[{n}]"
            )
        redemptions.check(library.coupons[id_], None, sale, f"coupons[{n}]")
        made.append(library.coupons[id_].discount(begins_on))
    return tuple(made)


def _at_work(before: Subscription) -> dict[str, Discount]:
    saved = before.change.coupons if before.change else None
    return {one.coupon: one for one in (*(saved or ()), *before.discounts) if one.coupon}


def taken(before: Subscription, change: Change, library: Library) -> list[Coupon]:
    """The coupons a change is the first to take."""
    there = _at_work(before)
    return [
        library.coupons[one.coupon].taken()
        for one in change.coupons or ()
        if one.coupon and one.coupon not in there
    ]


def _rate(library: Library, id_: str, param: str) -> TaxRate:
    rate = library.rates.get(id_)
    if rate is None or not rate.active:
        raise Invalid(
            "tax_rate_not_offered", f"{id_} is not a tax rate that is active; choose one that is.", param
        )
    return rate


def _check_lines(lines: tuple[Line, ...], before: Subscription, wanted: Wanted) -> None:
    if not 1 <= len(lines) <= MAX_LINES:
        raise Invalid("lines_out_of_range", f"Leave from 1 to {MAX_LINES} lines.", "lines")
    for n, line in enumerate(lines):
        if wanted.lines is not None:
            line_rules.check_line(line, f"lines[{n}]")
        elif line.id in wanted.quantities:
            line_rules.check_quantity(line.quantity, f"quantities.{line.id}")
    total = sum(line_rules.amount(line, before.currency).amount for line in lines)
    largest = most_at_stripe(before.currency)
    if total > largest:
        detail = f"Stripe charges at most {largest} minor units at once."
        raise Invalid("amount_too_large", detail, "lines" if wanted.lines is not None else "quantities")
