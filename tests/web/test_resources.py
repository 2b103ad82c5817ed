"""What is created is found again as it was asked for; keys, clocks and new methods do what they say."""

import json

from chalicelib.operations import advance
from tests.web.conftest import JANUARY, Api


def test_what_is_created_is_found_by_its_id(api: Api):
    """Each record that a POST answers is what a GET by its id answers."""
    sold = api.sells()
    paths = {
        "contacts": sold["contact"],
        "products": sold["lines"][0]["product"],
        "payment_methods": sold["payment_method"]["id"],
        "subscriptions": sold["id"],
        "events": api.get("/v1/events")["data"][0]["id"],
    }
    for path, id_ in paths.items():
        told = api.get(f"/v1/{path}/{id_}")
        assert (told.status, told["id"]) == (200, id_)
    assert api.get(f"/v1/subscriptions/{sold['id']}").body.items() >= sold.items()


def test_what_is_ours_is_not_shown(api: Api):
    """Versions, leases, frozen requests and partitions stay inside."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    api.post("/v1/test_clock/advance", {"to": "2026-01-20T00:00:00Z"}, key=key)
    advance.clocks(api.service, account.id, [])
    shown = [api.get(path, key=key).text for path in ("/v1/account", "/v1/payments", "/v1/invoices")]
    shown.append(json.dumps(sold))
    told = api.get("/v1/events", key=key).text
    for inside in (
        "leased_until",
        '"request"',
        "fan_out_at",
        "kept_until",
        "reminded",
        "foretold",
        "prorates",
    ):
        assert not any(inside in text for text in (*shown, told))
    for inside in (
        "version",
        '"account":"acct',
    ):  # which an event does tell: of its own form, and for whom it is
        assert not any(inside in text for text in shown)
    paid = api.get("/v1/payments", key=key)["data"][0]
    assert (paid["payment_method"], paid["method_type"]) == (sold["payment_method"]["id"], "card")


def test_every_amount_of_an_invoice_is_money(api: Api):
    """What was not applied or credited is nothing in the invoice's currency, so that amounts can be added."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    api.sells(key)
    api.post("/v1/test_clock/advance", {"to": "2026-01-20T00:00:00Z"}, key=key)
    advance.clocks(api.service, account.id, [])
    invoice = api.get("/v1/invoices", key=key)["data"][0]
    nothing = {"amount": 0, "currency": "usd"}
    assert (invoice["amount_applied"], invoice["amount_credited"], invoice["amount_due"]) == (nothing,) * 3


def test_decimals_stay_exact(api: Api):
    """A price and a quantity with decimals come back digit for digit, whether sent whole or as a string."""
    product = {"name": "Gram", "unit_amount": "0.000000000001", "frequency": "monthly"}
    assert api.post("/v1/products", product)["unit_amount"] == "0.000000000001"
    sold = api.sells(lines=[{"name": "Hour", "unit_amount": 9999, "quantity": "1.25"}], frequency="monthly")
    assert (sold["lines"][0]["unit_amount"], sold["lines"][0]["quantity"]) == ("9999", "1.25")


def test_a_revoked_key_opens_nothing(api: Api):
    """A key works until it is revoked, and then is answered like one that never was; its account lives on."""
    second = api.post("/v1/api_keys", {"name": "laptop"}).body
    assert api.get("/v1/account", key=second["secret"])["id"] == api.account.id
    assert api.post(f"/v1/api_keys/{second['id']}/revoke")["revoked_at"] == "2026-01-31T12:00:00Z"
    never = api.get("/v1/account", key=f"prn_test_{api.account.id[5:]}_{'0' * 48}")
    told = api.get("/v1/account", key=second["secret"])
    assert told.status == 401
    assert told["detail"] == never["detail"]
    assert api.get("/v1/account").status == 200


def test_a_key_is_kept_as_its_hash(api: Api):
    """Nothing in the table has a key's text."""
    secret = api.post("/v1/api_keys", {"name": "laptop"})["secret"]
    assert secret.rpartition("_")[2] not in json.dumps(api.written())


def test_a_test_account_opens_another_with_a_clock(api: Api):
    """A further account is its own: its first key opens it alone, and its clock stands where it was put."""
    body = {"name": "Second", "email": "two@example.com", "currency": "eur", "zone": "Europe/Paris",
            "retries": {"days": [2, 4], "at_end": "cancel"}, "test_clock": {"now_at": "2026-01-31T09:00:00+01:00"}}  # fmt: skip
    opened = api.post("/v1/accounts", body).body
    account = api.get("/v1/account", key=opened["secret"]).body
    assert account == {name: value for name, value in opened.items() if name != "secret"}
    assert (account["currency"], account["zone"], account["retries"]["days"]) == (
        "eur",
        "Europe/Paris",
        [2, 4],
    )
    clock = api.get("/v1/test_clock", key=opened["secret"]).body
    assert (clock["now_at"], clock["status"]) == ("2026-01-31T08:00:00Z", "ready")
    assert api.get("/v1/test_clock").status == 404


def test_a_clock_only_goes_forward(api: Api):
    """A clock is moved to a later moment, is `advancing` until all on the way is worked, and then `ready`."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    assert (
        api.post("/v1/test_clock/advance", {"to": "2026-01-14T00:00:00Z"}, key=key)["code"]
        == "clock_backwards"
    )
    assert (
        api.post("/v1/test_clock/advance", {"to": "2200-01-01T00:00:00Z"}, key=key)["code"]
        == "clock_out_of_range"
    )
    moving = api.post("/v1/test_clock/advance", {"to": "2026-02-01T00:00:00Z"}, key=key)
    assert (moving.status, moving["status"]) == (202, "advancing")
    assert (
        api.post("/v1/test_clock/advance", {"to": "2026-03-01T00:00:00Z"}, key=key)["code"]
        == "clock_advancing"
    )
    advance.clocks(api.service, account.id, [])
    assert api.get("/v1/test_clock", key=key)["now_at"] == "2026-02-01T00:00:00Z"


def test_a_new_method_pays_what_is_owed_at_once(api: Api):
    """A subscription moved to another card asks for all its arrears in one payment, and is active again."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key, card="pm_card_chargeCustomerFail")
    api.post("/v1/test_clock/advance", {"to": "2026-03-20T00:00:00Z"}, key=key)
    advance.clocks(api.service, account.id, [])
    owing = api.get(f"/v1/subscriptions/{sold['id']}", key=key).body
    assert len(owing["arrears"]) == 3
    card = {"contact": sold["contact"], "payment_method": "pm_card_visa"}
    method = {"payment_method": api.post("/v1/payment_methods", card, key=key)["id"]}
    told = api.post(f"/v1/subscriptions/{sold['id']}/payment_method", method, key=key, Idempotency_Key="a")
    assert (told.status, told["status"], told["arrears"]) == (200, "active", [])
    newest = api.get("/v1/payments?limit=1", key=key)["data"][0]
    assert (newest["status"], newest["amount"]["amount"], len(newest["allocations"])) == (
        "succeeded",
        7500,
        3,
    )
    assert api.get(f"/v1/payments?invoice={owing['arrears'][-1]}", key=key)["data"][0]["id"] == newest["id"]


def test_a_body_that_names_nothing_is_told_the_field(api: Api):
    """Where a field of the body names a record that is not there, the refusal names the field."""
    saved = api.post("/v1/payment_methods", {"contact": "con_none", "payment_method": "pm_card_visa"})
    assert (saved.status, saved["param"]) == (404, "contact")
    moved = api.post(f"/v1/subscriptions/{api.sells()['id']}/payment_method", {"payment_method": "pm_none"})
    assert (moved.status, moved["code"], moved["param"]) == (
        404,
        "payment_method_not_found",
        "payment_method",
    )


def test_what_is_too_long_or_too_much_is_told_its_bound(api: Api):
    """Bounds are told in words of people, of a text, a list and a number."""
    text = api.post("/v1/companies", {"name": "a" * 251})
    assert (text["param"], text["detail"]) == ("name", "Send text of at most 250 characters.")
    many = api.post("/v1/webhook_endpoints", {"url": "https://hooks.example.com/", "events": ["*"] * 101})
    assert (many["param"], many["detail"]) == ("events", "Send a list of at most 100.")
    none = api.get("/v1/events?limit=0")
    assert (none["param"], none["detail"]) == ("limit", "Send a whole number of at least 1.")


def test_a_text_that_says_nothing_is_told_by_its_own_name(api: Api):
    """The sentence has the field's name alone; where it stands is in `param`."""
    unnamed = {"custom_fields": [{"label": " ", "value": "4711"}]}
    told = api.post(f"/v1/subscriptions/{api.sells()['id']}/invoice_settings", unnamed)
    assert (told["param"], told["detail"]) == ("custom_fields[0].label", "Give a label.")


def test_a_card_stripe_refuses_is_refused_in_its_words(api: Api):
    """A card declined as it is attached is a problem with Stripe's code, and saves nothing."""
    contact = api.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com"})["id"]
    told = api.post("/v1/payment_methods", {"contact": contact, "payment_method": "pm_card_chargeDeclined"})
    assert (told.status, told["param"]) == (400, "payment_method")
    assert api.get(f"/v1/payment_methods?contact={contact}")["data"] == []


def test_health_needs_no_key(api: Api):
    """Anyone may ask which version runs and whether its table answers."""
    told = api.get("/v1/health", key="")
    assert (told.status, told["table"], told["livemode"]) == (200, "ok", False)
