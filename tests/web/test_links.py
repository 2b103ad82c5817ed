"""The links that staff pass on by hand: each opens its own page and nothing else, and a letter goes once a request."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import collect, renew
from chalicelib.store import keys
from chalicelib.views import links
from chalicelib.views.links import Purpose
from tests.web.conftest import Api


@pytest.fixture
def sold(api: Api) -> dict[str, Any]:
    """A subscription with a paid invoice."""
    one = api.sells()
    account = api.get("/v1/account")["id"]
    renew.subscriptions(api.service, account, [keys.key(Subscription, account, one["id"])])
    invoice = api.get(f"/v1/invoices?subscription={one['id']}")["data"][0]["id"]
    collect.invoices(api.service, account, [keys.key(Invoice, account, invoice)])
    return {
        "sub": one["id"],
        "inv": invoice,
        "pay": api.get("/v1/payments")["data"][0]["id"],
        "acct": account,
    }


def opened(api: Api, url: str) -> tuple[Purpose, str]:
    """What an address opens."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == api.service.settings.base_url
    link = links.read(api.service.settings, parts.path.removeprefix("/b/"), api.now)
    return link.purpose, link.id


def letters(api: Api) -> list[str]:
    return [row["id"] for row in api.get("/v1/deliveries")["data"] if row["letter"] == "payment_method"]


def test_each_link_opens_its_own_page_for_30_days(api: Api, sold: dict[str, Any]):
    """Of an invoice, a payment, what a subscription owes, and its method; asking writes nothing."""
    asked = {
        f"/v1/invoices/{sold['inv']}/link": (Purpose.INVOICE, sold["inv"]),
        f"/v1/payments/{sold['pay']}/link": (Purpose.PAYMENT, sold["pay"]),
        f"/v1/subscriptions/{sold['sub']}/link": (Purpose.OWED, sold["sub"]),
        f"/v1/subscriptions/{sold['sub']}/payment_method_link": (Purpose.METHOD, sold["sub"]),
    }
    before = api.marks()
    for path, page in asked.items():
        told = api.post(path)
        assert told.status == 200, told.text
        assert opened(api, told["url"]) == page
        assert told["expires_at"] == (api.now + links.LIVES).isoformat().replace("+00:00", "Z")
    assert api.marks() == before


def test_a_letter_goes_once_a_request(api: Api, sold: dict[str, Any]):
    """A repetition under its key is told the same letter; another request sends another."""
    path = f"/v1/subscriptions/{sold['sub']}/payment_method_link"
    first = api.post(path, {"send": True}, Idempotency_Key="a")
    assert api.post(path, {"send": True}, Idempotency_Key="a").text == first.text
    assert letters(api) == [first["delivery"]]
    assert api.post(path, {"send": False})["delivery"] is None
    api.post(path, {"send": True})
    assert len(letters(api)) == 2
    about = api.get(f"/v1/deliveries/{first['delivery']}")["about"]
    assert about["subscription"] == sold["sub"]


def test_no_method_is_asked_for_where_none_is_charged(api: Api):
    """One whose invoices are sent, one that waits for its first payment, and one that has ended: refused, no letter."""
    sent = {"collection_method": "send_invoice", "payment_method": None}
    first = {"collection_method": "charge_after_first_invoice", "payment_method": None}
    ended = api.sells()["id"]
    api.post(f"/v1/subscriptions/{ended}/cancel")
    sales = [(api.sells(**sent)["id"], "not_charged"), (ended, "subscription_ended")]
    sales.append((api.sells(**first)["id"], "first_invoice_unpaid"))
    for id_, code in sales:
        for send in (False, True):
            told = api.post(f"/v1/subscriptions/{id_}/payment_method_link", {"send": send})
            assert (told.status, told["code"]) == (409, code)
        assert api.post(f"/v1/subscriptions/{id_}/link").status == 200
    assert letters(api) == []


def test_what_is_not_there_has_no_link(api: Api, sold: dict[str, Any]):
    """A deleted subscription, and money that is only its customer's balance."""
    deleted = api.sells()["id"]
    api.post(f"/v1/subscriptions/{deleted}/delete")
    for verb in ("link", "payment_method_link"):
        assert api.post(f"/v1/subscriptions/{deleted}/{verb}").status == 404
    contact = api.get(f"/v1/subscriptions/{sold['sub']}")["contact"]
    amount = {"amount": 100, "currency": "usd"}
    body = {"contact": contact, "amount": amount, "received_on": "2026-01-31", "type": "cash", "invoices": []}
    paid = api.post("/v1/payments", body)
    assert (paid["payment_method"], paid["method_type"]) == (None, "cash")
    told = api.post(f"/v1/payments/{paid['id']}/link")
    assert (told.status, told["code"]) == (409, "payment_without_page")
