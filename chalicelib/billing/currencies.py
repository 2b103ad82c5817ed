"""The currencies of ISO 4217, their true number of decimals, and what Stripe makes of each.

Codes are lower case, as in Stripe's API. Sources: ISO 4217, list one; docs.stripe.com/currencies.
"""

from typing import Final

from chalicelib.billing.errors import Invalid

_NONE: Final = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf"
_TWO: Final = """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob bov brl bsd btn bwp byn bzd cad
    cdf che chf chw cny cop cou crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd
    gtq gyd hkd hnl htg huf idr ils inr irr jmd kes kgs khr kpw kyd kzt lak lbp lkr lrd lsl mad mdl mga
    mkd mmk mnt mop mru mur mvr mwk mxn mxv myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar
    ron rsd rub sar sbd scr sdg sek sgd shp sle sos srd ssp std stn svc syp szl thb tjs tmt top try ttd
    twd tzs uah usd usn uyu uzs ved ves wst xcd xcg yer zar zmw zwg"""
_THREE: Final = "bhd iqd jod kwd lyd omr tnd"
_FOUR: Final = "clf uyw"

EXPONENTS: Final[dict[str, int]] = {
    code: decimals
    for decimals, codes in ((0, _NONE), (2, _TWO), (3, _THREE), (4, _FOUR))
    for code in codes.split()
}
"""The decimals of every active ISO 4217 code, and of `ang`, `bgn` and `std`, which Stripe still names."""

_NOT_AT_STRIPE: Final = """
    bov btn che chw clf cou cup ern ghs iqd irr kpw lyd mru mxv sdg ssp stn svc syp tmt usn uyi uyw ved ves
    zwg"""

STRIPE: Final = frozenset(EXPONENTS) - frozenset(_NOT_AT_STRIPE.split())
"""What Stripe takes as a presentment currency (docs.stripe.com/currencies#presentment-currencies)."""

_STRIPE_EXPONENTS: Final = {"isk": 2, "ugx": 2, "mga": 0}

MINIMUM_CHARGE: Final[dict[str, int]] = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200,
    "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
"""The least Stripe charges, in minor units of the currency the payment settles in (#minimum-and-maximum)."""


def exponent(currency: str) -> int:
    """The number of decimals of a currency in ISO 4217; Invalid `unknown_currency`."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise unknown(currency) from None


def stripe_exponent(currency: str) -> int:
    """The number of decimals Stripe's integers have: ISO's, but for `isk` and `ugx` (2) and `mga` (0)."""
    true = exponent(currency)
    return _STRIPE_EXPONENTS.get(currency, true)


def largest_at_stripe(currency: str) -> int:
    """The greatest integer Stripe takes as an amount: twelve digits for `idr`, eight for all others."""
    exponent(currency)
    return 999_999_999_999 if currency == "idr" else 99_999_999


def check_currency(currency: str) -> None:
    """Refuse what Stripe does not take, at the edge where a currency enters; Invalid `unknown_currency`."""
    if currency not in STRIPE:
        raise unknown(currency)


def unknown(currency: object) -> Invalid:
    """The refusal of a currency, saying what would be accepted."""
    detail = f"{currency!r} is not a currency here; send a lower-case ISO 4217 code, such as 'usd'."
    return Invalid("unknown_currency", detail, "currency")
