"""Orders told with a moving clock and every message delivered twice: what was asked for is what was taken."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.stories.diary import Diary

TIERS = [{"up_to": 10, "unit_amount": 300}, {"up_to": 100, "unit_amount": 200}, {"unit_amount": "99.5"}]


def orders(diary: Diary, who: str, *lines: dict[str, Any], **more: Any) -> list[Any]:
    """A customer orders, on a card saved before or on a Visa."""
    if who not in diary.methods:
        diary.saves_a_card(who)
    body = {
        "contact": diary.contacts[who],
        "payment_method": diary.methods[who]["id"],
        "lines": list(lines),
        **more,
    }
    return list(diary.post("/v1/orders", **body)["data"])


def bills(diary: Diary, subscription: str) -> list[dict[str, Any]]:
    """A subscription's invoices, oldest first."""
    found = diary.every(f"/v1/invoices?subscription={subscription}")
    return sorted(found, key=lambda one: str(one["period_start_on"]))


def test_four_graduated_months_with_a_coupon_a_tax_and_a_setup_fee(diary: Diary):
    """Four payments of graduated seats, 20 % off for three months, 8.875 % tax, a setup line once; then it is over.

    120 seats: 10 x 3.00 + 90 x 2.00 + 20 x 0.995 = 229.90. With the setup of 50.00 the first invoice is 279.90, less
    20 % (55.98) is 223.92, the tax 19.87: 243.79. Then 229.90 - 45.98 = 183.92 and 16.32: 200.24, twice. The
    fourth has no coupon any more: 229.90 and 20.40: 250.30.
    """
    tax = diary.post("/v1/tax_rates", name="Sales tax", percentage="8.875")["id"]
    terms = {"name": "Launch", "percent": 20, "duration": "repeating", "months": 3, "max_redemptions": 1}
    coupon = diary.post("/v1/coupons", **terms)["id"]
    diary.post("/v1/promotion_codes", code="LAUNCH", coupon=coupon)
    seats = {"name": "Seats", "model": "graduated", "tiers": TIERS, "quantity": 120, "frequency": "monthly",
             "term": "P4M", "start_on": "2026-01-31"}  # fmt: skip
    setup = {"name": "Setup", "unit_amount": 5000, "frequency": "one_time"}
    diary.it_is("2026-01-31", hour=3)
    [sold] = orders(diary, "ada", seats, setup, taxes=[tax], discounts=[{"promotion_code": "launch"}])
    diary.it_is("2026-07-01")
    told = bills(diary, sold["id"])
    assert [(one["period_start_on"], one["total"]["amount"], one["status"]) for one in told] == [
        ("2026-01-31", 24379, "paid"),
        ("2026-02-28", 20024, "paid"),
        ("2026-03-31", 20024, "paid"),
        ("2026-04-30", 25030, "paid"),
    ]
    assert [[line["name"] for line in one["lines"]] for one in told] == [["Seats", "Setup"], *[["Seats"]] * 3]
    assert [[part["amount"]["amount"] for part in one["discounts"]] for one in told] == [
        [5598],
        [4598],
        [4598],
        [],
    ]
    assert [[part["amount"]["amount"] for part in one["taxes"]] for one in told] == [
        [1987],
        [1632],
        [1632],
        [2040],
    ]
    assert diary.taken() == 24379 + 2 * 20024 + 25030
    assert diary.get(f"/v1/subscriptions/{sold['id']}")["status"] == "expired"
    assert diary.get(f"/v1/coupons/{coupon}")["redeemed"] == 1
    assert diary.letters("ada").count("receipt") == 4
    diary.sound()


def test_an_order_of_three_rhythms_is_billed_each_in_its_own(diary: Diary):
    """A month, a year and a start in three weeks: three subscriptions of one order, and a one-off amount taken once.

    Due now are 30.00 and 500.00, less 10.00 shared as 0.57 and 9.43.
    """
    month = {"name": "Month", "unit_amount": 3000, "frequency": "monthly"}
    year = {"name": "Year", "unit_amount": 50000, "frequency": "annually"}
    made = orders(diary, "ada", month, year, month | {"name": "Later", "start_delay_days": 21},
                  discounts=[{"amount": 1000, "name": "Welcome"}])  # fmt: skip
    diary.it_is("2026-03-01")
    billed = [
        [(one["period_start_on"], one["total"]["amount"]) for one in bills(diary, sold["id"])]
        for sold in made
    ]
    assert billed == [
        [("2026-01-01", 2943), ("2026-02-01", 3000), ("2026-03-01", 3000)],
        [("2026-01-01", 49057)],
        [("2026-01-22", 3000), ("2026-02-22", 3000)],
    ]
    assert diary.taken() == sum(amount for each in billed for _, amount in each)
    diary.sound()


def test_the_last_coupon_goes_to_one_of_many_who_ask_at_once(diary: Diary):
    """Eight people ask for the last two redemptions at the same moment: two have them, six are told that they are gone."""
    coupon = diary.post("/v1/coupons", name="Two", percent=50, max_redemptions=2)["id"]
    people = [f"buyer{n}" for n in range(8)]
    for who in people:
        diary.saves_a_card(who)

    def asks(who: str) -> tuple[int, str]:
        body = {
            "contact": diary.contacts[who],
            "payment_method": diary.methods[who]["id"],
            "lines": [{"name": "Plan", "unit_amount": 1000}],
            "frequency": "monthly",
            "discounts": [{"coupon": coupon}],
        }
        while (answer := diary.world.call("POST", "/v1/subscriptions", body, diary.key)).status in (409, 503):
            pass  # too many at once: told to come again
        return answer.status, answer.body.get("code", "")

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(asks, people))
    assert answers == [(201, "")] * 2 + [(400, "coupon_used_up")] * 6
    assert diary.get(f"/v1/coupons/{coupon}")["redeemed"] == 2
    assert len(diary.every("/v1/subscriptions")) == 2
    diary.it_is("2026-01-01")
    assert diary.taken() == 2 * 500


def test_a_plan_taken_over_goes_on_where_it_was(diary: Diary):
    """Two of five payments were made elsewhere: the three that are left are billed here, on the old days."""
    sold = diary.subscribes("ada", "coffee-1kg", on="2025-11-30", payments=5, backdate="skip")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-06-01")
    assert diary.invoices("ada") == [
        ("2026-01-30", "paid", 1),
        ("2026-02-28", "paid", 1),
        ("2026-03-30", "paid", 1),
    ]
    assert diary.get(f"/v1/subscriptions/{sold}")["status"] == "expired"
    assert diary.taken() == 3 * 2500
    diary.sound()
