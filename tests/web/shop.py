"""An account that sells, as the tests of what is sold over HTTP use it."""

from typing import Any

from chalicelib.operations import advance
from tests.web.conftest import JANUARY, Api, Told

PLAN = {"name": "Plan", "unit_amount": 3000}
MONTHLY = PLAN | {"frequency": "monthly"}
TIERS = [{"up_to": 10, "unit_amount": 100}, {"up_to": 50, "unit_amount": 80}, {"unit_amount": 50}]
NOON = JANUARY.replace(hour=12)


class Shop:
    """An account on a clock of its own at noon of 15 January 2026, and a customer with a card."""

    def __init__(self, api: Api, card: str = "pm_card_visa") -> None:
        self.api = api
        self.account, self.key = api.open("Roaster", clock_at=NOON)
        self.contact = self.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com"})["id"]
        self.card = self.saves(card)

    def saves(self, card: str) -> str:
        body = {"contact": self.contact, "payment_method": card}
        saved: str = self.post("/v1/payment_methods", body)["id"]
        return saved

    def post(self, path: str, body: Any = None, **more: Any) -> Told:
        return self.api.post(path, body, key=self.key, **more)

    def body(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"contact": self.contact, "payment_method": self.card, "lines": list(lines), **more}

    def sells(self, *lines: dict[str, Any], **more: Any) -> Any:
        told = self.post("/v1/subscriptions", self.body(*lines, **more))
        assert told.status == 201, told.text
        return told.body

    def orders(self, *lines: dict[str, Any], **more: Any) -> list[Any]:
        told = self.post("/v1/orders", self.body(*lines, **more))
        assert told.status == 201, told.text
        return list(told["data"])

    def it_is(self, day: str) -> None:
        """The clock is moved to one in the afternoon of a day, or stays, and what is due is done."""
        if day != "2026-01-15":
            assert self.post("/v1/test_clock/advance", {"to": f"{day}T13:00:00Z"}).status == 202
        for _ in range(20):
            advance.clocks(self.api.service, self.account.id, [])

    def invoices(self, subscription: str = "") -> list[Any]:
        """All invoices, or a subscription's, oldest first."""
        path = "/v1/invoices?limit=100" + (f"&subscription={subscription}" if subscription else "")
        return sorted(self.api.get(path, key=self.key)["data"], key=lambda one: one["number"])

    def get(self, path: str) -> Any:
        return self.api.get(path, key=self.key).body

    def rate(self, percentage: Any, **more: Any) -> str:
        made: str = self.post("/v1/tax_rates", {"name": f"T{percentage}", "percentage": percentage, **more})[
            "id"
        ]
        return made


def totals(invoices: list[Any]) -> list[tuple[str, int]]:
    return [(one["period_start_on"], one["total"]["amount"]) for one in invoices]
