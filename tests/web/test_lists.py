"""Lists: whole by the page, newest first, and filtered by names that are derived."""

from typing import Any

import pytest

from chalicelib.crm.accounts import Account
from chalicelib.operations import advance
from tests.web.conftest import JANUARY, Api


def walked(api: Api, path: str, key: str | None, limit: int) -> list[dict[str, Any]]:
    """Everything of a list, page by page."""
    found: list[dict[str, Any]] = []
    after = ""
    for _ in range(100):
        page = api.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{after}", key=key)
        assert page.status == 200, page.text
        assert len(page["data"]) <= limit
        assert page["has_more"] is (page["next"] is not None)
        found += page["data"]
        if not page["has_more"]:
            return found
        after = f"&after={page['next']}"
    raise AssertionError("The list never ends.")


@pytest.fixture
def sold(api: Api) -> tuple[str, list[Any], Account]:
    """Ada's two monthly subscriptions over three months, one on a card that declines, in an account with a clock."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    one = api.sells(key)
    ada = {"contact": one["contact"], "payment_method": one["payment_method"]["id"]}
    declining = {"contact": ada["contact"], "payment_method": "pm_card_chargeCustomerFail"}
    bad = api.post("/v1/payment_methods", declining, key=key)["id"]
    body = {**ada, "payment_method": bad, "lines": [{"product": one["lines"][0]["product"]}]}
    two = api.post("/v1/subscriptions", body, key=key).body
    assert api.post("/v1/test_clock/advance", {"to": "2026-03-20T00:00:00Z"}, key=key).status == 202
    advance.clocks(api.service, account.id, [])
    return key, [one, two], account


def test_a_list_is_whole_by_the_page(api: Api):
    """Three contacts come newest first and each once, whatever the size of a page."""
    made = [api.post("/v1/contacts", {"name": f"C{n}", "email": "c@example.com"})["id"] for n in range(3)]
    for limit in (1, 2, 3, 100):
        assert [contact["id"] for contact in walked(api, "/v1/contacts", None, limit)] == made[::-1]


def test_invoices_by_subscription_are_those_of_its_cycles(api: Api, sold: Any):
    """A subscription's invoices are found by their names, the last cycle first, by any size of page."""
    key, (one, _), _ = sold
    for limit in (1, 2, 100):
        invoices = walked(api, f"/v1/invoices?subscription={one['id']}", key, limit)
        assert [(invoice["cycle"], invoice["status"]) for invoice in invoices] == [
            (2, "paid"),
            (1, "paid"),
            (0, "paid"),
        ]


def test_invoices_by_contact_are_those_of_all_their_subscriptions(api: Api, sold: Any):
    """A contact's invoices come subscription by subscription, and every one of the account's is among them once."""
    key, (one, two), _ = sold
    all_ = {invoice["id"] for invoice in walked(api, "/v1/invoices", key, 100)}
    for limit in (1, 4, 100):
        invoices = walked(api, f"/v1/invoices?contact={one['contact']}", key, limit)
        assert [invoice["subscription"] for invoice in invoices] == [two["id"]] * 3 + [one["id"]] * 3
        assert {invoice["id"] for invoice in invoices} == all_


def test_payments_by_contact_are_each_attempt_once(api: Api, sold: Any):
    """A contact's payments are all attempts at their invoices, declined ones too, by any size of page."""
    key, (one, two), _ = sold
    all_ = {payment["id"] for payment in walked(api, "/v1/payments", key, 100)}
    assert len(all_) > 6
    for limit in (1, 3, 100):
        payments = walked(api, f"/v1/payments?contact={one['contact']}", key, limit)
        assert [payment["id"] for payment in payments if payment["id"] in all_] == list(
            dict.fromkeys(payment["id"] for payment in payments)
        )
        assert {payment["id"] for payment in payments} == all_
    of_one = walked(api, f"/v1/payments?subscription={one['id']}", key, 2)
    assert [payment["status"] for payment in of_one] == ["succeeded"] * 3
    declined = walked(api, f"/v1/payments?subscription={two['id']}", key, 2)
    assert {payment["decline_code"] for payment in declined} == {"generic_decline"}


def test_payments_by_invoice_are_its_attempts(api: Api, sold: Any):
    """An invoice's payments are its attempts, the last first."""
    key, (_, two), _ = sold
    first = walked(api, f"/v1/invoices?subscription={two['id']}", key, 100)[-1]
    payments = api.get(f"/v1/payments?invoice={first['id']}", key=key)["data"]
    assert len(payments) == first["attempts"] > 1
    assert {payment["allocations"][0]["invoice"] for payment in payments} == {first["id"]}


def test_only_one_filter_at_a_time_walks_names(api: Api, sold: Any):
    """Contact and subscription, or either and invoice, are not combined: the refusal says so."""
    key, (one, _), _ = sold
    told = api.get(f"/v1/invoices?subscription={one['id']}&contact={one['contact']}", key=key)
    assert (told.status, told["code"]) == (400, "one_filter")


def test_subscriptions_are_found_by_contact_and_status(api: Api, sold: Any):
    """Filters by contact, by status and by both find the same subscriptions; a status nobody is in finds none."""
    key, (one, two), _ = sold
    contact = one["contact"]

    def found(query: str) -> list[str]:
        return [subscription["id"] for subscription in walked(api, f"/v1/subscriptions{query}", key, 1)]

    assert found("") == found(f"?contact={contact}") == [two["id"], one["id"]]
    assert found("?status=active") == found(f"?contact={contact}&status=active") == [one["id"]]
    assert found(f"?contact={contact}&status=canceled") == found("?status=scheduled") == []


def test_a_subscription_tells_what_it_brought_in(api: Api, sold: Any):
    """Asked for by itself, a subscription counts its payments, what they came to, and the last of them."""
    key, (one, two), _ = sold
    paid = api.get(f"/v1/subscriptions/{one['id']}", key=key).body
    assert paid["payments_completed"] == 3
    assert paid["total_collected"] == {"amount": 7500, "currency": "usd"}
    assert paid["last_payment"]["status"] == "succeeded"
    assert paid["next_billing_on"] == "2026-04-15"
    owing = api.get(f"/v1/subscriptions/{two['id']}", key=key).body
    assert (owing["payments_completed"], owing["total_collected"]["amount"]) == (0, 0)
    assert owing["last_payment"]["status"] == "declined"


def test_what_is_parked_is_listed_and_released(api: Api):
    """A record parked after five errors is listed with the last of them, and once released is so no more."""
    sold = api.sells()
    key = f"{api.account.id}/subscription/{sold['id']}"
    for _ in range(5):
        api.service.store.schedules.blame(key, "Something odd.", api.now)
    (row,) = walked(api, "/v1/parked", None, 1)
    assert (row["kind"], row["id"], row["error"]) == ("subscription", sold["id"], "Something odd.")
    api.queue.names.clear()
    assert api.post(f"/v1/parked/subscription/{sold['id']}/release").status == 200
    assert api.queue.names == [key]
    assert walked(api, "/v1/parked", None, 1) == []
    assert api.post(f"/v1/parked/subscription/{sold['id']}/release")["code"] == "not_parked"


def test_two_parked_records_take_two_pages_of_one(api: Api):
    """The list of parked records goes on where the page before ended."""
    sold = [api.sells()["id"] for _ in range(2)]
    for _ in range(5):
        for id_ in sold:
            api.service.store.schedules.blame(f"{api.account.id}/subscription/{id_}", "Odd.", api.now)
    assert {row["id"] for row in walked(api, "/v1/parked", None, 1)} == set(sold)
