"""Invoices: what was owed for each cycle, and for changes within one."""

from chalicelib.billing.invoices import Invoice, InvoiceStatus, name_of
from chalicelib.operations import void as close
from chalicelib.store import keys
from chalicelib.web.cycles import BySubscription, Point, Walk, walk
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import cursor, owned
from chalicelib.web.shown import Listed


def list_(call: Call, query: BySubscription) -> Listed[Invoice]:
    """All invoices, the last number first; of a subscription, or of a contact's subscriptions one after another."""
    if query.contact is None and query.subscription is None:
        return owned(call.service, Invoice, f"{call.account.id}/invoice", query)
    points, rest = _points(walk(call, query), query.limit)
    wanted = [
        keys.key(Invoice, call.account.id, name_of(point.subscription, point.invoice)) for point in points
    ]
    found = call.service.store.load(call.account.id, wanted).records
    invoices = [found[key] for key in wanted if key in found]
    return Listed([one for one in invoices if isinstance(one, Invoice)], cursor(str(rest) if rest else None))


def get(call: Call, id_: str) -> Invoice:
    """An invoice."""
    return call.get(Invoice, id_)


def void(call: Call, id_: str) -> Invoice:
    """Take back all that an open invoice charged, as issued in error; an applied balance goes back to the customer."""
    return _closed(call, id_, InvoiceStatus.VOID) or close.invoice(call.service, call.account.id, id_)


def mark_uncollectible(call: Call, id_: str) -> Invoice:
    """Expect no more money for an open invoice: what it owes is lost, and nobody is asked for it again."""
    done = _closed(call, id_, InvoiceStatus.UNCOLLECTIBLE)
    return done or close.uncollectible(call.service, call.account.id, id_)


def _closed(call: Call, id_: str, status: InvoiceStatus) -> Invoice | None:
    """What an earlier try of the same request has done."""
    before = call.service.store.get(Invoice, call.account.id, id_) if call.seed else None
    return before if before and before.status is status else None


def _points(way: Walk, limit: int) -> tuple[list[Point], Point | None]:
    """The invoices of a page, and where the next one goes on."""
    points: list[Point] = []
    for subscription in way.subscriptions:
        resumed = way.point is not None and way.point.subscription == subscription.id
        below = way.point.invoice if resumed and way.point else subscription.ordinal
        for ordinal in reversed(range(min(below, subscription.ordinal))):
            if len(points) == limit:
                return points, points[-1]
            points.append(Point(subscription=subscription.id, invoice=ordinal))
    return points, way.rest
