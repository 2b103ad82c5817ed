"""Changes over HTTP: previewed as they are done, settled to the cent, and refused with a reason."""

from typing import Any

import pytest

from chalicelib.operations import advance
from tests.web.conftest import JANUARY, Api
from tests.web.test_openapi import fits

CHANGE = "/v1/subscriptions/{id}/change"


class Shop:
    """A shop whose clock stands at 15 January 2026, six in the morning of the billing hour past, in UTC."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.account, self.key = api.open("Shop", clock_at=JANUARY)
        self.until("2026-01-15T07:00:00Z")

    def until(self, to: str) -> None:
        told = self.post("/v1/test_clock/advance", {"to": to})
        assert told.status == 202, told.text
        self.work()

    def work(self) -> None:
        advance.clocks(self.api.service, self.account.id, [])

    def post(self, path: str, body: Any = None) -> Any:
        return self.api.post(path, body, key=self.key)

    def get(self, path: str) -> Any:
        told = self.api.get(path, key=self.key)
        assert told.status == 200, told.text
        return told.body

    def sells(self, *lines: Any, **more: Any) -> str:
        """A monthly subscription from today, billed."""
        given = list(lines) or [{"name": "Coffee", "unit_amount": 3100}]
        id_ = self.api.sells(
            self.key, currency="usd", frequency=more.pop("frequency", "monthly"), lines=given, **more
        )["id"]
        self.work()
        return str(id_)

    def change(self, id_: str, **body: Any) -> Any:
        told = self.post(f"/v1/subscriptions/{id_}/change", body)
        assert told.status == 200, told.text
        self.work()
        return told.body

    def invoices(self, id_: str) -> list[Any]:
        """Oldest first."""
        return list(reversed(self.get(f"/v1/invoices?subscription={id_}")["data"]))

    def notes(self) -> list[Any]:
        """Oldest first."""
        return list(reversed(self.get("/v1/credit_notes")["data"]))

    def balance(self, id_: str) -> Any:
        contact = self.get(f"/v1/subscriptions/{id_}")["contact"]
        return self.get(f"/v1/contacts/{contact}")["balances"]


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


def test_an_upgrade_is_charged_at_once_for_the_days_to_come(shop: Shop):
    """15 days into 31: 16/31 of the old line is given back and 16/31 of the new one charged, less that, on an invoice now."""
    id_ = shop.sells()
    shop.until("2026-01-30T12:00:00Z")
    shop.change(id_, lines=[{"id": "li_1", "unit_amount": 6200}], proration="invoice_now")
    first, besides = shop.invoices(id_)
    assert (first["total"]["amount"], first["status"]) == (3100, "paid")
    assert [note["total"]["amount"] for note in shop.notes()] == [1600]
    assert (besides["total"]["amount"], besides["amount_applied"]["amount"], besides["besides"]) == (
        3200,
        1600,
        True,
    )
    assert (besides["status"], besides["amount_paid"]["amount"]) == ("paid", 1600)
    assert besides["lines"][0]["share"] == {
        "days": 16, "of_days": 31, "start_on": "2026-01-30", "end_on": "2026-02-15",
    }  # fmt: skip
    shop.until("2026-02-15T12:00:00Z")
    assert shop.invoices(id_)[2]["total"]["amount"] == 6200


def test_a_downgrade_makes_the_next_invoice_smaller(shop: Shop):
    """What is given back and not owed is the customer's, and the next invoice is paid from it first."""
    id_ = shop.sells({"name": "Coffee", "unit_amount": 6200})
    shop.until("2026-01-30T12:00:00Z")
    shop.change(id_, lines=[{"id": "li_1", "unit_amount": 3100}], proration="next_invoice")
    assert shop.balance(id_) == [{"amount": 3200, "currency": "usd"}]
    shop.until("2026-02-15T12:00:00Z")
    _, second = shop.invoices(id_)
    assert [(line["kind"], line["amount"]["amount"]) for line in second["lines"]] == [
        (None, 3100),
        ("proration", 1600),
    ]
    assert (second["amount_applied"]["amount"], second["amount_paid"]["amount"]) == (3200, 1500)
    assert shop.balance(id_) == []


def test_without_proration_the_last_one_saved_wins(shop: Shop):
    """A change without proration begins with the next cycle, in place of one saved before; it can be called off."""
    id_ = shop.sells()
    shop.change(id_, quantities={"li_1": 3})
    told = shop.change(id_, quantities={"li_1": 2})
    assert (told["lines"][0]["quantity"], told["change"]["lines"][0]["quantity"]) == ("1", "2")
    assert shop.change(id_, drop_saved=True)["change"] is None
    shop.change(id_, quantities={"li_1": 5}, lines=None)
    assert shop.change(id_, quantities={"li_1": 1})["change"] is None
    shop.change(id_, quantities={"li_1": 4})
    shop.until("2026-02-15T12:00:00Z")
    assert [one["total"]["amount"] for one in shop.invoices(id_)] == [3100, 12400]
    assert shop.get(f"/v1/subscriptions/{id_}")["change"] is None
    assert shop.notes() == []


def test_before_the_first_invoice_it_changes_at_once(shop: Shop):
    """What has not been billed yet has nothing to settle, whatever is asked."""
    id_ = shop.sells(start_on="2026-02-01")
    told = shop.change(id_, quantities={"li_1": 2}, frequency="quarterly", proration="invoice_now")
    assert (told["lines"][0]["quantity"], told["frequency"], told["extras"]) == ("2", "quarterly", [])
    shop.until("2026-05-01T12:00:00Z")
    assert [(one["period_start_on"], one["total"]["amount"]) for one in shop.invoices(id_)] == [
        ("2026-02-01", 6200),
        ("2026-05-01", 6200),
    ]


def test_another_frequency_begins_a_period_of_its_own(shop: Shop):
    """The rest of the month is given back, a year begins today, is billed at once, and is paid from that first."""
    id_ = shop.sells()
    shop.until("2026-01-30T12:00:00Z")
    body = {
        "frequency": "annually",
        "lines": [{"id": "li_1", "unit_amount": 31000}],
        "proration": "invoice_now",
    }
    assert shop.post(f"/v1/subscriptions/{id_}/change/preview", body)["amount_due"]["amount"] == 31000 - 1600
    shop.change(id_, **body)
    _, year = shop.invoices(id_)
    assert (year["period_start_on"], year["period_end_on"]) == ("2026-01-30", "2027-01-30")
    assert (year["total"]["amount"], year["amount_applied"]["amount"]) == (31000, 1600)
    assert shop.get(f"/v1/subscriptions/{id_}")["next_billing_on"] == "2027-01-30"


def test_what_is_given_back_first_takes_off_what_is_owed(api: Api):
    """A change while the invoice is unpaid lowers what is owed; nothing goes to the balance."""
    shop = Shop(api)
    id_ = shop.sells({"name": "Coffee", "unit_amount": 6200}, card="pm_card_chargeCustomerFail")
    assert shop.get(f"/v1/subscriptions/{id_}")["status"] == "past_due"
    shop.until("2026-01-16T12:00:00Z")
    shop.change(id_, lines=[{"id": "li_1", "unit_amount": 3100}], proration="next_invoice")
    (first,) = shop.invoices(id_)
    assert (first["amount_credited"]["amount"], first["amount_due"]["amount"]) == (6000, 200)
    assert shop.balance(id_) == []


def test_credit_for_all_that_is_owed_ends_the_trouble(api: Api):
    """Changed on its first day while unpaid, the old invoice owes nothing more, and the subscription is active again."""
    shop = Shop(api)
    id_ = shop.sells({"name": "Coffee", "unit_amount": 6200}, card="pm_card_chargeCustomerFail")
    told = shop.change(id_, lines=[{"id": "li_1", "unit_amount": 3100}], proration="next_invoice")
    assert (told["status"], told["arrears"]) == ("active", [])
    (first,) = shop.invoices(id_)
    assert (first["status"], first["amount_due"]["amount"], first["amount_paid"]["amount"]) == ("paid", 0, 0)


def test_what_stripe_would_not_take_alone_goes_with_the_next_invoice(shop: Shop):
    """31 cents for the rest of the month are not charged now, though that was asked: Stripe takes 50 or more."""
    id_ = shop.sells()
    shop.until("2026-01-30T12:00:00Z")
    told = shop.change(
        id_, lines=[{"id": "li_1"}, {"name": "Filter", "unit_amount": 60}], proration="invoice_now"
    )
    assert len(shop.invoices(id_)) == 1
    assert [line["name"] for line in told["extras"]] == ["Filter"]
    shop.until("2026-02-15T12:00:00Z")
    assert shop.invoices(id_)[1]["total"]["amount"] == 3100 + 60 + 31


def test_a_new_line_comes_from_the_library_with_its_tax(shop: Shop):
    """A product's line is a copy, billed as often as the others, with the tax it is given."""
    id_ = shop.sells()
    rate = shop.post("/v1/tax_rates", {"name": "VAT", "percentage": "10"}).body["id"]
    product = shop.post("/v1/products", {"name": "Tea", "unit_amount": 3100, "frequency": "annually"}).body[
        "id"
    ]
    shop.until("2026-01-30T12:00:00Z")
    lines = [{"id": "li_1"}, {"product": product, "quantity": 2, "taxes": [rate]}]
    told = shop.change(id_, lines=lines, proration="invoice_now")
    assert [(line["id"], line["name"]) for line in told["lines"]] == [("li_1", "Coffee"), ("li_2", "Tea")]
    _, besides = shop.invoices(id_)
    assert (besides["subtotal"]["amount"], besides["total"]["amount"]) == (3200, 3520)
    shop.until("2026-02-15T12:00:00Z")
    assert shop.invoices(id_)[2]["total"]["amount"] == 3100 + 6820


def test_a_coupon_is_taken_once_and_given_up(shop: Shop):
    """A coupon that is named is at work from the next invoice on, and counted once, however often it is asked for."""
    id_ = shop.sells()
    coupon = shop.post("/v1/coupons", {"name": "Half", "percent": "50", "duration": "forever"}).body["id"]
    for _ in range(2):
        shop.change(id_, coupons=[coupon])
    assert shop.get(f"/v1/coupons/{coupon}")["redeemed"] == 1
    shop.until("2026-02-15T12:00:00Z")
    shop.change(id_, coupons=[])
    shop.until("2026-03-15T12:00:00Z")
    assert [one["total"]["amount"] for one in shop.invoices(id_)] == [3100, 1550, 3100]


WISHES = {
    "up, now": {"lines": [{"id": "li_1", "quantity": "2.5"}], "proration": "invoice_now"},
    "down, now": {"quantities": {"li_1": "0.5"}, "proration": "invoice_now"},
    "up, next": {"quantities": {"li_1": 7}, "proration": "next_invoice"},
    "more": {"lines": [{"id": "li_1"}, {"name": "Cup", "unit_amount": "999.9"}], "proration": "invoice_now"},
    "less": {"lines": [{"name": "Cup", "unit_amount": 100}], "proration": "next_invoice"},
    "tiers": {
        "lines": [{"id": "li_1", "model": "graduated", "quantity": 9, "tiers": [{"up_to": 5, "unit_amount": 900}, {"unit_amount": 800}]}],
        "proration": "invoice_now",
    },
    "another year": {"frequency": "annually", "proration": "next_invoice"},
    "later": {"quantities": {"li_1": 3}, "frequency": "weekly"},
}  # fmt: skip
OTHERS = {
    "id",
    "invoice",
    "number",
    "issued_at",
    "paid_at",
    "paid_by",
    "attempt_at",
    "attempts",
    "status",
    "amount_paid",
    "amount_due",
    "payment",
}


def alike(one: Any) -> Any:
    """A record without its names, numbers and times, and without what happened to it since."""
    if one is None:
        return None
    return {name: value for name, value in one.items() if name not in OTHERS}


@pytest.mark.parametrize("name", WISHES)
def test_what_is_previewed_is_what_happens(shop: Shop, name: str):
    """Credit notes, the invoice now and the next one come as they were told, in every field but their names and times."""
    id_ = shop.sells()
    shop.until("2026-01-22T12:00:00Z")
    before = shop.api.written()
    told = shop.post(f"/v1/subscriptions/{id_}/change/preview", WISHES[name])
    assert told.status == 200, told.text
    fits(told, "POST", f"{CHANGE}/preview")
    assert shop.api.written() == before
    after = shop.change(id_, **WISHES[name])
    for_id = {"status", "reminded"}
    assert {k: v for k, v in told["subscription"].items() if k not in for_id} == {
        k: v for k, v in after.items() if k not in for_id
    }
    assert [alike(note) for note in shop.notes()] == [alike(note) for note in told["credit_notes"]]
    issued = [one for one in shop.invoices(id_) if one["besides"]]
    assert [alike(one) for one in issued] == [alike(told["invoice"])] * bool(told["invoice"])
    paid = sum(one["amount_paid"]["amount"] for one in shop.invoices(id_)[1:])
    assert paid == told["amount_due"]["amount"]
    shop.until("2026-02-15T12:00:00Z")
    cycles = [one for one in shop.invoices(id_)[1:] if not one["besides"]]
    assert alike(cycles[0]) == alike(told["next_invoice"])


@pytest.mark.parametrize("name", WISHES)
def test_asked_again_it_is_done_once(shop: Shop, name: str):
    """The same change a second time finds itself done, and writes nothing."""
    id_ = shop.sells()
    shop.until("2026-01-22T12:00:00Z")
    told = shop.post(f"/v1/subscriptions/{id_}/change", WISHES[name])
    assert told.status == 200, told.text
    fits(told, "POST", CHANGE)
    shop.work()
    before = (shop.invoices(id_), shop.notes(), shop.get(f"/v1/subscriptions/{id_}"))
    shop.change(id_, **WISHES[name])
    assert (shop.invoices(id_), shop.notes(), shop.get(f"/v1/subscriptions/{id_}")) == before


REFUSALS: dict[str, tuple[dict[str, Any], int, str, str | None]] = {
    "nothing": ({}, 400, "nothing_to_change", "lines"),
    "both": ({"quantities": {"li_1": 2}, "lines": [{"id": "li_1"}]}, 400, "lines_and_quantities", "quantities"),
    "drop and": ({"quantities": {"li_1": 2}, "drop_saved": True}, 400, "drop_with_changes", "drop_saved"),
    "whose line": ({"lines": [{"id": "li_9"}]}, 400, "no_such_line", "lines[0].id"),
    "whose quantity": ({"quantities": {"li_9": 1}}, 400, "no_such_line", "quantities.li_9"),
    "none of it": ({"quantities": {"li_1": 0}}, 400, "quantity_zero", "quantities.li_1"),
    "twice": ({"lines": [{"id": "li_1"}, {"id": "li_1"}]}, 400, "line_twice", "lines[1].id"),
    "half a line": ({"lines": [{"name": "Tea"}]}, 400, "line_incomplete", "lines[0]"),
    "another product": ({"lines": [{"id": "li_1", "product": "prod_1"}]}, 400, "line_stays", "lines[0].product"),
    "often": (
        {"lines": [{"name": "Tea", "unit_amount": 1, "frequency": "one_time"}]},
        400,
        "frequency_differs",
        "lines[0].frequency",
    ),
    "tier": (
        {"lines": [{"id": "li_1", "model": "volume", "tiers": [{"up_to": 5, "unit_amount": 1}]}]},
        400,
        "last_tier_closed",
        "lines[0].tiers[0].up_to",
    ),
    "tax": ({"lines": [{"id": "li_1", "taxes": ["txr_9"]}]}, 400, "tax_rate_not_offered", "lines[0].taxes"),
    "coupon": ({"coupons": ["cpn_9"]}, 400, "no_such_coupon", "coupons[0]"),
    "product": ({"lines": [{"product": "prod_9"}]}, 404, "product_not_found", "lines[0].product"),
    "once": ({"frequency": "one_time"}, 400, "frequency_not_recurring", "frequency"),
    "how": ({"quantities": {"li_1": 2}, "proration": "half"}, 400, "unknown_value", "proration"),
    "too much": ({"quantities": {"li_1": 999999}}, 400, "amount_too_large", "quantities"),
}  # fmt: skip


def test_refusals_say_what_would_be_accepted(shop: Shop):
    """Each refusal, of the change as of its preview, has a code, the field to blame and a sentence, and changes nothing."""
    id_ = shop.sells()
    before = (shop.invoices(id_), shop.get(f"/v1/subscriptions/{id_}"))
    for name, (body, status, code, param) in REFUSALS.items():
        for path in ("change", "change/preview"):
            told = shop.post(f"/v1/subscriptions/{id_}/{path}", body)
            assert (told.status, told["code"], told.body.get("param")) == (status, code, param), (
                name,
                told.text,
            )
            assert told["detail"].endswith("."), name
    assert (shop.invoices(id_), shop.get(f"/v1/subscriptions/{id_}")) == before


def test_within_two_days_of_billing_it_takes_force(shop: Shop):
    """Two days before the next billing a change is refused, and made where it is forced."""
    id_ = shop.sells()
    shop.until("2026-02-12T23:00:00Z")
    shop.change(id_, quantities={"li_1": 2})
    shop.until("2026-02-13T01:00:00Z")
    told = shop.post(f"/v1/subscriptions/{id_}/change", {"quantities": {"li_1": 3}})
    assert (told.status, told["code"], told["param"]) == (409, "too_close_to_billing", "force")
    assert shop.change(id_, quantities={"li_1": 3}, force=True)["change"]["lines"][0]["quantity"] == "3"


def test_what_ends_has_no_next_cycle_to_change(shop: Shop):
    """With its cancellation planned only the running period can be changed; ended, nothing can."""
    id_ = shop.sells()
    shop.post(f"/v1/subscriptions/{id_}/cancel", {"at_period_end": True})
    for more in ({}, {"proration": "next_invoice"}, {"frequency": "weekly", "proration": "invoice_now"}):
        told = shop.post(f"/v1/subscriptions/{id_}/change", {"quantities": {"li_1": 2}, **more})
        assert (told.status, told["code"]) == (409, "no_next_cycle"), more
    shop.change(id_, quantities={"li_1": 2}, proration="invoice_now")
    shop.post(f"/v1/subscriptions/{id_}/cancel")
    told = shop.post(f"/v1/subscriptions/{id_}/change", {"quantities": {"li_1": 3}})
    assert (told.status, told["code"]) == (409, "subscription_ended")


def test_what_is_paused_is_not_changed(shop: Shop):
    """A paused subscription is resumed first."""
    id_ = shop.sells()
    assert shop.post(f"/v1/subscriptions/{id_}/pause").status == 200
    told = shop.post(f"/v1/subscriptions/{id_}/change", {"quantities": {"li_1": 3}})
    assert (told.status, told["code"]) == (409, "subscription_paused")


def test_what_is_charged_besides_says_how_it_came_to_be(shop: Shop):
    """The charge of an upgrade explains its days: 16 of 31, of the new price, less the coupon its period had."""
    coupon = shop.post("/v1/coupons", {"name": "Half", "percent": "50", "duration": "forever"}).body["id"]
    id_ = shop.sells()
    shop.change(id_, coupons=[coupon])
    shop.until("2026-03-01T12:00:00Z")
    shop.change(id_, quantities={"li_1": 3}, proration="invoice_now")
    besides = shop.invoices(id_)[-1]
    assert besides["subtotal"]["amount"] == 2325  # half of 9300 x 14 / 28
    told = shop.get(f"/v1/invoices/{besides['id']}/explanation")
    assert "14" in told["lines"][0]["sentence"], told["lines"][0]
    assert "28" in told["lines"][0]["sentence"]
