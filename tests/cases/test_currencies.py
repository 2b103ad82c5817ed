"""The field's cases on currencies: decimals, and what Stripe's API is sent."""

from chalicelib.billing import currencies, money
from chalicelib.billing.errors import Invalid
from tests.cases import field
from tests.cases.field import Case, Values


@field.cases("currencies")
def test_currencies(case: Case):
    """A currency has its true decimals, and an amount goes to Stripe as Stripe's page says."""
    field.check(case, {
        "iso_exponent": exponent,
        "stripe_amount": amount,
        "stripe_multiple_of_100": multiple,
        "stripe_limit": limit,
    })  # fmt: skip


def exponent(given: Values) -> Values:
    code = given["currency"].lower()
    if code not in currencies.EXPONENTS:
        field.left_out("iso_exponent: the code is not active in ISO 4217, and Stripe takes no such currency")
    return {"exponent": currencies.exponent(code)}


def amount(given: Values) -> Values:
    try:
        return {"api_amount": money.to_stripe(money.parse_major(given["amount"], given["currency"].lower()))}
    except Invalid as refused:
        return {"allowed": False, "error": refused.code}


def multiple(given: Values) -> Values:
    if given["operation"] != "charge":
        field.left_out(f"stripe_multiple_of_100: a {given['operation']} is the merchant's own with Stripe")
    try:
        read = money.from_stripe(given["api_amount"], given["currency"].lower())
        return {"allowed": money.to_stripe(read) == given["api_amount"]}
    except Invalid:
        return {"allowed": False}


def limit(given: Values) -> Values:
    largest = currencies.largest_at_stripe(given["currency"].lower())
    if len(str(largest)) != given.get("max_digits", len(str(largest))):
        field.left_out("stripe_limit: another edition of Stripe's page, with other digits")
    return {"largest_api_amount": largest}
