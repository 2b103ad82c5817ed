"""All that has been committed, as it stands, and the protocol of charging watched at every write and call.

It sees only what others could see: the items that were written and what Stripe was asked. What a law forbids is kept
as a sentence; a world with one is no good, however its books come out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from chalicelib.billing.events import Event
from chalicelib.billing.gateway import Declined
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo
from sandbox.worlds.points import SHAPES

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

SETTLED: Final = frozenset({"succeeded", "declined", "canceled", "returned"})
WORTHLESS: Final = frozenset(
    """incorrect_number lost_card pickup_card stolen_card revocation_of_authorization revocation_of_all_authorizations
    highest_risk_level transaction_not_allowed""".split()
)
"""What Stripe says never to ask the same method again after (docs.stripe.com/billing/revenue-recovery/smart-retries)."""
WATCHED: Final = (
    "subscription",
    "invoice",
    "payment",
    "refund",
    "dispute",
    "setup",
    "credit_note",
    "contact",
    "event",
    "delivery",
)
TOLD: Final = frozenset({"subscription", "invoice", "payment", "refund", "dispute", "setup"})
"""Kinds whose statuses are counted as they change."""


class Watch:
    """`records` are all of the kinds watched, `wakes` where everything stands in ByWake, `broken` what a law forbids."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self.records: dict[str, Any] = {}
        self.versions: dict[str, int] = {}
        self.wakes: dict[str, tuple[str, str]] = {}
        self.broken: list[str] = []
        self.opened: dict[str, set[str]] = {}
        self.worthless: dict[tuple[str, str], str] = {}
        self._leases: dict[str, tuple[datetime, object]] = {}
        self._writer: object = None

    def of(self, type_: type) -> list[Any]:
        """All records of a type, by key."""
        kind = f"/{keys.BY_TYPE[type_].name}/"
        return [record for key, record in self.records.items() if kind in key]

    def get(self, type_: type, name: str) -> Any:
        """A record, or None."""
        return self.records.get(keys.key(type_, self._life.account, name))

    def breach(self, sentence: str) -> None:
        """Something that must never be."""
        self._life.log("BROKEN", sentence)
        self.broken.append(sentence)

    # -- what is written --------------------------------------------------------------------------

    def asked_to_write(self, operation: str, request: dict[str, Any]) -> None:
        """Whatever happens in a world, the work on a record raises nothing: only that workers died of it may be counted."""
        if operation != "UpdateItem" or not request["UpdateExpression"].startswith("ADD failures"):
            return
        key = request["Key"]["key"]["S"]
        if not any(message.received > 1 and key in message.body for message in self._life.post.at_work):
            self.breach(f"The work on {key} raised an error.")

    def wrote(self, operation: str, request: dict[str, Any], inner: Dynamo, writer: object) -> None:
        """Take over a write that a process has done, and look at it."""
        self._writer = writer
        puts = [request] if operation == "PutItem" else []
        puts += [part["Put"] for part in request.get("TransactItems", ()) if "Put" in part]
        pairs = [pair for put in puts if (pair := self._put(put["Item"]))]
        if not puts:
            self._reread(request, inner)
        for key, before, after in pairs:
            self._look(key, before, after)

    def _reread(self, request: dict[str, Any], inner: Dynamo) -> None:
        """What an update did to where a record stands in the schedules."""
        if "Key" not in request:
            return
        where = {"TableName": request["TableName"], "Key": request["Key"], "ConsistentRead": True}
        item = inner.dispatch("GetItem", where).get("Item")
        key = request["Key"]["key"]["S"]
        self.wakes.pop(key, None)
        if item and "wake_shard" in item:
            self.wakes[key] = (item["wake_shard"]["S"], item["wake_at"]["S"])

    def _put(self, item: dict[str, Any]) -> tuple[str, Any, Any] | None:
        key, kind = item["key"]["S"], item["kind"]["S"]
        if kind == "link":
            return None
        self.wakes.pop(key, None)
        if "wake_shard" in item:
            self.wakes[key] = (item["wake_shard"]["S"], item["wake_at"]["S"])
        version = int(item["version"]["N"])
        if version != self.versions.get(key, 0) + 1 and kind != "answer":
            self.breach(f"{key} was written over: version {version} came after {self.versions.get(key, 0)}.")
        self.versions[key] = version
        if kind not in WATCHED:
            return None
        before = self.records.get(key)
        self.records[key] = after = SHAPES.decode(kind, int(item["shape"]["N"]), item["body"]["S"])
        return key, before, after

    def _look(self, key: str, before: Any, after: Any) -> None:
        kind = keys.kind_of(key).name
        if kind in TOLD:
            self._count(kind, before, after)
        if isinstance(after, Event):
            self._life.trace.fact(after)
        if isinstance(after, Payment):
            self._payment(before, after)
        if isinstance(after, Subscription) and before is not None and before.method != after.method:
            self._switched(after)

    def _switched(self, after: Subscription) -> None:
        """A method that is chosen anew may be asked again."""
        if after.method and not after.method.refused:
            self.worthless.pop((after.id, after.method.id), None)

    def _count(self, kind: str, before: Any, after: Any) -> None:
        was, now = (str(before.status) if before else "new"), str(after.status)
        if was != now:
            self._life.seen[f"{kind}: {was} → {now}"] += 1
            self._life.seen[f"status: {now}"] += kind == "subscription"
            self._life.log(kind, f"{after.id} {was} → {now}")

    def _payment(self, before: Payment | None, after: Payment) -> None:
        """An invoice has one open payment; what has ended stays as it is."""
        self._leased(before, after)
        if after.status == "action_required" and (before is None or before.status is not after.status):
            self._life.invited(after)
        moved = before is not None and before.status in SETTLED and before.status is not after.status
        if before is not None and moved and (before.status, after.status) != ("succeeded", "returned"):
            self.breach(f"{after.id} was {before.status}, and became {after.status}.")
        for part in after.allocations:
            opened = self.opened.setdefault(part.invoice, set())
            if after.status in SETTLED:
                opened.discard(after.id)
                continue
            opened.add(after.id)
            if len(opened) > 1:
                self.breach(f"{part.invoice} has two open payments: {', '.join(sorted(opened))}.")
            invoice: Invoice = self.get(Invoice, part.invoice)
            if invoice.payment != after.id:
                self.breach(
                    f"{after.id} is open, and {invoice.id} does not wait for it but for {invoice.payment}."
                )
        if before is None and after.origin == "schedule":
            self._scheduled(after)

    def _leased(self, before: Payment | None, after: Payment) -> None:
        """Whoever asks Stripe is waited for: nobody else takes the payment up before the lease is over."""
        until, owner = self._leases.get(after.id, (self._life.moment, None))
        on_page = (
            after.request is not None and after.request.page is not None
        )  # every tab asks for the same page
        live = before is not None and before.leased_until is not None and self._life.moment < until
        if live and owner is not self._writer and after.status not in SETTLED and not on_page:
            self.breach(f"{after.id} was taken from a worker whose lease lives until {until}.")
        if after.leased_until:
            self._leases[after.id] = after.leased_until, self._writer

    def _scheduled(self, payment: Payment) -> None:
        """What the schedule asks for is asked of the method the subscription has at that very moment."""
        subscription: Subscription = self.get(Subscription, payment.subscription)
        method = subscription.method
        asked = payment.request.method if payment.request else None
        if method is None or method.id != asked or method.refused:
            self.breach(f"{payment.id} was opened on {asked}; {subscription.id} is charged on {method}.")
        if subscription.status == "unpaid" or (
            subscription.status == "canceled" and not self.get(Invoice, payment.allocations[0].invoice).last
        ):
            self.breach(
                f"{payment.id} was opened by the schedule, and {subscription.id} is {subscription.status}."
            )

    # -- what is asked ----------------------------------------------------------------------------

    def asked(self, method: str, given: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        """A call to the gateway, looked at before and after."""
        self._life.seen[f"asked: {method}"] += 1
        if method == "attach":
            self._life.seen[f"method: {given[0]}"] += 1
        if method != "charge":
            return call()
        name, request = given[0], given[1]
        self._may_be_charged(name, request)
        outcome = call()
        self._answered(name, request, outcome)
        return outcome

    def _may_be_charged(self, name: str, request: Any) -> None:
        payment = self.get(Payment, name)
        if name != request.metadata["payment"]:
            self.breach(f"{request.metadata['payment']} was charged under the key {name}.")
            return
        if payment is None or payment.request != request:
            self.breach(f"Stripe was asked for {name}, and nothing says so here.")
            return
        refused = self.worthless.get((payment.subscription, request.method), name)
        if refused != name and not self._side_by_side(payment, refused):
            self.breach(f"{name} asks {request.method} again, which was refused for good.")

    def _side_by_side(self, payment: Payment, refused: str) -> bool:
        """Whether both were written down together, before either had its answer: nobody could know of the refusal."""
        other = self.get(Payment, refused)
        return other is not None and other.created_at == payment.created_at

    def _answered(self, name: str, request: Any, outcome: Any) -> None:
        told = type(outcome).__name__.lower()
        code = outcome.code if isinstance(outcome, Declined) else ""
        self._life.log("stripe", f"{name} {request.amount} {told} {code}".rstrip())
        self._life.seen[f"answer: {told}"] += 1
        if isinstance(outcome, Declined):
            self._life.seen[f"declined: {code}"] += 1
            payment = self.get(Payment, name)
            if code in WORTHLESS and payment:
                self.worthless.setdefault((payment.subscription, request.method), name)
