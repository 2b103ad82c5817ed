"""Who bills, who is billed, and who is told: said over HTTP, checked, and kept with its history."""

from typing import Any

from chalicelib.crm.accounts import Account
from tests.web.conftest import Api
from tests.web.said import COMPANY, PERSON, PROFILE, VAT, bills, does
from tests.web.test_openapi import fits


def test_a_profile_is_what_was_said(api: Api):
    """Nothing at first; then each field as it was sent, the rest as it was, with blanks out of IBAN and VAT number."""
    assert api.get("/v1/profile").body | {"legal_name": ""} == api.get("/v1/profile").body
    told = api.post("/v1/profile", PROFILE)
    fits(told, "POST", "/v1/profile")
    assert told.body == PROFILE | {"object": "profile", "revision": 1, "logo": ""}
    assert api.get("/v1/profile").body == told.body
    spaced = {"bank": {"iban": "DE89 3704 0044 0532 0130 00"}, "tax_ids": [VAT | {"value": "de 136 695 976"}]}
    after = does(api.post("/v1/profile", spaced | {"locale": "DE-at", "color": "#0A5C36"}))
    assert after["bank"]["iban"] == "DE89370400440532013000"
    assert (after["tax_ids"], after["locale"], after["color"]) == ([VAT], "de-AT", "#0a5c36")
    assert after["revision"] == 2
    assert does(api.post("/v1/profile", {"locale": "de-AT"}))["revision"] == 2


def test_companies_and_contacts_are_what_was_said(api: Api):
    """Each field of both is kept as it was sent, and listed; the contact is moved to a company, and out of it."""
    made = api.post("/v1/companies", COMPANY)
    fits(made, "POST", "/v1/companies")
    assert made.body == COMPANY | {name: made[name] for name in ("object", "id", "created_at", "revision")}
    assert api.get(f"/v1/companies/{made['id']}").body == made.body
    assert api.get("/v1/companies")["data"] == [made.body]
    assert does(api.post("/v1/companies", {"name": "Bo"}), 201)["email"] == ""
    ada = api.post("/v1/contacts", PERSON)
    fits(ada, "POST", "/v1/contacts")
    assert {name: ada[name] for name in PERSON} == PERSON
    path = f"/v1/companies/{made['id']}/contacts"
    for company, listed in ((made["id"], [ada["id"]]), (None, [])):
        assert does(api.post(f"/v1/contacts/{ada['id']}", {"company": company}))["company"] == company
        fits(api.get(path), "GET", "/v1/companies/{id}/contacts")
        assert [one["id"] for one in api.get(path)["data"]] == listed


def test_histories_say_who_changed_what(api: Api):
    """Newest first and by the page: each change with the key that asked, from what to what; one of nothing is none."""
    laptop = api.post("/v1/api_keys", {"name": "laptop"})["secret"]
    api.post("/v1/profile", PROFILE)
    company = api.post("/v1/companies", COMPANY)["id"]
    contact = api.post("/v1/contacts", PERSON)["id"]
    for path in ("/v1/profile", f"/v1/companies/{company}", f"/v1/contacts/{contact}"):
        before = api.get(path)["revision"]
        for n, body in enumerate(
            ({"phone": "+1 555 0100"}, {"phone": "+1 555 0100"}, {"phone": "", "locale": "da"})
        ):
            api.wait(seconds=1)
            does(api.post(path, body, key=laptop if n else None))
        first = api.get(f"{path}/history?limit=1")
        fits(first, "GET", f"{path}/history".replace(company, "{id}").replace(contact, "{id}"))
        second = api.get(f"{path}/history?limit=1&after={first['next']}")
        [late], [early] = first["data"], second["data"]
        assert (late["by"]["name"], early["by"]["name"]) == ("laptop", "first")
        assert (late["revision"], early["revision"]) == (before + 2, before + 1)
        assert {(one["field"], one["before"], one["after"]) for one in late["fields_changed"]} >= {
            ("phone", "+1 555 0100", "")
        }
        assert [(one["field"], one["after"]) for one in early["fields_changed"]] == [("phone", "+1 555 0100")]
        assert late["created_at"] > early["created_at"]
    told = [one["type"] for one in api.get("/v1/events?limit=100")["data"]]
    assert [told.count(f"{one}.changed") for one in ("profile", "company", "contact")] == [3, 2, 2]


REFUSED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "country": ("profile", {"address": {"country": "XX"}}, "unknown_country", "address.country"),
    "language": ("profile", {"language": "tlh"}, "unknown_language", "language"),
    "locale": ("contact", {"locale": "xx-YY"}, "unknown_locale", "locale"),
    "no tag": ("company", {"locale": "en_US; drop"}, "unknown_locale", "locale"),
    "digit": ("profile", {"tax_ids": [VAT | {"value": "DE136695977"}]}, "tax_id_invalid", "tax_ids[0].value"),
    "prefix": ("company", {"tax_ids": [VAT | {"value": "136695976"}]}, "tax_id_invalid", "tax_ids[0].value"),
    "british": (
        "contact",
        {"tax_ids": [VAT, {"type": "gb_vat", "value": "GB123456789"}]},
        "tax_id_invalid",
        "tax_ids[1].value",
    ),
    "kind": ("contact", {"tax_ids": [VAT | {"type": "vat"}]}, "unknown_tax_id_type", "tax_ids[0].type"),
    "twice": ("contact", {"tax_ids": [VAT, VAT]}, "tax_id_twice", "tax_ids[1]"),
    "iban": ("profile", {"bank": {"iban": "DE89370400440532013001"}}, "iban_invalid", "bank.iban"),
    "no iban": ("profile", {"bank": {"iban": "4711"}}, "iban_invalid", "bank.iban"),
    "bic": ("profile", {"bank": {"bic": "COBA"}}, "bic_invalid", "bank.bic"),
    "color": ("profile", {"color": "green"}, "color_malformed", "color"),
    "pale": ("profile", {"color": "#ffff00"}, "color_too_light", "color"),
    "email": ("profile", {"email": "nobody"}, "email_malformed", "email"),
    "company email": ("company", {"email": "nobody"}, "email_malformed", "email"),
    "no email": ("contact", {"email": ""}, "email_malformed", "email"),
    "no name": ("company", {"name": " "}, "text_missing", "name"),
    "phone": ("contact", {"phone": "call me"}, "phone_malformed", "phone"),
    "website": ("company", {"website": "javascript:alert(1)"}, "url_malformed", "website"),
    "snippet": ("profile", {"comments": "{{other}}"}, "unknown_snippet", "comments"),
    "footer": ("profile", {"footer": "[x](javascript:x)"}, "link_not_allowed", "footer"),
    "footer of a page": ("profile", {"footer": "line\n" * 13}, "footer_too_long", "footer"),
    "bank of a page": ("profile", {"bank": {"lines": "line\n" * 13}}, "text_too_long", "bank.lines"),
    "snippet in a snippet": (
        "profile",
        {"snippets": [{"name": "a", "text": "{{terms}}"}]},
        "unknown_snippet",
        "snippets[0].text",
    ),
    "snippet in use": ("profile", {"snippets": []}, "unknown_snippet", "comments"),
    "snippet's name": ("profile", {"snippets": [{"name": "a b", "text": ""}]}, "snippet_name_malformed", "snippets[0].name"),
    "snippet twice": ("profile", {"snippets": [{"name": "a", "text": ""}] * 2}, "snippet_twice", "snippets[1].name"),
    "no company": ("contact", {"company": "com_none"}, "company_not_found", "company"),
    "shipping": ("company", {"shipping_address": {"country": "de"}}, "unknown_country", "shipping_address.country"),
}  # fmt: skip


def test_what_cannot_be_printed_is_refused_by_name(api: Api):
    """Each refusal names the field and what would be taken, and nothing of the request is kept."""
    api.post("/v1/profile", PROFILE)
    paths = {
        "profile": "/v1/profile",
        "company": f"/v1/companies/{api.post('/v1/companies', COMPANY)['id']}",
        "contact": f"/v1/contacts/{api.post('/v1/contacts', PERSON)['id']}",
    }
    before = {kind: api.get(path).body for kind, path in paths.items()}
    for name, (kind, body, code, param) in REFUSED.items():
        told = api.post(paths[kind], {"phone": "+1 555 0199"} | body)
        assert told.status in (400, 404), name
        assert (told["code"], told["param"]) == (code, param), name
    assert {kind: api.get(path).body for kind, path in paths.items()} == before


def test_a_prefix_is_of_one_kind_for_ever(api: Api):
    """Changed, the numbers count on; what was the invoices' is never the credit notes', nor may one end like a number."""
    sold = api.sells()["id"]
    numbers = [bills(api, sold).number]
    for prefix in ("R-", "", "R-"):
        does(api.post("/v1/account", {"invoice_prefix": prefix}))
        numbers.append(bills(api, sold).number)
    assert numbers == ["INV-000001", "R-000002", "000003", "R-000004"]
    listed = [one["number"] for one in api.get("/v1/invoices")["data"]]
    assert listed == numbers[::-1]
    for body, code, param in (
        ({"credit_note_prefix": "INV-"}, "prefix_taken", "credit_note_prefix"),
        ({"credit_note_prefix": "R-"}, "prefixes_alike", "credit_note_prefix"),
        ({"invoice_prefix": "R2"}, "prefix_ends_in_digit", "invoice_prefix"),
        ({"invoice_prefix": "R-2026-"}, "prefix_ends_in_year", "invoice_prefix"),
        ({"invoice_prefix": "CN-"}, "prefixes_alike", "credit_note_prefix"),
        ({"invoice_prefix": "<b>"}, "wrong_form", "invoice_prefix"),
    ):
        told = api.post("/v1/account", body)
        assert (told.status, told["code"], told["param"]) == (400, code, param)
    changed = {
        one["field"] for change in api.get("/v1/account/changes")["data"] for one in change["fields_changed"]
    }
    assert changed == {"invoice_prefix"}
    assert (
        api.post("/v1/accounts", {"name": "B", "email": "b@example.com", "invoice_prefix": "R1"}).status
        == 400
    )


def test_users_are_told_what_they_want(api: Api):
    """The account knows each letter that anybody wants, as often as somebody does, and forgets it with the last of them."""

    def wanted() -> list[str]:
        return [*api.service.store.get(Account, api.account.id, api.account.id).staff_letters]

    gus = api.post("/v1/users", {"name": "Gus", "email": "gus@example.com", "letters": ["staff_dispute"]})
    fits(gus, "POST", "/v1/users")
    both = {
        "name": "Grace",
        "email": "g@example.com",
        "language": "de",
        "letters": ["staff_payment", "staff_dispute"],
    }
    grace = does(api.post("/v1/users", both), 201)
    assert wanted() == ["staff_dispute", "staff_dispute", "staff_payment"]
    changed = api.post(f"/v1/users/{gus['id']}", {"letters": [], "locale": "da"})
    fits(changed, "POST", "/v1/users/{id}")
    assert (changed["letters"], changed["locale"], changed["name"]) == ([], "da", "Gus")
    assert wanted() == ["staff_dispute", "staff_payment"]
    gone = api.post(f"/v1/users/{grace['id']}/delete")
    fits(gone, "POST", "/v1/users/{id}/delete")
    assert wanted() == []
    assert [one["id"] for one in api.get("/v1/users")["data"]] == [gus["id"]]
    for told in (api.get(f"/v1/users/{grace['id']}"), api.post(f"/v1/users/{grace['id']}", {"name": "x"})):
        assert told.status == 404
    assert not [
        one for one in api.written() if "g@example.com" in str(one) and "answer" not in one["key"]["S"]
    ]
    for body, code, param in (
        ({"letters": ["receipt"]}, "not_a_staff_letter", "letters[0]"),
        ({"letters": ["staff_dispute"] * 2}, "letter_twice", "letters[1]"),
        ({"email": "nobody"}, "email_malformed", "email"),
        ({"language": "xx"}, "unknown_language", "language"),
    ):
        told = api.post(f"/v1/users/{gus['id']}", body)
        assert (told["code"], told["param"]) == (code, param)


def test_what_is_one_account_s_is_not_another_s(api: Api):
    """A company of another account can be named by nobody else, and its history is nobody else's to read."""
    _, other = api.open("Neighbor")
    company = api.post("/v1/companies", COMPANY)["id"]
    assert api.post("/v1/contacts", {**PERSON, "company": company}, key=other)["code"] == "company_not_found"
    for path in ("", "/history", "/contacts"):
        assert api.get(f"/v1/companies/{company}{path}", key=other).status == 404
    assert api.get("/v1/profile", key=other)["legal_name"] == ""
