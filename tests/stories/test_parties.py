"""Who is billed, and under which number: kept with every invoice, whatever is changed, at whatever moment."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.billing.audits import Code
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.accounts import ApiKey
from chalicelib.crm.parties import Parties
from chalicelib.operations import audit, parties, profile
from chalicelib.service import Service
from tests.stories.diary import Diary
from tests.stories.test_audit import Hand
from tests.stories.test_races_of_acts import Race, renews

LAST_EVENING = datetime(2027, 1, 1, 4, 30, tzinfo=UTC)  # half past eleven in New York, still 2026
NEW_YEAR = datetime(2027, 1, 1, 5, 30, tzinfo=UTC)
BILLING = datetime(2027, 1, 15, 11, tzinfo=UTC)  # six in the morning in New York
BERLIN = {"country": "DE", "line1": "Torstr. 1", "city": "Berlin", "postal_code": "10119"}


def numbers(diary: Diary, kind: str = "invoices") -> list[str]:
    """All numbers, the first one first."""
    return [row["number"] for row in reversed(diary.every(f"/v1/{kind}"))]


def told(diary: Diary, row: dict[str, Any]) -> Parties:
    """Who an invoice is from and to, as its documents show it."""
    service = diary.world.service()
    return parties.of_invoice(service, diary.account, service.store.get(Invoice, diary.account, row["id"]))


def found(diary: Diary) -> set[Code]:
    return {one.code for one in audit.account(diary.world.service(), diary.account).findings}


def test_numbers_begin_anew_at_the_account_s_new_year(diary: Diary):
    """Sold late in New York's year, and early in its next: each counts where it belongs, without a gap, credit notes too.

    What both sides were when an invoice was issued is read from it after all has changed, and missed where it is lost.
    """
    diary.post("/v1/account", numbers_by_year=True)
    diary.post("/v1/profile", legal_name="Roaster Inc", language="de")
    company = diary.post("/v1/companies", name="Engines Ltd", address=BERLIN)["id"]
    diary.world.set_clock(LAST_EVENING)
    for who in ("ada", "eve"):
        diary.subscribes(who, "coffee-250g", company=company if who == "ada" else None)
        diary.world.settle()
    diary.world.until(NEW_YEAR)
    diary.subscribes("cy", "coffee-250g")
    diary.world.settle()
    first = diary.every(f"/v1/invoices?subscription={diary.subscriptions['ada']}")[0]
    diary.post("/v1/credit_notes", invoice=first["id"])
    diary.it_is("2027-02-02")
    assert numbers(diary) == [
        *("INV-2026-000001", "INV-2026-000002"),
        *(f"INV-2027-{n:06d}" for n in range(1, 5)),
    ]
    assert numbers(diary, "credit_notes") == ["CN-2027-000001"]
    was = told(diary, first)
    assert (was.seller_name, was.buyer_name, was.language) == ("Roaster Inc", "Engines Ltd", "de")
    diary.post("/v1/profile", legal_name="Roaster plc", language="fr")
    diary.post(f"/v1/companies/{company}", name="Engines plc", address=None)
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", name="Ada King")
    diary.post("/v1/account", numbers_by_year=False, invoice_prefix="R-")
    diary.it_is("2027-03-02")
    again = told(diary, first)
    assert (again.profile, again.company, again.contact.name) == (was.profile, was.company, "Ada")
    assert again.bill_to == was.bill_to
    assert numbers(diary)[:3] == ["R-000001", "R-000002", "R-000003"]
    newest = max(diary.every("/v1/invoices"), key=lambda row: str(row["issued_at"]))
    assert (told(diary, newest).seller_name, told(diary, newest).language) == ("Roaster plc", "fr")
    assert found(diary) == set()
    hand = Hand(diary)
    with hand.without("former", f"was_{company}_000000"):
        assert found(diary) == {Code.PARTIES_LOST}
    lost = diary.every("/v1/invoices")[2]
    with hand.without("invoice", lost["id"]):
        assert Code.NUMBER_GAP in found(diary)
    assert found(diary) == set()
    assert diary.parked() == []


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_numbers_of_a_year_are_given_once(diary: Diary, first: int):
    """Two bill at the same moment the first invoices of a year: one gets the first number, the other the second."""
    diary.post("/v1/account", numbers_by_year=True)
    diary.world.set_clock(datetime(2026, 12, 15, 13, tzinfo=UTC))
    for who in ("ada", "eve"):
        diary.subscribes(who, "coffee-250g")
    diary.world.settle()
    diary.world.until(datetime(2027, 1, 14, 13, tzinfo=UTC))
    diary.world.set_clock(BILLING)
    Race(diary, first).run((renews, BILLING), (lambda service, diary: renews(service, diary, "eve"), BILLING))
    diary.it_is("2027-01-16")
    assert numbers(diary)[-2:] == ["INV-2027-000001", "INV-2027-000002"]
    assert len(numbers(diary)) == len(set(numbers(diary))) == 4
    assert found(diary) == set()


@pytest.mark.parametrize("first", [0, 1])
def test_an_invoice_issued_while_a_party_changes_has_what_was_read(diary: Diary, first: int):
    """The renewal and the change have both read before either writes: the invoice has the one or the other name, for ever."""
    by = ApiKey(account=diary.account, id="key_1", name="laptop", hint="", created_at=BILLING)

    def renames(service: Service, diary: Diary) -> None:
        profile.change(service, diary.account, {"legal_name": "After"}, by=by)

    diary.post("/v1/profile", legal_name="Before")
    diary.world.set_clock(datetime(2026, 12, 15, 13, tzinfo=UTC))
    diary.subscribes("ada", "coffee-250g")
    diary.world.settle()
    diary.world.until(datetime(2027, 1, 14, 13, tzinfo=UTC))
    diary.world.set_clock(BILLING)
    Race(diary, first).run((renews, BILLING), (renames, BILLING))
    diary.it_is("2027-01-16")
    newest = diary.every(f"/v1/invoices?subscription={diary.subscriptions['ada']}")[0]
    assert told(diary, newest).seller_name == "Before"
    diary.post("/v1/profile", legal_name="Later")
    assert told(diary, newest).seller_name == "Before"
    assert found(diary) == set()
    diary.sound()
