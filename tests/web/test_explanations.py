"""GET /v1/invoices/{id}/explanation: an amount of an invoice can be asked how it came to be."""

import pytest

from chalicelib.operations import advance
from tests.billing import recompute
from tests.web.conftest import JANUARY, Api
from tests.web.test_openapi import fits


@pytest.fixture
def billed(api: Api) -> tuple[str, str]:
    """The key of an account and its first invoice."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    assert api.post("/v1/test_clock/advance", {"to": "2026-01-20T00:00:00Z"}, key=key).status == 202
    advance.clocks(api.service, account.id, [])
    return key, api.get(f"/v1/invoices?subscription={sold['id']}", key=key)["data"][0]["id"]


def test_an_invoice_explains_itself(api: Api, billed: tuple[str, str]):
    """The answer is as the document says, and all amounts follow from it alone."""
    key, invoice = billed
    told = api.get(f"/v1/invoices/{invoice}/explanation", key=key)
    assert told.status == 200
    fits(told, "GET", "/v1/invoices/{id}/explanation")
    recompute.check(told.body)
    assert told["invoice"] == invoice
    assert told["lines"][0]["sentence"].endswith("1 × 25.00 USD = 25.00 USD.")


def test_only_an_invoice_of_ones_own_is_explained(api: Api, billed: tuple[str, str]):
    """Another account's is not found, and neither is what is no invoice."""
    key, invoice = billed
    assert api.get(f"/v1/invoices/{invoice}/explanation").status == 404
    assert api.get("/v1/invoices/inv_none/explanation", key=key).status == 404


def test_a_subscription_says_what_it_brings_in_a_month(api: Api):
    """`mrr` is HubSpot's hs_mrr, as money."""
    assert api.sells()["mrr"] == {"amount": 2500, "currency": "usd"}
    tea = {"name": "Tea", "unit_amount": 10000, "quantity": 3}
    assert api.sells(lines=[tea], frequency="quarterly")["mrr"] == {"amount": 10000, "currency": "usd"}
