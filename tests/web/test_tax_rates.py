"""The library of tax rates, and the contacts that pay them, over HTTP."""

from typing import Any

import pytest

from tests.web.conftest import Api

BERLIN = {"country": "DE", "line1": "Torstr. 1", "city": "Berlin", "postal_code": "10119"}


def rate(api: Api, **more: Any) -> Any:
    told = api.post("/v1/tax_rates", {"name": "USt.", "percentage": "19", **more})
    assert told.status == 201, told.text
    return told.body


def contact(api: Api, **more: Any) -> Any:
    told = api.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com", **more})
    assert told.status == 201, told.text
    return told.body


def test_a_tax_rate_is_kept_as_it_was_written(api: Api):
    """The percentage comes back as the exact decimal it was sent as, with name, label and category beside it."""
    made = rate(api, percentage="8.875", label="NY sales tax", inclusive=True)
    assert made["percentage"] == "8.875"
    assert (made["object"], made["label"], made["inclusive"]) == ("tax_rate", "NY sales tax", True)
    assert (made["category"], made["active"]) == ("S", True)
    assert api.get(f"/v1/tax_rates/{made['id']}").body == made
    assert rate(api, percentage="0.000001")["percentage"] == "0.000001"
    assert [one["percentage"] for one in api.get("/v1/tax_rates")["data"]] == ["0.000001", "8.875"]


@pytest.mark.parametrize("category", ["Z", "E", "AE", "K", "G", "O"])
def test_what_is_not_taxed_has_its_category_at_zero_percent(api: Api, category: str):
    """Zero-rated, exempt, reverse charge and the like are rates of 0, told apart by EN 16931's letters."""
    assert rate(api, percentage=0, category=category)["category"] == category


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"percentage": "100.5"}, "percentage_out_of_range", "percentage"),
        ({"percentage": "-1"}, "wrong_form", "percentage"),
        ({"percentage": 7.25}, "inexact_number", "percentage"),
        ({"percentage": "1.0000001"}, "too_many_decimals", "percentage"),
        ({"percentage": 0}, "percentage_of_category", "percentage"),
        ({"category": "Z"}, "percentage_of_category", "percentage"),
        ({"category": "Q"}, "unknown_value", "category"),
        ({"name": " "}, "text_missing", "name"),
        ({"percent": "19"}, "unknown_field", "percent"),
    ],
)
def test_a_tax_rate_that_is_none_is_refused(api: Api, more: dict[str, Any], code: str, param: str):
    """Each refusal has its code, the field to blame, and a sentence."""
    told = api.post("/v1/tax_rates", {"name": "USt.", "percentage": "19", **more})
    assert (told.status, told["code"], told["param"]) == (400, code, param)
    assert told["detail"].endswith((".", '"'))
    assert api.get("/v1/tax_rates")["data"] == []


def test_an_archived_rate_stays_to_be_seen(api: Api):
    """Archiving takes it off the offer, once; it is found as before, and one that is not there is a 404."""
    made = rate(api)
    away = api.post(f"/v1/tax_rates/{made['id']}/archive")
    assert away.body == made | {"active": False}
    before = api.written()
    assert api.post(f"/v1/tax_rates/{made['id']}/archive").body == away.body
    assert api.written() == before
    assert api.get(f"/v1/tax_rates/{made['id']}")["active"] is False
    assert api.post("/v1/tax_rates/txr_nothing/archive").status == 404


def test_a_contact_says_where_they_are_and_what_they_pay(api: Api):
    """Address and exemption may be given when the contact is made."""
    made = contact(api, address=BERLIN, tax_exempt="reverse")
    assert made["address"] == BERLIN | {"line2": "", "state": ""}
    assert made["tax_exempt"] == "reverse"
    assert contact(api, tax_exempt="none")["tax_exempt"] is None
    assert api.get(f"/v1/contacts/{made['id']}").body == made


def test_an_update_changes_what_it_names_and_nothing_else(api: Api):
    """What is left out stays as it was; null, and none, take away."""
    made = contact(api, address=BERLIN, tax_exempt="exempt")
    path = f"/v1/contacts/{made['id']}"
    assert api.post(path, {"name": "Ada L."}).body == made | {"name": "Ada L.", "revision": 1}
    assert api.post(path, {"email": "a@example.org"})["email"] == "a@example.org"
    assert api.post(path, {"tax_exempt": "none"})["tax_exempt"] is None
    assert api.post(path, {"tax_exempt": "reverse"})["tax_exempt"] == "reverse"
    assert api.post(path, {"tax_exempt": None})["tax_exempt"] is None
    moved = api.post(path, {"address": {"country": "FR"}})
    assert moved["address"] == {
        "country": "FR", "line1": "", "line2": "", "city": "", "postal_code": "", "state": "",
    }  # fmt: skip
    assert api.post(path, {"address": None})["address"] is None
    told = api.get(path)
    assert (told["name"], told["email"], told["address"], told["tax_exempt"]) == (
        "Ada L.", "a@example.org", None, None,
    )  # fmt: skip


def test_an_update_that_says_nothing_writes_nothing(api: Api):
    """Sent what is so already, the record is not written again."""
    made = contact(api)
    before = api.written()
    assert api.post(f"/v1/contacts/{made['id']}", {"name": "Ada"}).body == made
    assert api.post(f"/v1/contacts/{made['id']}").body == made
    assert api.written() == before


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"address": {"country": "XX"}}, "unknown_country", "address.country"),
        ({"address": {"country": "de"}}, "unknown_country", "address.country"),
        ({"address": {"city": "Berlin"}}, "field_missing", "address.country"),
        ({"address": BERLIN | {"zip": "1"}}, "unknown_field", "address.zip"),
        ({"tax_exempt": "maybe"}, "unknown_value", "tax_exempt"),
        ({"email": "nobody"}, "email_malformed", "email"),
        ({"name": ""}, "text_missing", "name"),
        ({"name": None}, "wrong_type", "name"),
    ],
)
def test_what_a_contact_cannot_be_is_refused(api: Api, given: dict[str, Any], code: str, param: str):
    """When a contact is made and when it is changed alike; nothing of the request is done."""
    made = contact(api)
    for path in ("/v1/contacts", f"/v1/contacts/{made['id']}"):
        told = api.post(path, {"name": "Bo", "email": "bo@example.com", **given})
        assert (told.status, told["code"], told["param"]) == (400, code, param)
    assert api.get(f"/v1/contacts/{made['id']}").body == made


def test_a_contact_that_is_not_there_is_not_changed(api: Api):
    """A 404, as for anything that has no such name."""
    assert api.post("/v1/contacts/con_nobody", {"name": "Bo"}).status == 404
