"""Orders: all that a contact buys at once, as many subscriptions as its frequencies, terms and starts make."""

from typing import Annotated

from msgspec import Meta

from chalicelib.billing.orders import MAX_GROUPS
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.summaries import Summary
from chalicelib.operations import subscribe
from chalicelib.store import keys
from chalicelib.web.endpoint import Call
from chalicelib.web.lines import OrderedLine
from chalicelib.web.purchases import Purchase, order
from chalicelib.web.shown import Listed


class NewOrder(Purchase, frozen=True, kw_only=True):
    """Lines of the same frequency, term and start make one subscription, at most 20 in all.

    What is billed once, and one-off amounts, go with the first subscription that is due now. A percentage is of every
    subscription, a one-off one of each that is due now; a one-off amount off is given once, shared among those.
    """

    lines: Annotated[tuple[OrderedLine, ...], Meta(min_length=1, max_length=100)]


def create(call: Call, body: NewOrder) -> Listed[Subscription]:
    """Sell all subscriptions of an order, or none; what is due today is billed and charged within seconds."""
    made = _made_before(call) or subscribe.all_of(
        call.service, call.account.id, order(body, body.lines, apart=True)
    )
    return Listed(made, None)


def _made_before(call: Call) -> list[Subscription]:
    """What an earlier try of the same request made: they are named by its seed, and were made together."""
    if call.seed is None:
        return []
    names = [call.service.new_id("sub_") for _ in range(MAX_GROUPS)]
    account = call.account.id
    found = call.service.store.load(account, [keys.key(Subscription, account, name) for name in names])
    made = (found.find(Subscription, account, name) for name in names)
    return [one for one in made if one is not None]


def preview(call: Call, body: NewOrder) -> Summary:
    """What an order would come to: now, later by date, in all, and each period. Nothing is written."""
    return subscribe.foreseen(call.service, call.account.id, order(body, body.lines, apart=True))
