"""Changes of what a running subscription sells, and what each would do."""

from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.edits import Edit, Wanted
from chalicelib.billing.errors import Invalid
from chalicelib.billing.orders import Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model
from chalicelib.billing.proration import Proration
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import change as alter
from chalicelib.operations.change import ChangePreview
from chalicelib.web.bodies import Body, Id, Number, OneLine, Text
from chalicelib.web.endpoint import Call
from chalicelib.web.lines import Ids, NewLine, NewUnitDiscount, Tiers

NEW_ONLY: Final = ("product", "frequency")


class ChangedLine(Body, frozen=True):
    """A line that stays, by its `id`, with what is to be other than it is; or without an id a new one, as in an order."""

    id: Id | UnsetType = UNSET
    name: OneLine | UnsetType = UNSET
    unit_amount: Number | UnsetType = UNSET
    quantity: Number | UnsetType = UNSET
    product: Id | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    sku: OneLine | UnsetType = UNSET
    model: Model | UnsetType = UNSET
    tiers: Tiers | UnsetType = UNSET
    discounts: Annotated[tuple[NewUnitDiscount, ...], Meta(max_length=10)] | UnsetType = UNSET
    taxes: Ids | UnsetType = UNSET
    tax_code: OneLine | UnsetType = UNSET
    tax_inclusive: bool | UnsetType = UNSET
    frequency: Frequency | UnsetType = UNSET

    def wanted(self, n: int) -> Edit | Wish:
        """The n-th line as it is asked for. Raises Invalid."""
        given = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}
        id_ = given.pop("id", None)
        if id_ is None:
            return NewLine(**given).wish(n)
        for name in NEW_ONLY:
            if name in given:
                detail = "A line that stays keeps this; leave out the id to put a new line in its place."
                raise Invalid("line_stays", detail, f"lines[{n}].{name}")
        return Edit(id=id_, values=_values(given))


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """What is given of a line, as the core has it; a price of another model takes the place of the one before."""
    values = dict(given)
    for name in ("unit_amount", "quantity"):
        if name in values:
            values[name] = Decimal(values[name])
    for name in ("tiers", "discounts"):
        if name in values:
            values[name] = tuple(one.made() for one in values[name])
    if (model := values.get("model")) is Model.FLAT:
        values |= {"model": None, "tiers": values.get("tiers", ())}
    elif model is not None:
        values.setdefault("unit_amount", Decimal(0))
    return values


class NewChange(Body, frozen=True):
    """What is to be other than it is; what is left out stays.

    `lines` are all there will be: those that are not named go. `quantities`, by the id of a line, changes nothing else.
    `coupons` are all there will be, by id, in the order they are taken off: one that is not at work yet is taken now.
    With `proration` none it begins with the next cycle, in place of anything saved for that before, and `drop_saved` calls
    that off. With next_invoice or invoice_now it begins today: the days to come of the lines that change are given
    back by credit notes, and charged anew with the next invoice or on one of its own; another frequency begins a
    period of its own. What Stripe would not take by itself goes with the next invoice. Within two days of billing
    it takes `force`.
    """

    lines: Annotated[tuple[ChangedLine, ...], Meta(min_length=1, max_length=100)] | None = None
    quantities: Annotated[dict[Id, Number], Meta(min_length=1, max_length=100)] | None = None
    frequency: Frequency | None = None
    coupons: Ids | None = None
    proration: Proration = Proration.NONE
    force: bool = False
    drop_saved: bool = False

    def wanted(self) -> Wanted:
        """The change as it is asked for. Raises Invalid."""
        return Wanted(
            lines=None if self.lines is None else tuple(line.wanted(n) for n, line in enumerate(self.lines)),
            quantities={id_: Decimal(quantity) for id_, quantity in (self.quantities or {}).items()},
            frequency=self.frequency,
            coupons=self.coupons,
            proration=self.proration,
            force=self.force,
            drop=self.drop_saved,
        )


def change(call: Call, id_: str, body: NewChange) -> Subscription:
    """Change a subscription; what is due by it today is charged within seconds. Asking again changes nothing more."""
    return alter.subscription(call.service, call.account.id, id_, body.wanted())


def preview(call: Call, id_: str, body: NewChange) -> ChangePreview:
    """What the change would do: credit notes, charges, and the next invoice. Nothing is written, and no number is taken."""
    return alter.preview(call.service, call.account.id, id_, body.wanted())
