"""Changes over HTTP: previewed as they are done, settled to the cent, and refused with a reason."""

from typing import Any

import pytest

from chalicelib.operations import advance
from tests.web.conftest import JANUARY, Api


class Shop:
    """A shop whose clock stands at 15 January 2026, six in the morning of the billing hour past, in UTC."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.account, self.key = api.open("Shop", clock_at=JANUARY)
        self.until("2026-01-15T07:00:00Z")

    def until(self, to: str) -> None:
        told = self.post("/v1/test_clock/advance", {"to": to})
        assert told.status == 202, told.text
        self.work()

    def work(self) -> None:
        advance.clocks(self.api.service, self.account.id, [])

    def post(self, path: str, body: Any = None) -> Any:
        return self.api.post(path, body, key=self.key)

    def get(self, path: str) -> Any:
        told = self.api.get(path, key=self.key)
        assert told.status == 200, told.text
        return told.body

    def sells(self, *lines: Any, **more: Any) -> str:
        """A monthly subscription from today, billed."""
        given = list(lines) or [{"name": "Coffee", "unit_amount": 3100}]
        id_ = self.api.sells(
            self.key, currency="usd", frequency=more.pop("frequency", "monthly"), lines=given, **more
        )["id"]
        self.work()
        return str(id_)

    def change(self, id_: str, **body: Any) -> Any:
        told = self.post(f"/v1/subscriptions/{id_}/change", body)
        assert told.status == 200, told.text
        self.work()
        return told.body

    def invoices(self, id_: str) -> list[Any]:
        """Oldest first."""
        return list(reversed(self.get(f"/v1/invoices?subscription={id_}")["data"]))

    def notes(self) -> list[Any]:
        """Oldest first."""
        return list(reversed(self.get("/v1/credit_notes")["data"]))

    def balance(self, id_: str) -> Any:
        contact = self.get(f"/v1/subscriptions/{id_}")["contact"]
        return self.get(f"/v1/contacts/{contact}")["balances"]


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


def test_an_upgrade_is_charged_at_once_for_the_days_to_come(shop: Shop):
    """15 days into 31: 16/31 of the old line is given back and 16/31 of the new one charged, less that, on an invoice now."""
    id_ = shop.sells()
    shop.until("2026-01-30T12:00:00Z")
    shop.change(id_, lines=[{"id": "li_1", "unit_amount": 6200}], proration="invoice_now")
    first, besides = shop.invoices(id_)
    assert (first["total"]["amount"], first["status"]) == (3100, "paid")
    assert [note["total"]["amount"] for note in shop.notes()] == [1600]
    assert (besides["total"]["amount"], besides["amount_applied"]["amount"], besides["besides"]) == (3200, 1600, True)
    assert (besides["status"], besides["amount_paid"]["amount"]) == ("paid", 1600)
    assert besides["lines"][0]["share"] == {
        "days": 16, "of_days": 31, "start_on": "2026-01-30", "end_on": "2026-02-15",
    }  # fmt: skip
    shop.until("2026-02-15T12:00:00Z")
    assert shop.invoices(id_)[2]["total"]["amount"] == 6200
