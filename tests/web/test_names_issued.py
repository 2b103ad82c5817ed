"""In whose name documents are: as it was when their invoice was issued, whatever both sides say of themselves later."""

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.periods import local_date
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.contacts import Contact
from chalicelib.operations import parties
from chalicelib.store import keys
from chalicelib.views import links
from chalicelib.views.documents import Document
from chalicelib.views.links import Purpose
from chalicelib.web import buyer_cases
from tests.web.conftest import JANUARY, Api
from tests.web.said import COMPANY, DOCK, HOME, PERSON, PROFILE, VAT, bills, does, sells_to
from tests.web.test_openapi import fits


def test_a_tax_id_that_is_replaced_leaves_no_invoice_without_one(api: Api):
    """A subscription shows the ones it chose; where the profile has none of them any more, all that it has."""
    other = {"type": "gb_vat", "value": "GB980780684"}
    does(api.post("/v1/profile", {"tax_ids": [VAT, other]}))
    sold, _ = sells_to(api)
    does(api.post(f"/v1/subscriptions/{sold}/invoice_settings", {"tax_ids": [VAT["value"]]}))
    first = bills(api, sold)
    does(api.post("/v1/profile", {"tax_ids": [other]}))
    shown = [parties.of_invoice(api.service, api.account.id, one) for one in (first, bills(api, sold))]
    assert [[one.value for one in each.seller_tax_ids] for each in shown] == [
        [VAT["value"]],
        [other["value"]],
    ]


def test_an_invoice_keeps_who_it_is_from_and_to(api: Api):
    """After both sides have changed, and the account's name too, it is read as it was issued; the next one has what is now."""
    does(api.post("/v1/profile", PROFILE | {"legal_name": "", "email": ""}))
    company = api.post("/v1/companies", COMPANY)["id"]
    sold, ada = sells_to(api, **PERSON)
    settings = {"company": company, "language": "ja", "tax_ids": [VAT["value"]], "reference": "PO-1"}
    does(api.post(f"/v1/subscriptions/{sold}/invoice_settings", settings))
    first = bills(api, sold)
    was = parties.of_invoice(api.service, api.account.id, first)
    assert (was.seller_name, was.seller_email, was.buyer_name) == (
        "Roaster",
        "owner@example.com",
        COMPANY["name"],
    )
    assert (was.language, was.locale, was.company and was.company.revision) == ("ja", "fr-CA", 0)
    assert [one.value for one in was.seller_tax_ids] == [VAT["value"]]
    does(api.post("/v1/account", {"name": "Roaster & Co", "email": "new@example.com"}))
    does(api.post("/v1/profile", {"tax_ids": [], "address": HOME, "language": ""}))
    does(api.post("/v1/profile", {"legal_name": "Roaster Inc"}))
    does(api.post(f"/v1/companies/{company}", {"name": "Engines plc", "address": None}))
    for name in ("Ada King", "Ada Lovelace"):
        does(api.post(f"/v1/contacts/{ada}", {"name": name, "locale": "en-US"}))
    does(api.post(f"/v1/subscriptions/{sold}/invoice_settings", {"tax_ids": [], "language": ""}))
    second = bills(api, sold)
    as_issued = parties.of_invoice(api.service, api.account.id, first)
    assert (as_issued.company, as_issued.papers) == (was.company, was.papers)
    assert [as_issued.seller_name, as_issued.seller_email] == ["Roaster", "owner@example.com"]
    assert (as_issued.profile.address, as_issued.profile.tax_ids) == (
        was.profile.address,
        was.profile.tax_ids,
    )
    assert (as_issued.contact.name, as_issued.locale) == ("Ada", "fr-CA")
    now = parties.of_invoice(api.service, api.account, second)
    assert [now.seller_name, now.buyer_name, now.contact.name] == [
        "Roaster Inc",
        "Engines plc",
        "Ada Lovelace",
    ]
    assert (now.locale, now.language, now.papers.reference) == ("en-US", "fr", "PO-1")
    shown = api.get(f"/v1/invoices/{first.id}").body
    assert shown["invoice_settings"]["reference"] == "PO-1"
    assert (shown["issuer_revision"], shown["contact_revision"], shown["company_revision"]) == (1, 1, 0)
    assert api.get("/v1/profile/history")["data"][2]["fields_changed"] == [
        {"field": "legal_name", "before": "Roaster", "after": "Roaster & Co"},
        {"field": "email", "before": "owner@example.com", "after": "new@example.com"},
    ]


def test_the_page_of_an_invoice_names_whom_its_document_names(api: Api):
    """The company it was issued to, by its name of that day; and until it is paid, whom it is to be paid to."""
    company = api.post("/v1/companies", COMPANY)["id"]
    sold, _ = sells_to(api)
    does(api.post(f"/v1/subscriptions/{sold}/invoice_settings", {"company": company}))
    invoice = bills(api, sold)
    does(api.post(f"/v1/companies/{company}", {"name": "Engines plc"}))
    does(api.post(f"/v1/subscriptions/{sold}/invoice_settings", {"company": None}))
    facts = shown(api, invoice)
    assert (facts["Billed to"], facts["To be paid to"]) == (COMPANY["name"], "Roaster")
    assert "Paid to" not in facts


def test_the_page_of_an_invoice_says_where_a_transfer_goes(api: Api):
    """Where it is paid by transfer alone, until it is paid: a page that takes no money names the account that does."""
    does(api.post("/v1/profile", {"legal_name": "Roaster Ltd", "bank": {"iban": "DE89370400440532013000"}}))
    sent = {"collection_method": "send_invoice", "days_until_due": 7, "payment_method": None}
    for online in (False, True):
        invoice = bills(api, api.sells(accept_online=online, **sent)["id"])
        facts = shown(api, invoice)
        transfer = {name: facts.get(name) for name in ("Account holder", "IBAN", "Payment reference")}
        assert list(transfer.values()) == (
            [None] * 3 if online else ["Roaster Ltd", "DE89 3704 0044 0532 0130 00", invoice.number]
        )
    by_hand = bills(api, api.sells(accept_online=False, **sent)["id"])
    amount = {"amount": by_hand.total.amount, "currency": by_hand.total.currency}
    body = {"contact": by_hand.contact, "amount": amount, "received_on": str(api.now.date()), "type": "cash"}
    assert api.post("/v1/payments", {**body, "invoices": [by_hand.id]}).status == 201
    facts = shown(api, by_hand)
    assert (facts["Paid with"], "IBAN" in facts) == ("Cash", False)


def shown(api: Api, invoice: Invoice) -> dict[str, str]:
    """The facts on an invoice's page."""
    settings = api.service.settings
    token = links.sign(settings, Purpose.INVOICE, api.account.id, invoice.id, api.now)
    link = links.read(settings, token, api.now)
    return dict(buyer_cases.page(link, buyer_cases.read(api.service, link)).facts)


def test_a_name_that_is_left_to_the_account_is_kept_as_it_was(api: Api):
    """However often the account is called otherwise, and the profile changed in between, each invoice has the name of its day."""
    sold, names = api.sells()["id"], ["Roaster", "Second", "Second", "Third", "Third"]
    issued = []
    for n, name in enumerate(names):
        does(api.post("/v1/account", {"name": name}))
        does(api.post("/v1/profile", {"phone": f"+1 555 010{n}"}))
        issued.append(bills(api, sold))
    does(api.post("/v1/account", {"name": "Last", "email": "last@example.com"}))
    told = [parties.of_invoice(api.service, api.account.id, one) for one in issued]
    assert [one.seller_name for one in told] == names
    assert {one.seller_email for one in told} == {"owner@example.com"}
    assert [one.profile.phone for one in told] == [f"+1 555 010{n}" for n in range(5)]


def test_the_day_of_issue_stays_that_of_the_zone_it_was_issued_in(api: Api):
    """A document that is first made after the business moved says the day on which it was issued; a later one goes by the new zone."""
    sold = api.sells()["id"]
    first = bills(api, sold)
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
    day = first.issued_at.date()
    zone = next(one for one in zones if local_date(first.issued_at, one) != day)
    does(api.post("/v1/account", {"zone": zone}))
    second = bills(api, sold)
    issued = [
        Document(invoice=one, parties=parties.of_invoice(api.service, api.account.id, one))
        for one in (first, second)
    ]
    assert [one.issued_on for one in issued] == [day, local_date(second.issued_at, zone)]
    assert [one.parties.zone for one in issued] == ["UTC", zone]
    assert "zone" not in api.get("/v1/profile").body
    assert api.get("/v1/profile/history")["data"][0]["fields_changed"] == [
        {"field": "zone", "before": "UTC", "after": zone}
    ]


def test_who_says_nothing_costs_nothing(api: Api):
    """Where nobody has said anything, an invoice has not a byte of it, and its parties are read all the same."""
    invoice = bills(api, api.sells()["id"])
    assert (invoice.issuer, invoice.buyer, invoice.company, invoice.papers) == (0, 0, None, None)
    [item] = [one for one in api.written() if one["key"]["S"] == keys.key_of(invoice)]
    for name in ("issuer", "buyer", "company", "papers"):
        assert f'"{name}' not in item["body"]["S"]
    told = parties.of_invoice(api.service, api.account, invoice)
    assert (told.seller_name, told.buyer_name, told.language, told.locale) == (
        "Roaster",
        "Ada",
        "en",
        "en-US",
    )
    sold = api.service.store.get(Subscription, api.account.id, invoice.subscription)
    buyer = api.service.store.get(Contact, api.account.id, invoice.contact)
    found = api.service.store.load(api.account.id, list(parties.wanted(sold, buyer)))
    assert parties.assembled(found, api.account, buyer, sold) == told


def test_a_sale_says_in_whose_name_and_how(api: Api):
    """By itself the company the contact buys for, with null nobody's; how its documents are written, checked by field."""
    company = api.post("/v1/companies", COMPANY)["id"]
    other = api.post("/v1/companies", {"name": "Other"})["id"]
    first = api.sells()
    contact = first["contact"]
    does(api.post(f"/v1/contacts/{contact}", {"company": company}))
    body = {
        "contact": contact,
        "payment_method": first["payment_method"]["id"],
        "lines": [{"product": first["lines"][0]["product"]}],
    }
    assert does(api.post("/v1/subscriptions", body), 201)["company"] == company
    assert does(api.post("/v1/subscriptions", body | {"company": None}), 201)["company"] is None
    settings = {
        "language": "de-AT",
        "locale": "de-AT",
        "comments": "*Danke*",
        "tax_ids": [],
        "custom_fields": [{"label": "Kostenstelle", "value": "4711"}],
        "reference": "PO-1",
        "buyer_reference": "04011000-12345-03",
        "billing_address": HOME,
        "shipping_address": DOCK,
        "emailed": False,
    }
    told = api.post("/v1/subscriptions", body | {"company": other, "invoice_settings": settings})
    fits(told, "POST", "/v1/subscriptions")
    assert (told["company"], told["invoice_settings"]) == (other, settings)
    [ordered] = does(api.post("/v1/orders", body | {"invoice_settings": {"reference": "PO-2"}}), 201)["data"]
    assert (ordered["company"], ordered["invoice_settings"]["reference"]) == (company, "PO-2")
    assert (
        does(api.post("/v1/subscriptions", body | {"invoice_settings": {}}), 201)["invoice_settings"] is None
    )
    for path in ("/v1/subscriptions/preview", "/v1/orders/preview"):
        assert api.post(path, body | {"invoice_settings": settings}).status == 200
    for wrong, code, param in (
        ({"company": "com_none"}, "company_not_found", "company"),
        ({"invoice_settings": {"tax_ids": ["DE1"]}}, "unknown_tax_id", "invoice_settings.tax_ids[0]"),
        ({"invoice_settings": {"comments": "{{x}}"}}, "unknown_snippet", "invoice_settings.comments"),
        ({"invoice_settings": {"billing_address": {"country": "ZZ"}}}, "unknown_country", "invoice_settings.billing_address.country"),
        ({"invoice_settings": {"custom_fields": [{"label": "x" * 41, "value": "1"}]}}, "text_too_long", "invoice_settings.custom_fields[0].label"),
    ):  # fmt: skip
        refused = api.post("/v1/subscriptions", body | wrong)
        assert (refused["code"], refused["param"]) == (code, param)


def test_documents_are_written_otherwise_from_the_next_invoice_on(api: Api):
    """What is sent is changed, the rest stays, and null takes away; a repeated request changes nothing twice."""
    sold, _ = sells_to(api, language="fr")
    path = f"/v1/subscriptions/{sold}/invoice_settings"
    first = bills(api, sold)
    told = api.post(path, {"language": "es", "reference": "PO-1", "emailed": True}, Idempotency_Key="a")
    fits(told, "POST", "/v1/subscriptions/{id}/invoice_settings")
    again = api.post(path, {"language": "es", "reference": "PO-1", "emailed": True}, Idempotency_Key="a")
    assert again.body == told.body
    does(api.post(path, {"reference": "", "shipping_address": DOCK}))
    second = bills(api, sold)
    assert first.papers is None
    assert second.papers is not None
    assert (second.papers.language, second.papers.reference, second.papers.emailed) == ("es", "", True)
    same = {"language": "", "shipping_address": None, "emailed": None}
    assert does(api.post(path, same))["invoice_settings"] is None
    events = [one["type"] for one in api.get("/v1/events?limit=100")["data"]]
    assert events.count("subscription.invoice_settings_changed") == 3
    for wrong, code, param in (
        ({"company": "com_none"}, "company_not_found", "company"),
        ({"language": "xx"}, "unknown_language", "language"),
        ({"tax_ids": ["1"]}, "unknown_tax_id", "tax_ids[0]"),
    ):
        refused = api.post(path, wrong)
        assert (refused["code"], refused["param"]) == (code, param)
    assert api.post("/v1/subscriptions/sub_none/invoice_settings", {}).status == 404


def test_a_credit_note_is_from_and_to_its_invoice_s(api: Api):
    """It names its invoice, whose parties it shows; its number goes under the prefix of its own."""
    sold, _ = sells_to(api, **PERSON)
    invoice = bills(api, sold)
    does(api.post("/v1/account", {"credit_note_prefix": "G-"}))
    note = does(api.post("/v1/credit_notes", {"invoice": invoice.id}), 201)
    assert note["number"] == "G-000001"
    kept = api.service.store.get(CreditNote, api.account.id, note["id"])
    assert kept.invoice == invoice.id


def test_what_is_simulated_is_in_whose_name_it_will_be(api: Api):
    """The next invoice, and those of years, are foretold with their company, papers and numbers by year."""
    account, key = api.open("Clocked", clock_at=JANUARY)
    does(api.post("/v1/account", {"numbers_by_year": True}, key=key))
    company = api.post("/v1/companies", COMPANY, key=key)["id"]
    sold = api.sells(key, company=company, invoice_settings={"reference": "PO-1"}, start_delay_days=1)
    coming = api.get(f"/v1/subscriptions/{sold['id']}/upcoming_invoice", key=key)
    assert (coming["company"], coming["invoice_settings"]["reference"]) == (company, "PO-1")
    told = api.post(f"/v1/subscriptions/{sold['id']}/simulate", {"until": "2027-02-20"}, key=key)
    numbers = [one["number"] for one in told["invoices"]]
    assert numbers[0] == "INV-2026-000001"
    assert numbers[11:] == ["INV-2026-000012", "INV-2027-000001", "INV-2027-000002"]
    assert account.clock is not None
