"""A customer's diary: people subscribe, cards decline, days pass; what is asked is asked through the API."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import wiring
from chalicelib.billing import laws
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.ledger import Book
from chalicelib.crm.accounts import Account
from chalicelib.operations import audit, books, create
from sandbox.demo.timeline import inbox
from sandbox.world import World

ZONE = ZoneInfo("America/New_York")
PRICES = {
    "coffee-1kg": ("2500", "monthly"),
    "coffee-500g": ("1800", "biweekly"),
    "coffee-250g": ("1250", "monthly"),
}


class Diary:
    """Dates are New York's; `it_is` moves to six in the evening, when the day's work is done."""

    def __init__(self, world: World, **settings: Any) -> None:
        self.world = world
        service = world.service()
        account = create.account(
            service,
            name="Roaster",
            email="roaster@perennial.example",
            currency="usd",
            zone="America/New_York",
            livemode=False,
            **settings,
        )
        self.account = account.id
        _, self.key = create.api_key(service, account, "diary")
        self.contacts: dict[str, str] = {}
        self.methods: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, str] = {}

    # -- what people do -----------------------------------------------------------------------

    def saves_a_card(self, who: str, method: str = "pm_card_visa") -> dict[str, Any]:
        """A customer leaves a payment method of Stripe's test ones."""
        if who not in self.contacts:
            email = f"{who}@perennial.example"
            self.contacts[who] = self.post("/v1/contacts", name=who.capitalize(), email=email)["id"]
        body = {"contact": self.contacts[who], "payment_method": method}
        self.methods[who] = self.post("/v1/payment_methods", **body)
        return self.methods[who]

    def subscribes(self, who: str, what: str, on: str | None = None, **more: Any) -> str:
        """A customer subscribes, on a card saved before or on a Visa."""
        if who not in self.methods:
            self.saves_a_card(who)
        price, frequency = PRICES[what]
        body = {
            "contact": self.contacts[who],
            "payment_method": self.methods[who]["id"],
            "currency": "usd",
            "frequency": frequency,
            "lines": [{"name": what, "unit_amount": price}],
            **({"start_on": on} if on else {}),
            **more,
        }
        self.subscriptions[who] = self.post("/v1/subscriptions", **body)["id"]
        return self.subscriptions[who]

    def card(self, who: str, *outcomes: str) -> None:
        """What a customer's card will do next, one word a charge."""
        self.world.stripe(
            "POST", "script", {"payment_method": self.methods[who]["id"], "outcomes": list(outcomes)}
        )

    def gives_another_card(self, who: str, method: str = "pm_card_mastercard") -> None:
        """A customer saves another card, and the subscription is charged on it."""
        saved = self.saves_a_card(who, method)["id"]
        self.post(f"/v1/subscriptions/{self.subscriptions[who]}/payment_method", payment_method=saved)

    def stripe_fails(self, who: str, fault: str, times: int = 1, seconds: float = 2) -> None:
        """Stripe fails a customer's next charges in one of the sandbox's ways."""
        where = {"method": "POST", "path": "/v1/payment_intents", "customer": self.methods[who]["customer"]}
        self.world.stripe(
            "POST", "faults", {"match": where, "fault": fault, "times": times, "seconds": seconds}
        )

    def it_is(self, day: str, hour: int = 18) -> None:
        """Time passes, with all that is due on the way."""
        local = datetime.fromisoformat(day).replace(hour=hour, tzinfo=ZONE)
        self.world.until(local.astimezone(UTC))

    # -- what can be seen -----------------------------------------------------------------------

    def subscription(self, who: str) -> dict[str, Any]:
        """A customer's subscription."""
        return self.get(f"/v1/subscriptions/{self.subscriptions[who]}")

    def invoices(self, who: str) -> list[tuple[str, str, int]]:
        """A customer's invoices: begin of the period, status, times asked for."""
        found = self.every(f"/v1/invoices?subscription={self.subscriptions[who]}")
        return sorted((row["period_start_on"], row["status"], row["attempts"]) for row in found)

    def payments(self, who: str) -> list[tuple[str, int]]:
        """A customer's payments: status and cents, oldest first."""
        found = [row for row in self.every("/v1/payments") if row["subscription"] == self.subscriptions[who]]
        return [(row["status"], row["amount"]["amount"]) for row in reversed(found)]

    def letters(self, who: str) -> list[str]:
        """The letters a customer got about payments: receipt, upcoming or failed, oldest first."""
        kinds = {
            "first_payment": "receipt",
            "receipt": "receipt",
            "upcoming_payment": "upcoming",
            "payment_failed": "failed",
            "action_required": "failed",
        }
        return [kinds[letter] for letter in self.every_letter(who) if letter in kinds]

    def every_letter(self, who: str) -> list[str]:
        """The kinds of all letters in a customer's inbox, oldest first."""
        found = [one for one in inbox(self.world) if one["to"].startswith(f"{who}@")]
        return [letter_of(one["delivery"]) for one in found]

    def taken(self) -> int:
        """The cents Stripe took, of everyone."""
        return sum(amounts["gross"] for amounts in self.world.stripe("GET", "summary")["amounts"].values())

    def parked(self) -> list[str]:
        """The records taken out of the schedules."""
        return [row["id"] for row in self.every("/v1/parked")]

    # -- how it is asked ------------------------------------------------------------------------

    def post(self, path: str, **body: Any) -> Any:
        """A POST that succeeds."""
        answer = self.world.call("POST", path, body, self.key)
        assert answer.status in (200, 201, 202), (path, answer.status, answer.body)
        return answer.body

    def get(self, path: str) -> Any:
        """A GET that succeeds."""
        answer = self.world.call("GET", path, None, self.key)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.body

    def every(self, path: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        joint, rows, after = "&" if "?" in path else "?", [], ""
        while True:
            page = self.get(f"{path}{joint}limit=100{after}")
            rows += page["data"]
            if not page["has_more"]:
                return rows
            after = f"&after={page['next']}"

    def sound(self) -> None:
        """What holds at any quiet moment: money here is money at Stripe and in the books, numbers have no gap, nobody is forgotten."""
        invoices = self.every("/v1/invoices")
        self._as_at_stripe()
        numbers = sorted(row["number"] for row in invoices)
        assert numbers == [f"INV-{n:06d}" for n in range(1, len(numbers) + 1)]
        for row in self.every("/v1/subscriptions"):
            rests = row["status"] in ("canceled", "expired", "paused") or not row["invoicing"]
            assert rests or row["next_billing_at"] or row["ended_at"], row
        cycles = [row for row in invoices if row["status"] != "void" and not row["besides"]]
        by_cycle = [(row["subscription"], row["cycle"]) for row in cycles]
        assert len(by_cycle) == len(set(by_cycle))
        judge = wiring.wired(self.world.app.settings)  # not the worker's own, which may end at any point
        assert audit.account(judge, self.account).findings == ()

    def _as_at_stripe(self) -> None:
        """What came is what Stripe took, and the books' cash, with what is on its way back, is what Stripe holds of it."""
        came = [
            row
            for row in self.every("/v1/payments")
            if row["status"] in ("succeeded", "returned") and row["reference"]
        ]
        service = self.world.service()
        kept = books.kept(service, service.store.get(Account, self.account, self.account))
        sums = laws.sums(event.entry for event in kept.events)
        untold = sum(row["amount"]["amount"] for row in came if row["fee"] is None)
        assert sum(row["amount"]["amount"] for row in came) == self.taken() + untold
        holds = sum(amounts["net"] for amounts in self.world.stripe("GET", "summary")["amounts"].values())
        ours = sum(sums["usd", book] for book in (Book.CASH, Book.REFUNDS))
        assert ours == holds + untold, (ours, holds, untold)


def letter_of(delivery: str) -> str:
    """The kind of letter a delivery is, as its name ends, before the user it goes to."""
    name = delivery.partition("_again_")[0]
    named = [kind.value for kind in Letter if f"_{kind}" in name]
    return max(named, key=lambda kind: (name.rfind(f"_{kind}") + len(kind), len(kind)))


def each_day(diary: Diary, days: list[str], see: Callable[[], Any]) -> list[Any]:
    """What is seen at the end of each day."""
    seen = []
    for day in days:
        diary.it_is(day)
        seen.append(see())
    return seen
