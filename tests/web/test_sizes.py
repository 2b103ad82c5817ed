"""What grows: no subscription that can be sold or changed is too large for its invoice, and what is too large is refused in words."""

import json
from typing import Any

import pytest

from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import renew
from chalicelib.store import keys
from tests.web.conftest import Api, Told

MONTHLY = {"frequency": "monthly"}


def lines(count: int, description: str = "", **more: Any) -> list[dict[str, Any]]:
    return [
        {"name": f"Line {n}", "unit_amount": 100, "description": description, **more} for n in range(count)
    ]


def bought(api: Api, **more: Any) -> Told:
    contact = api.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com"})["id"]
    card = {"contact": contact, "payment_method": "pm_card_visa"}
    method = api.post("/v1/payment_methods", card)["id"]
    return api.post("/v1/subscriptions", {"contact": contact, "payment_method": method, **MONTHLY, **more})


def billed(api: Api, id_: str) -> Any:
    """Its next invoice, as the worker writes it."""
    name = keys.key(Subscription, api.account.id, id_)
    renew.subscriptions(api.service, api.account.id, [name])
    return api.get(f"/v1/invoices?subscription={id_}")["data"][0]


TIERS = [{"up_to": n, "unit_amount": "0.01"} for n in range(1, 10)] + [{"unit_amount": "0.000001"}]
LARGEST = {
    "texts": lines(80, "a" * 2000),
    "wide texts": lines(10, "\U0001f9fe" * 2000),
    "discounts": lines(100, discounts=[{"percent": "0.5"}] * 10),
    "tiers": [line | {"unit_amount": 0, "model": "graduated", "tiers": TIERS, "quantity": 1000} for line in lines(90)],
}  # fmt: skip


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_that_is_sold_can_be_billed(api: Api, name: str):
    """As much as a subscription holds goes into its invoice too: nothing is parked for its size."""
    sold = bought(api, lines=LARGEST[name])
    assert sold.status == 201, sold.text
    assert len(billed(api, sold["id"])["lines"]) == len(LARGEST[name])
    assert api.get("/v1/parked")["data"] == []


def test_what_grows_change_by_change_is_refused_before_it_cannot_be_billed(api: Api):
    """Lines of long texts are added until no more can be held: that is said, and what was there before is billed."""
    sold = bought(api, lines=lines(1), start_on="2026-03-01")["id"]
    there = [{"id": "li_1"}]
    for _ in range(9):
        added = lines(20, "\u20ac" * 2000)
        told = api.post(f"/v1/subscriptions/{sold}/change", {"lines": there + added})
        if told.status != 200:
            break
        there = [{"id": line["id"]} for line in told["lines"]]
    assert (told.status, told["code"]) == (400, "record_too_large")
    assert "fewer lines" in told["detail"]
    assert len(there) > 20
    api.wait(days=31)
    assert len(billed(api, sold)["lines"]) == len(there)


def test_a_change_may_not_hold_more_tiers_than_an_order(api: Api):
    """A thousand tiers in all, as when it was ordered."""
    sold = bought(api, lines=lines(1), start_on="2026-03-01")["id"]
    more = [{"up_to": n, "unit_amount": 1} for n in range(1, 60)] + [{"unit_amount": 1}]
    wide = [{"name": f"L{n}", "model": "volume", "tiers": more, "quantity": 5} for n in range(17)]
    told = api.post(f"/v1/subscriptions/{sold}/change", {"lines": wide})
    assert (told.status, told["code"], told["param"]) == (400, "too_many_tiers", "lines"), told.text
    assert len(json.dumps(wide)) < 256 * 1024


def test_many_invoices_of_a_month_are_not_credited_in_one_go(api: Api):
    """Forty lines each charged on an invoice of its own: more than one commit holds, which is said, and nothing is written."""
    sold = bought(api, lines=lines(1, "x"))["id"]
    billed(api, sold)
    there = [{"id": "li_1"}]
    for n in range(40):
        body = {"lines": [*there, {"name": f"More {n}", "unit_amount": 3000}], "proration": "invoice_now"}
        told = api.post(f"/v1/subscriptions/{sold}/change", body)
        assert told.status == 200, told.text
        there = [{"id": line["id"]} for line in told["lines"]]
    marks = api.marks()
    told = api.post(f"/v1/subscriptions/{sold}/cancel", {"credit": True})
    assert (told.status, told["code"]) == (409, "cancel_too_large"), told.text
    assert api.marks() == marks
    assert api.post(f"/v1/subscriptions/{sold}/cancel", {}).status == 200
