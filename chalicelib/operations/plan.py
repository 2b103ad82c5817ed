"""Plan the lines of an order: how often each is billed, for how long, and from when."""

from datetime import date
from typing import TypeVar

from chalicelib.billing import orders
from chalicelib.billing.errors import Invalid
from chalicelib.billing.orders import AT_CHECKOUT, Plan, Start, Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.products import Product
from chalicelib.operations import fill
from chalicelib.operations.order import Order
from chalicelib.store.changes import Reading

V = TypeVar("V", Frequency, str, int)


def lines(found: Reading, account: str, order: Order, today: date) -> list[Plan | None]:
    """Each line's plan, None where it is billed once. Raises NotFound, or Invalid naming the field to blame."""
    wished = [(wish, fill.product_of(found, account, wish, n)) for n, wish in enumerate(order.lines)]
    if order.apart:
        return [_own(wish, product, today, f"lines[{n}].") for n, (wish, product) in enumerate(wished)]
    plan = _shared(order, wished, today)
    once = [_is_once(wish, product, f"lines[{n}].frequency") for n, (wish, product) in enumerate(wished)]
    return [None if one else plan for one in once]


def _own(wish: Wish, product: Product | None, today: date, at: str) -> Plan | None:
    """The plan of a line that stands for itself."""
    frequency = one_of({product.frequency} if product else set(), wish.frequency, f"{at}frequency")
    if frequency is None:
        detail = "Say how often it is billed, such as monthly, or one_time."
        raise Invalid("frequency_missing", detail, f"{at}frequency")
    if frequency is Frequency.ONE_TIME:
        if wish.payments is not None or wish.term or wish.start:
            detail = "What is billed once has neither a term nor a start of its own; leave them out."
            raise Invalid("term_of_one_time", detail, f"{at}frequency")
        return None
    payments = orders.payments_of(wish.payments, wish.term, frequency, at)
    if payments is None and product:
        payments = product.payments
    return _plan(frequency, payments, wish.start or AT_CHECKOUT, today, at)


def _shared(order: Order, wished: list[tuple[Wish, Product | None]], today: date) -> Plan:
    """What the recurring lines of one subscription share: as it is given, else as their products have it."""
    recurring = [product for _, product in wished if product and product.frequency.recurring]
    own = {wish.frequency for wish, _ in wished if wish.frequency and wish.frequency.recurring}
    frequency = one_of({one.frequency for one in recurring} | own, order.frequency, "frequency")
    if frequency is None:
        raise Invalid("frequency_missing", "Say how often it is billed, such as monthly.", "frequency")
    if frequency is Frequency.ONE_TIME:
        detail = "Choose a frequency that recurs, such as monthly."
        raise Invalid("frequency_not_recurring", detail, "frequency")
    payments = orders.payments_of(order.payments, order.term, frequency)
    if payments is None:
        payments = one_of({one.payments for one in recurring if one.payments}, None, "payments")
    return _plan(frequency, payments, order.start, today, "")


def _is_once(wish: Wish, product: Product | None, param: str) -> bool:
    known = one_of({product.frequency} if product else set(), wish.frequency, param)
    return known is Frequency.ONE_TIME


def _plan(frequency: Frequency, payments: int | None, start: Start, today: date, at: str) -> Plan:
    start_on = orders.begins_on(start, today, at)
    skip = start_on < today and start.backdate is orders.Backdate.SKIP
    return Plan(frequency=frequency, payments=payments, start_on=start_on, skip=skip)


def one_of(known: set[V], given: V | None, param: str) -> V | None:
    """What all have that is known of them, None where nothing is. Raises Invalid where they differ."""
    values = known | ({given} if given is not None else set())
    if len(values) > 1:
        listed = ", ".join(sorted(map(str, values)))
        name = param.rpartition(".")[2]
        detail = f"The lines of one subscription share their {name}; here are {listed}."
        raise Invalid(f"{name}_differs", detail, param)
    return next(iter(values), None)
