"""Billing runs over HTTP: what is previewed is what is issued, to the cent; what stands out comes first; each run is kept."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.billing.subscriptions import Subscription
from chalicelib.store.changes import Changeset
from tests.web.conftest import JANUARY, Api
from tests.web.test_openapi import fits
from tests.web.test_simulate import lives

PREVIEW = "/v1/billing_runs/preview"


class Shop:
    """An account with a clock that stands on 15 January 2026, and what is sold there at prices of their own."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.account, self.key = api.open("Roaster", clock_at=JANUARY)

    def sells(self, cents: int, card: str = "pm_card_visa", **more: Any) -> str:
        lines = [{"name": "Coffee", "unit_amount": str(cents)}]
        sold = self.api.sells(self.key, card=card, lines=lines, **{"frequency": "monthly", **more})
        return str(sold["id"])

    def until(self, to: str) -> None:
        lives(self.api, self.account.id, to, self.key)

    def previews(self, at: str, **more: Any) -> Any:
        told = self.api.post(PREVIEW, {"at": at, **more}, key=self.key)
        assert told.status == 200, told.text
        fits(told, "POST", PREVIEW)
        return told.body

    def runs(self) -> list[Any]:
        told = self.api.get("/v1/billing_runs", key=self.key)
        fits(told, "GET", "/v1/billing_runs")
        rows: list[Any] = told["data"]
        return rows

    def invoices(self, on: str) -> dict[str, int]:
        """The totals issued on a day, by invoice."""
        rows = self.api.get("/v1/invoices?limit=100", key=self.key)["data"]
        return {row["id"]: row["total"]["amount"] for row in rows if row["issued_at"].startswith(on)}

    def changes(self, id_: str, **fields: Any) -> None:
        """Somebody changes a subscription by hand, past every rule."""
        before = self.api.service.store.get(Subscription, self.account.id, id_)
        changes = Changeset(self.account.id)
        changes.put(replace(before, **fields))
        self.api.service.store.commit(changes)


@pytest.fixture
def shop(api: Api) -> Shop:
    """An account with a clock of its own."""
    return Shop(api)


def usd(*cents: int) -> list[Any]:
    return [{"amount": sum(cents), "currency": "usd"}]


def test_a_preview_is_what_the_run_issues_to_the_cent(shop: Shop):
    """Monthly and weekly plans, discounts of a term and a fixed end: each invoice of the day is foretold, and no other."""
    shop.sells(1250)
    shop.sells(999, frequency="weekly", start_on="2026-01-18")
    shop.sells(4000, payments=1)
    shop.sells(700, start_on="2026-02-15")
    shop.sells(100, start_on="2026-02-16")
    shop.until("2026-01-16T00:00:00Z")
    before = shop.api.marks()
    told = shop.previews("2026-02-15")
    assert shop.api.marks() == before
    assert told["complete"]
    assert told["looked_at"] == 5
    shop.until("2026-02-16T00:00:00Z")
    issued = shop.invoices("2026-02-15")
    assert {one["invoice"]: one["total"]["amount"] for one in told["expected"] if one["invoice"]} == issued
    assert len(issued) == told["issued"] == 3
    run = shop.runs()[0]
    assert (run["on"], run["issued"]) == ("2026-02-15", 3)
    assert told["totals"] == run["totals"] == told["amounts_due"] == usd(1250, 999, 700)
    assert told["last_run"]["on"] == "2026-01-15"
    compared = sorted((one["compared"], (one["previous"] or {}).get("amount")) for one in told["expected"])
    assert compared == [("new", None), ("same", 999), ("same", 1250), ("vanished", 4000)]


def test_a_price_changed_by_hand_comes_first(shop: Shop):
    """Of ten plans one was made a hundredfold past every rule: it is the first told, with what it was and should be."""
    ids = [shop.sells(1000 + n) for n in range(10)]
    shop.until("2026-01-16T00:00:00Z")
    wrong = shop.api.service.store.get(Subscription, shop.account.id, ids[6]).lines[0]
    shop.changes(ids[6], lines=(replace(wrong, unit_amount=Decimal(100600)),))
    shop.api.post(f"/v1/subscriptions/{ids[2]}/cancel", key=shop.key)
    told = shop.previews("2026-02-15")["expected"]
    assert [one["subscription"] for one in told[:2]] == [ids[6], ids[2]]
    first = told[0]
    assert (first["compared"], first["total"]["amount"]) == ("changed", 100600)
    assert (first["previous"]["amount"], first["foretold"]["amount"]) == (1006, 1006)
    assert first["deviation_permille"] == 99000
    assert (told[1]["compared"], told[1]["held"], told[1]["deviation_permille"]) == (
        "vanished",
        "canceled",
        1000,
    )
    assert {one["compared"] for one in told[2:]} == {"same"}


def test_what_is_not_billed_or_not_charged_says_why(shop: Shop):
    """Paused, canceled, over, refused by its bank, or too small for Stripe: each has its reason, and none is counted as due."""
    paused, over = shop.sells(1000), shop.sells(2000, payments=1)
    refused, well = shop.sells(3000), shop.sells(5000)
    small = shop.sells(30, start_on="2026-02-15")
    shop.until("2026-01-16T00:00:00Z")
    shop.api.post(f"/v1/subscriptions/{paused}/pause", key=shop.key)
    method = shop.api.service.store.get(Subscription, shop.account.id, refused).method
    assert method is not None
    shop.changes(refused, method=replace(method, refused=True))
    told = shop.previews("2026-02-15T12:00:00Z")
    held = {one["subscription"]: (one["compared"], one["held"]) for one in told["expected"]}
    assert held == {
        paused: ("vanished", "paused"),
        over: ("vanished", "expired"),
        refused: ("same", "method_refused"),
        small: ("new", "below_minimum"),
        well: ("same", None),
    }
    assert told["totals"] == usd(3000, 30, 5000)
    assert told["amounts_due"] == usd(5000)
    assert told["previous_totals"] == usd(1000, 2000, 3000, 5000)


def test_a_run_tells_what_became_of_its_invoices(shop: Shop):
    """Charged, declined and void are counted by what the invoices say now, and credited to their own run alone."""
    shop.sells(1000)
    declined = shop.sells(2000, card="pm_card_chargeCustomerFail")
    shop.sells(700, start_on="2026-01-17")
    shop.until("2026-01-18T00:00:00Z")
    later, run = shop.runs()
    assert (later["issued"], later["totals"]) == (1, usd(700))
    path = f"/v1/billing_runs/{run['id']}"
    told = shop.api.get(path, key=shop.key)
    fits(told, "GET", "/v1/billing_runs/{id}")
    assert (told["issued"], told["totals"], told["counted"]) == (2, usd(3000), 2)
    fates = {one["fate"]: (one["count"], one["totals"]) for one in told["became"]}
    assert fates == {"charged": (1, usd(1000)), "declined": (1, usd(2000))}
    invoice = next(
        row["id"]
        for row in shop.api.get("/v1/invoices", key=shop.key)["data"]
        if row["subscription"] == declined
    )
    assert shop.api.post(f"/v1/invoices/{invoice}/void", key=shop.key).status == 200
    fates = {one["fate"]: one["count"] for one in shop.api.get(path, key=shop.key)["became"]}
    assert fates == {"charged": 1, "void": 1}


def test_a_parked_subscription_is_listed_and_not_counted(shop: Shop):
    """What waits for a person is not billed by the run, and so not in its preview but named in it."""
    stopped, well = shop.sells(1000), shop.sells(2000)
    for _ in range(5):
        shop.api.service.store.schedules.blame(
            f"{shop.account.id}/subscription/{stopped}", "broken", shop.api.now
        )
    told = shop.previews("2026-01-15")
    assert told["parked"] == [stopped]
    assert [one["subscription"] for one in told["expected"]] == [well]


def test_what_is_too_much_for_one_answer_goes_on_in_the_next(shop: Shop):
    """Two at a time the previews, and the counts of the run, come to the same as in one."""
    for n in range(5):
        shop.sells(1000 + n)
    whole = shop.previews("2026-01-15")["expected"]
    parts, after = [], {}
    while True:
        told = shop.previews("2026-01-15", limit=2, **after)
        parts += told["expected"]
        assert told["complete"] is (told["next"] is None)
        if told["complete"]:
            break
        after = {"after": told["next"]}
    by_name = sorted(parts, key=lambda one: str(one["subscription"]))
    assert by_name == sorted(whole, key=lambda one: str(one["subscription"]))
    shop.until("2026-01-16T00:00:00Z")
    path, seen, query = f"/v1/billing_runs/{shop.runs()[0]['id']}?limit=2", [], ""
    while True:
        told = shop.api.get(path + query, key=shop.key).body
        seen.append((told["counted"], told["became"][0]["totals"][0]["amount"]))
        if told["complete"]:
            break
        query = f"&after={told['next']}"
    assert seen == [(2, 1004 + 1003), (2, 1002 + 1001), (1, 1000)]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-01-14", "run_in_the_past"),
        ("2027-02-15", "run_too_far"),
        ("9999-12-31", "run_too_far"),
        ("tomorrow", "wrong_form"),
        ("2026-01-15T10:00", "wrong_form"),
    ],
)
def test_what_cannot_be_previewed_is_refused(shop: Shop, at: str, code: str):
    """Each refusal names the field and says what would be accepted."""
    told = shop.api.post(PREVIEW, {"at": at}, key=shop.key)
    assert (told.status, told["code"], told["param"]) == (400, code, "at")
    assert told["detail"].endswith(".")
