"""Refunds over HTTP: what is asked for is checked field by field, and told as the document says."""

from typing import Any

import pytest

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import collect, renew
from chalicelib.store import keys
from tests.web.conftest import Api
from tests.web.test_openapi import fits


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "usd"}


@pytest.fixture
def paid(api: Api) -> Any:
    """A payment of 25.00 that has succeeded."""
    sold, account = api.sells()["id"], api.account.id
    renew.subscriptions(api.service, account, [keys.key(Subscription, account, sold)])
    owed = api.get("/v1/invoices")["data"][0]["id"]
    collect.invoices(api.service, account, [keys.key(Invoice, account, owed)])
    return api.get("/v1/payments")["data"][0]


WRONG: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "nothing": ({"payment": None}, 400, "nothing_named", "payment"),
    "lines without an invoice": ({"lines": [{"line": 0}]}, 400, "invoice_missing", "invoice"),
    "another's invoice": ({"invoice": "inv_none_0001"}, 400, "not_paid_by_it", "invoice"),
    "another payment": ({"payment": "pay_none"}, 404, "payment_not_found", "payment"),
    "too much": ({"amount": usd(2501)}, 400, "refund_out_of_range", "amount"),
    "below zero": ({"amount": usd(-1)}, 400, "refund_out_of_range", "amount"),
    "another currency": (
        {"amount": {"amount": 1, "currency": "eur"}},
        400,
        "currency_mismatch",
        "amount.currency",
    ),
    "no currency": ({"amount": {"amount": 1, "currency": "xyz"}}, 400, "unknown_currency", "amount.currency"),
    "somewhere else": ({"to": "bank"}, 400, "unknown_value", "to"),
    "a long reason": ({"reason": "x" * 501}, 400, "reason_too_long", "reason"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_given_back_is_refused_by_name(api: Api, paid: Any, name: str):
    """Each wrong field is named with what to send, and nothing is written."""
    more, status, code, param = WRONG[name]
    before = api.marks()
    told = api.post("/v1/refunds", {"payment": paid["id"], **more})
    assert (told.status, told["code"], told["param"]) == (status, code, param), told.text
    assert api.marks() == before


def test_a_refund_is_told_as_the_document_says(api: Api, paid: Any):
    """Made, fetched and listed, of all payments, of one, of its subscription and of its invoice; a credit note with `refund` where nothing is left is refused."""
    both = api.post(
        "/v1/refunds",
        {"invoice": paid["allocations"][0]["invoice"], "amount": usd(1), "lines": [{"line": 0}]},
    )
    assert (both.status, both["code"]) == (400, "amount_and_lines")
    made = api.post("/v1/refunds", {"payment": paid["id"], "reason": "Sorry"})
    assert made.status == 201, made.text
    fits(made, "POST", "/v1/refunds")
    assert (made["status"], made["amount"], made["to_balance"]) == ("succeeded", usd(2500), False)
    fits(api.get(f"/v1/refunds/{made['id']}"), "GET", "/v1/refunds/{id}")
    own = {
        "payment": paid["id"],
        "subscription": paid["subscription"],
        "invoice": paid["allocations"][0]["invoice"],
    }
    for path in ("/v1/refunds", *(f"/v1/refunds?{name}={id_}" for name, id_ in own.items())):
        assert [row["id"] for row in api.get(path)["data"]] == [made["id"]]
    for name in own:
        assert api.get(f"/v1/refunds?{name}=none").status == 404
    assert api.get(f"/v1/refunds?payment={own['payment']}&invoice={own['invoice']}")["code"] == "one_filter"
    assert api.get(f"/v1/disputes?payment={paid['id']}")["data"] == []
    note = api.post("/v1/credit_notes", {"invoice": paid["allocations"][0]["invoice"], "refund": True})
    assert (note.status, note["code"]) == (409, "nothing_to_credit")
