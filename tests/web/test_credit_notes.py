"""Credit notes, balances, void and uncollectible over HTTP: what is given back, and every refusal in words."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.numbering import name_of
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import advance
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.store import Store
from tests.web.conftest import JANUARY, Api
from tests.web.test_openapi import fits


class Shop:
    """An account with a clock of its own, and one customer of two lines, 25.00 and 7.00 a month."""

    def __init__(self, api: Api, card: str = "pm_card_visa") -> None:
        self.api = api
        self.account, self.key = api.open("Shop", clock_at=JANUARY)
        lines = [{"name": "Coffee", "unit_amount": 2500}, {"name": "Cups", "unit_amount": 700}]
        self.sold = api.sells(self.key, card=card, lines=lines, currency="usd", frequency="monthly")
        self.until("2026-01-15T08:00:00Z")
        self.invoice = self.get("/v1/invoices")["data"][0]["id"]

    def until(self, moment: str) -> None:
        assert self.post("/v1/test_clock/advance", {"to": moment}).status == 202
        advance.clocks(self.api.service, self.account.id, [])

    def get(self, path: str) -> Any:
        told = self.api.get(path, key=self.key)
        assert told.status == 200, told.text
        return told.body

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.api.post(path, body, key=self.key, **more)

    def credits(self, *lines: Any, **more: Any) -> Any:
        body = {"invoice": self.invoice, **({"lines": list(lines)} if lines else {}), **more}
        return self.post("/v1/credit_notes", body)

    def types(self) -> list[str]:
        return [event["type"] for event in self.get("/v1/events")["data"]]

    def balance(self) -> list[Any]:
        return self.get(f"/v1/contacts/{self.sold['contact']}")["balances"]


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


@pytest.fixture
def owed(api: Api) -> Shop:
    """Whose first payment was declined."""
    return Shop(api, card="pm_card_chargeCustomerFail")


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "usd"}


def test_part_of_a_paid_invoice_goes_to_the_balance(shop: Shop):
    """10.00 of a paid line: a note with a number of its own, the customer's balance, and an event whose entry balances."""
    told = shop.credits({"line": 0, "amount": usd(1000)}, reason="Stale beans")
    assert told.status == 201
    fits(told, "POST", "/v1/credit_notes")
    note = told.body
    assert (note["object"], note["number"], note["reason"]) == ("credit_note", "CN-000001", "Stale beans")
    assert (note["total"], note["to_invoice"], note["to_balance"]) == (usd(1000), usd(0), usd(1000))
    assert shop.balance() == [usd(1000)]
    assert shop.get(f"/v1/invoices/{shop.invoice}")["notes"] == 1
    (event,) = [one for one in shop.get("/v1/events")["data"] if one["type"] == "credit_note.issued"]
    assert event["about"]["credit_note"] == event["subject"] == note["id"]
    assert event["entry"]["postings"]["credits"] == -1000
    assert sum(event["entry"]["postings"].values()) == 0


def test_the_next_invoice_is_paid_from_the_balance_first(shop: Shop):
    """Of 32.00 in February 10.00 come from the balance and 22.00 from the card."""
    shop.credits({"line": 0, "amount": usd(1000)})
    shop.until("2026-02-15T08:00:00Z")
    newest = shop.get("/v1/invoices")["data"][0]
    assert (newest["total"], newest["amount_applied"]) == (usd(3200), usd(1000))
    assert (newest["status"], newest["amount_paid"]) == ("paid", usd(2200))
    assert shop.get("/v1/payments")["data"][0]["amount"] == usd(2200)
    assert shop.balance() == []


def test_without_lines_all_that_is_left_is_credited(shop: Shop):
    """After 10.00 of the first line: the other 15.00 and the 7.00 of the second; then nothing is left."""
    shop.credits({"line": 0, "amount": usd(1000)})
    rest = shop.credits()
    assert rest["total"] == usd(2200)
    assert [line["amount"] for line in rest["lines"]] == [usd(1500), usd(700)]
    again = shop.credits()
    assert (again.status, again["code"]) == (409, "nothing_to_credit")
    assert shop.balance() == [usd(3200)]


def test_an_open_invoice_credited_whole_recovers_its_subscription(owed: Shop):
    """Nothing is owed any more: paid, asked for no more, and the subscription is active again."""
    assert owed.get(f"/v1/subscriptions/{owed.sold['id']}")["status"] == "past_due"
    note = owed.credits()
    assert (note["to_invoice"], note["to_balance"]) == (usd(3200), usd(0))
    invoice = owed.get(f"/v1/invoices/{owed.invoice}")
    assert (invoice["status"], invoice["amount_credited"], invoice["attempt_at"]) == ("paid", usd(3200), None)
    assert owed.get(f"/v1/subscriptions/{owed.sold['id']}")["status"] == "active"
    assert owed.types().count("subscription.recovered") == 1
    assert owed.balance() == []


def test_what_is_too_little_to_charge_is_settled_by_the_last_credit(owed: Shop):
    """31.80 of 32.00 owed: 0.50 stay, Stripe's least, and 0.30 are the balance; with the last 0.20 it pays them."""
    first = owed.credits({"line": 0}, {"line": 1, "amount": usd(680)})
    assert (first["to_invoice"], first["to_balance"]) == (usd(3150), usd(30))
    assert owed.get(f"/v1/invoices/{owed.invoice}")["amount_due"] == usd(50)
    owed.credits()
    invoice = owed.get(f"/v1/invoices/{owed.invoice}")
    assert (invoice["status"], invoice["amount_credited"], invoice["amount_applied"]) == (
        "paid",
        usd(3150),
        usd(50),
    )
    assert owed.get(f"/v1/subscriptions/{owed.sold['id']}")["status"] == "active"
    assert owed.balance() == []


def test_a_preview_writes_nothing(shop: Shop):
    """It is the note that would be issued, to the letter, and the table stays as it is."""
    before = shop.api.marks()
    body = {"invoice": shop.invoice, "lines": [{"line": 1}], "reason": "Broken"}
    told = shop.post("/v1/credit_notes/preview", body)
    assert told.status == 200
    fits(told, "POST", "/v1/credit_notes/preview")
    assert shop.api.marks() == before
    assert shop.post("/v1/credit_notes", body).body == told.body


def test_notes_are_listed_newest_first_and_one_by_one(shop: Shop):
    """All of the account, those of an invoice by the page, and one by its id."""
    notes = [shop.credits({"line": 0, "amount": usd(amount)}).body for amount in (100, 200, 300)]
    assert shop.get("/v1/credit_notes")["data"] == notes[::-1]
    first = shop.get(f"/v1/credit_notes?invoice={shop.invoice}&limit=2")
    assert (first["data"], first["has_more"]) == (notes[:0:-1], True)
    rest = shop.get(f"/v1/credit_notes?invoice={shop.invoice}&limit=2&after={first['next']}")
    assert (rest["data"], rest["has_more"]) == (notes[:1], False)
    assert shop.get(f"/v1/credit_notes/{notes[0]['id']}") == notes[0]
    assert shop.api.get("/v1/credit_notes?invoice=inv_none", key=shop.key)["code"] == "invoice_not_found"
    other = shop.get("/v1/credit_notes?limit=1")["next"]
    wrong = shop.api.get(f"/v1/credit_notes?invoice={shop.invoice}&after={other}", key=shop.key)
    assert (wrong.status, wrong["param"]) == (400, "after")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"lines": []}, "wrong_type", "lines"),
        ({"lines": [{"line": 2}]}, "no_such_line", "lines[0].line"),
        ({"lines": [{"line": -1}]}, "wrong_type", "lines[0].line"),
        ({"lines": [{"line": 0}, {"line": 0}]}, "line_twice", "lines[1].line"),
        ({"lines": [{"line": 1, "amount": usd(701)}]}, "credit_out_of_range", "lines[0].amount"),
        ({"lines": [{"line": 1, "amount": usd(0)}]}, "credit_out_of_range", "lines[0].amount"),
        (
            {"lines": [{"line": 1, "amount": {"amount": 1, "currency": "eur"}}]},
            "currency_mismatch",
            "lines[0].amount.currency",
        ),
        (
            {"lines": [{"line": 1, "amount": {"amount": 1, "currency": "xxx"}}]},
            "unknown_currency",
            "lines[0].amount.currency",
        ),
        ({"reason": "x" * 501}, "reason_too_long", "reason"),
        ({"invoice": "inv_none"}, "invoice_not_found", "invoice"),
    ],
)
def test_what_cannot_be_credited_is_refused_in_words(shop: Shop, body: Any, code: str, param: str | None):
    """Code, the field to blame and a sentence; nothing is written."""
    before = shop.api.marks()
    told = shop.post("/v1/credit_notes", {"invoice": shop.invoice} | body)
    assert (told["code"], told.body.get("param")) == (code, param)
    assert told["detail"].endswith(".")
    assert shop.api.marks() == before


class Rival(Store):
    """A store in which somebody else is quicker, once."""

    def __init__(self, store: Store, act: Any) -> None:
        self.__dict__ |= vars(store)
        self.act = act

    def commit(self, changes: Changeset) -> Reading:
        act, self.act = self.act, None
        if act and any(keys.kind_of(key).type is Invoice for key in changes.changed):
            act()
        else:
            self.act = act
        return super().commit(changes)


def test_two_notes_at_once_cannot_exceed_a_line(shop: Shop):
    """Both want 5.00 of the 7.00: the slower one decides again, and is told that 2.00 are left."""
    wanted = {"line": 1, "amount": usd(500)}
    service = shop.api.service
    shop.api.service = replace(
        service, store=Rival(service.store, lambda: first.append(shop.credits(wanted)))
    )
    first: list[Any] = []
    second = shop.credits(wanted)
    assert first[0].status == 201
    assert (second.status, second["code"], second["param"]) == (400, "credit_out_of_range", "lines[0].amount")
    assert "2.00 usd" in second["detail"]
    assert [note["number"] for note in shop.get("/v1/credit_notes")["data"]] == ["CN-000001"]
    assert shop.balance() == [usd(500)]


class Lost(BaseException):
    """The process ends after the act, before its answer is kept."""


class Deaf(Store):
    """A store that takes the act and dies before the next write."""

    def __init__(self, store: Store) -> None:
        self.__dict__ |= vars(store)
        self.acted = False

    def commit(self, changes: Changeset) -> Reading:
        if self.acted:
            raise Lost
        self.acted = any(keys.kind_of(key).name in ("contact", "invoice") for key in changes.changed)
        return super().commit(changes)


@pytest.mark.parametrize(
    ("path", "body", "seen"),
    [
        ("/v1/credit_notes", {"lines": [{"line": 0, "amount": usd(1000)}]}, [usd(1000)]),
        ("/v1/contacts/{contact}/balance", {"amount": usd(250)}, [usd(250)]),
    ],
)
def test_what_was_done_before_a_crash_is_not_done_again(shop: Shop, path: str, body: Any, seen: Any):
    """The process ends between the act and its answer: the same key finds what was done."""
    if "lines" in body:
        body["invoice"] = shop.invoice
    path = path.format(contact=shop.sold["contact"])
    service = shop.api.service
    shop.api.service = replace(service, store=Deaf(service.store))
    with pytest.raises(Lost):
        shop.post(path, body, Idempotency_Key="once")
    shop.api.service = service
    shop.api.wait(minutes=5)
    again = shop.post(path, body, Idempotency_Key="once")
    assert again.status in (200, 201), again.text
    assert shop.balance() == seen
    assert len(shop.get("/v1/credit_notes")["data"]) == ("lines" in body)


# -- balances ---------------------------------------------------------------------------------------


def test_a_balance_is_adjusted_by_hand(shop: Shop):
    """Raised and lowered, each with its reason and an entry against goodwill; at nothing it is gone."""
    path = f"/v1/contacts/{shop.sold['contact']}/balance"
    told = shop.post(path, {"amount": usd(500), "reason": "Sorry"})
    assert (told.status, told["balances"]) == (200, [usd(500)])
    fits(told, "POST", "/v1/contacts/{id}/balance")
    assert shop.post(path, {"amount": usd(-500)})["balances"] == []
    told_of = [one for one in shop.get("/v1/events")["data"] if one["type"] == "contact.balance_adjusted"]
    assert [one["entry"]["postings"] for one in told_of] == [
        {"goodwill": -500, "credits": 500},
        {"goodwill": 500, "credits": -500},
    ]
    assert told_of[1]["about"]["reason"] == "Sorry"


@pytest.mark.parametrize(
    ("amount", "code", "param"),
    [
        (usd(0), "balance_out_of_range", "amount"),
        (usd(-1), "balance_out_of_range", "amount"),
        ({"amount": 1, "currency": "xxx"}, "unknown_currency", "amount.currency"),
        ({"amount": "1", "currency": "usd"}, "wrong_type", "amount.amount"),
    ],
)
def test_a_balance_is_never_below_zero(shop: Shop, amount: Any, code: str, param: str):
    """What a customer owes is on invoices: more than is there cannot be taken."""
    told = shop.post(f"/v1/contacts/{shop.sold['contact']}/balance", {"amount": amount})
    assert (told.status, told["code"], told["param"]) == (400, code, param)
    assert shop.balance() == []


# -- void and uncollectible -------------------------------------------------------------------------


def test_a_voided_invoice_leaves_the_arrears(owed: Shop):
    """Nothing is owed, nothing asked for, and the subscription has recovered; a second time it is refused."""
    told = owed.post(f"/v1/invoices/{owed.invoice}/void")
    assert (told.status, told["status"], told["amount_due"], told["attempt_at"]) == (
        200,
        "void",
        usd(0),
        None,
    )
    fits(told, "POST", "/v1/invoices/{id}/void")
    subscription = owed.get(f"/v1/subscriptions/{owed.sold['id']}")
    assert (subscription["status"], subscription["arrears"]) == ("active", [])
    again = owed.post(f"/v1/invoices/{owed.invoice}/void")
    assert (again.status, again["code"]) == (409, "invoice_not_open")
    for path in ("/v1/credit_notes", "/v1/credit_notes/preview"):
        assert owed.post(path, {"invoice": owed.invoice})["code"] == "invoice_not_creditable"


def test_an_uncollectible_invoice_is_lost(owed: Shop):
    """What it owes is a bad debt in the books, and it holds the subscription back no more."""
    told = owed.post(f"/v1/invoices/{owed.invoice}/mark_uncollectible")
    assert (told.status, told["status"], told["amount_due"]) == (200, "uncollectible", usd(0))
    fits(told, "POST", "/v1/invoices/{id}/mark_uncollectible")
    (event,) = [
        one for one in owed.get("/v1/events")["data"] if one["type"] == "invoice.marked_uncollectible"
    ]
    assert event["entry"]["postings"] == {"bad_debt": 3200, "receivable": -3200}
    assert owed.get(f"/v1/subscriptions/{owed.sold['id']}")["status"] == "active"


def test_a_void_takes_back_what_credit_notes_left(owed: Shop):
    """After a note of 10.00 it reverses 22.00, and the receivable is even."""
    owed.credits({"line": 0, "amount": usd(1000)})
    owed.post(f"/v1/invoices/{owed.invoice}/void")
    receivable = [
        one["entry"]["postings"].get("receivable", 0)
        for one in owed.get("/v1/events")["data"]
        if one["entry"]
    ]
    assert sorted(receivable) == [-2200, -1000, 3200]


@pytest.mark.parametrize("act", ["void", "mark_uncollectible"])
def test_nothing_is_closed_that_is_paid_or_being_paid(api: Api, act: str):
    """While a payment is open, and when it has been paid, each with a sentence that says what to do."""
    shop = Shop(api, card="pm_usBankAccount")
    told = shop.post(f"/v1/invoices/{shop.invoice}/{act}")
    assert (told.status, told["code"]) == (409, "payment_open")
    assert "wait until it has ended" in told["detail"]
    paid = Shop(api)
    told = paid.post(f"/v1/invoices/{paid.invoice}/{act}")
    assert (told.status, told["code"]) == (409, "invoice_not_open")
    assert "is paid; only an open invoice" in told["detail"]
    assert paid.post(f"/v1/invoices/inv_none/{act}")["code"] == "invoice_not_found"


# -- canceled with credit ---------------------------------------------------------------------------


def test_canceled_with_credit_each_line_gives_its_days_back(shop: Shop):
    """On 25 January 21 of 31 days are to come: 16.94 of 25.00 and 4.74 of 7.00, in the commit that cancels."""
    shop.until("2026-01-25T08:00:00Z")
    told = shop.post(f"/v1/subscriptions/{shop.sold['id']}/cancel", {"credit": True})
    assert (told.status, told["status"]) == (200, "canceled")
    (note,) = shop.get("/v1/credit_notes")["data"]
    assert [line["amount"] for line in note["lines"]] == [usd(1694), usd(474)]
    assert shop.balance() == [usd(2168)]
    again = shop.post(f"/v1/subscriptions/{shop.sold['id']}/cancel", {"credit": True})
    assert (again.status, again["code"]) == (409, "subscription_ended")
    assert len(shop.get("/v1/credit_notes")["data"]) == 1


def test_days_that_waited_to_be_charged_are_charged_as_it_is_canceled_with_credit(shop: Shop):
    """Twice the coffee from the 20th, to be charged in February; canceled on the 25th: the customer has paid for what was had.

    That is 5 days of 25.00, 5 of 50.00 and 10 of 7.00, each of 31: 4.03 + 8.06 + 2.26 of the 32.00.
    """
    path = f"/v1/subscriptions/{shop.sold['id']}"
    coffee = shop.get(path)["lines"][0]["id"]
    shop.until("2026-01-20T08:00:00Z")
    body = {"quantities": {coffee: 2}, "proration": "next_invoice"}
    assert shop.post(f"{path}/change", body).status == 200
    assert shop.balance() == [usd(2097)]
    shop.until("2026-01-25T08:00:00Z")
    assert shop.post(f"{path}/cancel", {"credit": True}).status == 200
    charged = shop.get("/v1/invoices")["data"][0]
    assert (charged["besides"], charged["total"], charged["status"]) == (True, usd(806), "paid")
    assert (charged["period_start_on"], charged["period_end_on"]) == ("2026-01-20", "2026-01-25")
    assert shop.balance() == [usd(3200 - 403 - 806 - 226)]
    shop.until("2026-03-25T08:00:00Z")
    assert len(shop.get("/v1/invoices")["data"]) == 2


@pytest.mark.parametrize("planned", [{"at_period_end": True}, {"on": "2026-01-20"}])
def test_only_what_is_canceled_at_once_is_credited(shop: Shop, planned: Any):
    """A planned cancellation runs to its day, so there is nothing to give back."""
    told = shop.post(f"/v1/subscriptions/{shop.sold['id']}/cancel", {"credit": True} | planned)
    assert (told.status, told["code"], told["param"]) == (400, "credit_of_planned_cancellation", "credit")


def test_a_subscription_that_was_never_billed_is_canceled_without_a_note(api: Api):
    """Nothing was charged, so nothing is given back."""
    shop = Shop(api)
    later = api.sells(shop.key, start_on="2026-02-01")
    told = shop.post(f"/v1/subscriptions/{later['id']}/cancel", {"credit": True})
    assert (told.status, told["status"]) == (200, "canceled")
    assert shop.get("/v1/credit_notes")["data"] == []


def test_paused_with_its_days_kept_they_are_given_back(shop: Shop):
    """Paused on the 25th and canceled on 10 March: the 21 days that were left then are still the customer's."""
    path = f"/v1/subscriptions/{shop.sold['id']}"
    shop.until("2026-01-25T08:00:00Z")
    assert shop.post(f"{path}/pause", {"shifts": True}).status == 200
    shop.until("2026-03-10T08:00:00Z")
    assert shop.post(f"{path}/cancel", {"credit": True}).status == 200
    assert shop.balance() == [usd(2168)]


def test_more_credit_notes_than_a_transaction_takes_are_refused(shop: Shop):
    """With forty invoices in one period it says how to cancel instead, and nothing is written."""
    store = shop.api.service.store
    path = f"/v1/subscriptions/{shop.sold['id']}"
    first = store.get(Invoice, shop.account.id, shop.invoice)
    subscription = store.get(Subscription, shop.account.id, shop.sold["id"])
    crowd = Changeset(shop.account.id)
    for ordinal in range(1, 41):
        crowd.put(
            replace(
                first, id=name_of(subscription.id, ordinal), number=f"X-{ordinal}", besides=True, version=0
            )
        )
    crowd.put(replace(subscription, besides=40))
    store.commit(crowd)
    before = shop.api.marks()
    told = shop.post(f"{path}/cancel", {"credit": True})
    assert (told.status, told["code"]) == (409, "cancel_too_large")
    assert shop.api.marks() == before
    assert shop.post(f"{path}/cancel").status == 200
