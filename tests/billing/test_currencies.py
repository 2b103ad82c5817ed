"""The table of currencies against ISO 4217 and Stripe's page."""

import pytest

from chalicelib.billing import currencies
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import parse_major

# docs.stripe.com/currencies#zero-decimal; UGX is listed there too, but its special case says hundredths.
ZERO_AT_STRIPE = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [
        ("usd", 2),
        ("eur", 2),
        ("jpy", 0),
        ("isk", 0),
        ("ugx", 0),
        ("mga", 2),
        ("huf", 2),
        ("twd", 2),
        ("kwd", 3),
        ("clf", 4),
    ],
)
def test_a_currency_has_its_true_number_of_decimals(currency: str, decimals: int):
    """The exponent is ISO 4217's, whatever Stripe's API counts in."""
    assert currencies.exponent(currency) == decimals


def test_stripe_counts_in_whole_units_where_its_page_says_so():
    """Stripe's zero-decimal currencies are those of its page, less the two it takes in hundredths."""
    whole = {code for code in currencies.STRIPE if currencies.stripe_exponent(code) == 0}
    assert whole == set(ZERO_AT_STRIPE.split())
    assert currencies.stripe_exponent("isk") == currencies.stripe_exponent("ugx") == 2


def test_stripe_takes_a_hundred_and_forty_currencies():
    """Stripe's are 134 by its list, five with three decimals, and the guilder that followed the Antillean one."""
    assert len(currencies.STRIPE) == 140
    assert {"bhd", "jod", "kwd", "omr", "tnd", "xcg"} < currencies.STRIPE
    assert not {"lyd", "iqd", "irr", "kpw", "syp", "cup"} & currencies.STRIPE


def test_every_code_is_three_lower_case_letters():
    """Codes are written as in Stripe's API."""
    assert all(len(code) == 3 and code.isalpha() and code.islower() for code in currencies.EXPONENTS)
    assert set(currencies.MINIMUM_CHARGE) < currencies.STRIPE < set(currencies.EXPONENTS)


@pytest.mark.parametrize("currency", ["USD", "", "us", "usdollar", "xxx", "hrk", " usd"])
def test_an_unknown_currency_is_refused(currency: str):
    """What is no active code in lower case is refused, with the name of the input."""
    for refuse in (
        currencies.exponent,
        currencies.stripe_exponent,
        currencies.largest_at_stripe,
        currencies.check_currency,
    ):
        with pytest.raises(Invalid) as refused:
            refuse(currency)
        assert (refused.value.code, refused.value.param) == ("unknown_currency", "currency")


def test_a_currency_stripe_does_not_take_is_refused_at_the_edge():
    """A currency of ISO 4217 has decimals, but may be sold in only if Stripe takes it."""
    assert currencies.exponent("lyd") == 3
    with pytest.raises(Invalid, match="unknown_currency"):
        currencies.check_currency("lyd")
    currencies.check_currency("usd")


def test_amounts_at_stripe_have_eight_digits_and_rupiah_twelve():
    """The greatest amount is 999,999.99 dollars, and 9,999,999,999.99 rupiah."""
    assert currencies.largest_at_stripe("usd") == 99_999_999
    assert currencies.largest_at_stripe("idr") == 999_999_999_999


def test_the_least_charge_is_that_of_stripes_page():
    """The minimums are those of docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in major units there."""
    page = """usd 0.50 aed 2.00 aud 0.50 bgn 1.00 brl 0.50 cad 0.50 chf 0.50 czk 15.00 dkk 2.50 eur 0.50 gbp 0.30 hkd 4.00
        huf 175.00 inr 0.50 jpy 50 mxn 10 myr 2 nok 3.00 nzd 0.50 pln 2.00 ron 2.00 sek 3.00 sgd 0.50 thb 10""".split()
    published = {
        code: parse_major(least, code).amount for code, least in zip(page[::2], page[1::2], strict=True)
    }
    assert published == currencies.MINIMUM_CHARGE
