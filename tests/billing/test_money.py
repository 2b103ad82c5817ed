"""Money adds up to the minor unit, and is rounded in one way."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import money as m
from chalicelib.billing.currencies import EXPONENTS, STRIPE, stripe_exponent
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money

amounts = st.integers(1 - 10**15, 10**15 - 1)
exact = st.fractions() | st.decimals(allow_nan=False, allow_infinity=False, places=12) | st.integers()
weights = st.lists(st.integers(0, 10**9) | st.fractions(0, 1000), min_size=1, max_size=12).filter(any)


def test_money_adds_subtracts_and_multiplies():
    """Sums, differences and whole multiples of money are money of the same currency."""
    assert Money(1250, "usd") + Money(350, "usd") == Money(1600, "usd")
    assert Money(350, "usd") - Money(1250, "usd") == Money(-900, "usd")
    assert Money(350, "usd") * 3 == 3 * Money(350, "usd") == Money(1050, "usd")
    assert -Money(5, "usd") == Money(-5, "usd")
    assert abs(Money(-5, "usd")) == abs(Money(5, "usd")) == Money(5, "usd")


def test_money_compares_within_a_currency():
    """Amounts of one currency are in order, and zero is false."""
    small, large = Money(1, "usd"), Money(2, "usd")
    assert small < large
    assert small <= large
    assert small <= Money(1, "usd")
    assert large > small
    assert large >= small
    assert large >= Money(2, "usd")
    assert not small > large
    assert not small > Money(1, "usd")
    assert not small < Money(1, "usd")
    assert not small >= large
    assert not large < small
    assert not large <= small
    assert bool(small)
    assert not Money.zero("usd")
    assert Money(0, "usd") != Money(0, "eur")


@pytest.mark.parametrize(
    "mix",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
        lambda a, b: m.total([a, b], "usd"),
    ],
)
def test_two_currencies_never_meet(mix):
    """Adding or comparing two currencies is refused."""
    with pytest.raises(Invalid) as refused:
        mix(Money(1, "usd"), Money(1, "eur"))
    assert (refused.value.code, refused.value.param) == ("currency_mismatch", "currency")


@pytest.mark.parametrize("amount", [12.5, "12", True, None, Decimal(12)])
def test_an_amount_is_a_whole_number(amount):
    """Money is made of an int, not of anything that looks like one."""
    with pytest.raises(Invalid, match="invalid_amount"):
        Money(amount, "usd")


def test_money_is_made_only_in_a_known_currency():
    """A currency that is not in the table makes no money."""
    with pytest.raises(Invalid, match="unknown_currency"):
        Money(1, "USD")


def test_money_is_a_value():
    """Money is frozen, hashable, and reads in major units."""
    with pytest.raises(AttributeError):
        Money(1, "usd").amount = 2  # type: ignore[misc]
    assert len({Money(1, "usd"), Money(1, "usd")}) == 1
    assert str(Money(-1250, "usd")) == "-12.50 usd"


@pytest.mark.parametrize(
    ("money", "major"),
    [
        (Money(1250, "usd"), "12.50"),
        (Money(-5, "usd"), "-0.05"),
        (Money(0, "usd"), "0.00"),
        (Money(500, "jpy"), "500"),
        (Money(5120, "kwd"), "5.120"),
        (Money(10**40 + 1, "usd"), "1" + "0" * 38 + ".01"),
    ],
)
def test_major_units_have_all_their_decimals(money: Money, major: str):
    """An amount in major units is exact and shows the currency's decimals."""
    assert str(money.major()) == major


def test_total_of_nothing_is_zero():
    """A sum has a currency even when nothing is summed."""
    assert m.total([], "jpy") == Money.zero("jpy")
    assert m.total([Money(2, "jpy"), Money(3, "jpy")], "jpy") == Money(5, "jpy")


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("2.5", 3),
        ("-2.5", -3),
        ("2.4999", 2),
        ("-2.4999", -2),
        ("0.5", 1),
        ("-0.5", -1),
        ("0", 0),
        ("7", 7),
        ("-0.4", 0),
    ],
)
def test_a_half_goes_away_from_zero(value: str, rounded: int):
    """Half up, mirrored for negatives."""
    assert m.round_half_up(Decimal(value)) == m.round_half_up(Fraction(value)) == rounded


@given(
    st.decimals(-(10**15), 10**15, places=6) | st.integers(-(10**6), 10**6).map(lambda n: Decimal(n) / 2),
    st.integers(1, 4) | st.integers(1, 400),
)
def test_a_decimal_is_divided_and_rounded_at_once(value: Decimal, over: int):
    """By a whole number or by none, it is rounded once and as every other exact number is."""
    assert m.rounded(value, over) == m.round_half_up(Fraction(value) / over)
    assert m.rounded(value) == m.round_half_up(value)


@given(exact)
def test_rounding_is_mirrored_and_nearest(value):
    """Rounding what is owed and what is credited gives the same number, never more than a half away."""
    rounded = m.round_half_up(value)
    assert m.round_half_up(-value) == -rounded
    assert abs(Fraction(value) - rounded) <= Fraction(1, 2)
    assert abs(rounded) >= abs(Fraction(value)) or abs(Fraction(value) - rounded) < Fraction(1, 2)


@given(st.decimals(-(10**12), 10**12, places=9), st.sampled_from(["usd", "jpy", "kwd", "clf"]))
def test_the_one_rounding_is_decimals_half_up(value: Decimal, currency: str):
    """From major units, money is what Decimal's ROUND_HALF_UP gives at the currency's exponent."""
    expected = value.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), ROUND_HALF_UP)
    assert m.from_major(value, currency).major() == expected
    assert m.from_major(Fraction(value), currency) == m.from_major(value, currency)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1E+1000000", "1E-1000000", "1E+100"])
def test_a_number_without_end_is_no_amount(value: str):
    """What is not finite, or would take a computer's memory to write out, is refused."""
    with pytest.raises(Invalid, match="invalid_amount"):
        m.from_major(Decimal(value), "usd")
    assert m.from_major(Decimal("1E+99"), "jpy").amount == 10**99


@pytest.mark.parametrize(
    "use",
    [lambda: m.round_half_up(2.5), lambda: m.from_major(2.5, "usd"), lambda: m.split(Money(1, "usd"), [0.5])],
)
def test_a_float_is_refused(use):
    """There is no way in for a float."""
    with pytest.raises(TypeError, match=r"^money takes int, Fraction or Decimal, not float$"):
        use()


@given(amounts, st.sampled_from(sorted(EXPONENTS)))
def test_written_in_major_units_and_read_again(amount: int, currency: str):
    """What major() writes, parse_major reads, and from_major needs no rounding for."""
    money = Money(amount, currency)
    assert m.parse_major(str(money.major()), currency) == m.from_major(money.major(), currency) == money


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "usd", 1250),
        ("12.5", "usd", 1250),
        ("12", "usd", 1200),
        ("-0.05", "usd", -5),
        ("500", "jpy", 500),
        ("500.0", "jpy", 500),
    ],
)
def test_an_amount_is_read_exactly(text: str, currency: str, amount: int):
    """An amount may be written with fewer decimals than the currency has, or with zeros beyond."""
    assert m.parse_major(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("12.505", "usd"), ("500.5", "jpy"), ("1e3", "usd"), ("1,000", "usd"), (".5", "usd"), ("5.", "usd"), ("", "usd"), ("+5", "usd"),
     (" 5", "usd"), ("5\n", "usd"), ("\u0665", "usd"), ("NaN", "usd"), ("9" * 16, "usd"), ("1.0000000000000", "usd")],
)  # fmt: skip
def test_an_amount_that_would_need_rounding_or_guessing_is_refused(text: str, currency: str):
    """An amount is read only if it says exactly one number of minor units."""
    with pytest.raises(Invalid) as refused:
        m.parse_major(text, currency)
    assert (refused.value.code, refused.value.param) == ("invalid_amount", "amount")


@pytest.mark.parametrize(
    ("whole", "ratios", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (5, [7, 3], [4, 1]),
        (5, [0, 7, 3], [0, 4, 1]),
        (-5, [7, 3], [-4, -1]),
        (0, [1, 2], [0, 0]),
        (1, [1, 2], [0, 1]),
        (10, [Fraction(1, 3), Fraction(2, 3)], [3, 7]),
        (10, [Decimal("0.1"), Decimal("0.9")], [1, 9]),
        (7, [5], [7]),
    ],
)
def test_what_is_left_goes_to_the_largest_fraction(whole: int, ratios, parts):
    """Largest remainder, ties to the first, mirrored for negatives."""
    assert [part.amount for part in m.split(Money(whole, "usd"), ratios)] == parts


@given(amounts, weights)
def test_a_split_sums_to_the_whole(amount: int, ratios):
    """Parts sum exactly, none is a whole unit off its share, and no weight means no part."""
    whole = Money(amount, "usd")
    parts = m.split(whole, ratios)
    assert m.total(parts, "usd") == whole
    for part, ratio in zip(parts, ratios, strict=True):
        assert (
            abs(Fraction(part.amount) - Fraction(amount) * Fraction(ratio) / sum(map(Fraction, ratios))) < 1
        )
        assert ratio or not part


@given(amounts, weights, st.integers(1, 1000))
def test_a_split_is_mirrored_and_knows_only_proportions(amount: int, ratios, scale: int):
    """A credit is shared as the debit was, and weights of another scale share alike."""
    parts = m.split(Money(amount, "usd"), ratios)
    assert m.split(Money(-amount, "usd"), ratios) == tuple(-part for part in parts)
    assert m.split(Money(amount, "usd"), [Fraction(ratio) / scale for ratio in ratios]) == parts


@given(amounts, weights)
def test_a_larger_weight_never_gets_less(amount: int, ratios):
    """Parts are in the order of their weights."""
    parts = m.split(Money(abs(amount), "usd"), ratios)
    by_weight = sorted(zip(ratios, parts, strict=True), key=lambda pair: Fraction(pair[0]))
    for (light, less), (heavy, more) in pairwise(by_weight):
        assert light == heavy or less <= more


@pytest.mark.parametrize("ratios", [[], [0], [0, 0], [1, -1], [-1], [2, -1]])
def test_a_split_needs_weights(ratios):
    """No weight, a negative one, or only zeros, shares nothing."""
    with pytest.raises(Invalid) as refused:
        m.split(Money(100, "usd"), ratios)
    assert (refused.value.code, refused.value.param) == ("invalid_weights", "weights")


@pytest.mark.parametrize(
    ("money", "integer"),
    [
        (Money(1250, "usd"), 1250),
        (Money(500, "jpy"), 500),
        (Money(5, "isk"), 500),
        (Money(5, "ugx"), 500),
        (Money(500, "mga"), 5),
        (Money(5120, "kwd"), 5120),
        (Money(-5, "isk"), -500),
        (Money(1045, "huf"), 1045),
    ],
)
def test_money_goes_to_stripe_in_its_integers(money: Money, integer: int):
    """Stripe's integers follow its page: ISK and UGX in hundredths, MGA in whole ariary."""
    assert m.to_stripe(money) == integer
    assert m.from_stripe(integer, money.currency) == money


@pytest.mark.parametrize("money", [Money(5124, "kwd"), Money(1, "mga"), Money(-5, "bhd")])
def test_what_stripe_cannot_charge_is_refused(money: Money):
    """The last of three decimals must be 0, and an ariary has no parts at Stripe."""
    with pytest.raises(Invalid) as refused:
        m.to_stripe(money)
    assert (refused.value.code, refused.value.param) == ("amount_not_chargeable", "amount")


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_stripe_never_means_a_part_of_a_krona(currency: str):
    """An integer of Stripe's that is a fraction of a minor unit is no money."""
    with pytest.raises(Invalid, match="multiples of 100"):
        m.from_stripe(550, currency)


@settings(max_examples=300)
@given(amounts, st.sampled_from(sorted(STRIPE)))
def test_stripe_gives_back_what_it_was_sent(amount: int, currency: str):
    """Whatever is a multiple of the smallest charge comes back the same, and means the same in major units."""
    money = Money(amount, currency) * m.smallest_at_stripe(currency)
    sent = m.to_stripe(money)
    assert m.from_stripe(sent, currency) == money
    assert Fraction(sent, 10 ** stripe_exponent(currency)) == Fraction(money.major())


@pytest.mark.parametrize(
    ("currency", "most"), [("usd", 99_999_999), ("isk", 999_999), ("ugx", 999_999), ("kwd", 99_999_999)]
)
def test_the_most_of_one_charge_is_in_minor_units(currency: str, most: int):
    """Stripe's integer has eight digits: of krónur and Ugandan shillings, which go in hundredths, six."""
    assert m.most_at_stripe(currency) == most
    assert m.to_stripe(Money(most // 10 * 10 if currency == "kwd" else most, currency)) <= 99_999_999


@given(amounts, st.sampled_from(sorted(EXPONENTS)))
def test_money_that_is_known_is_money(amount: int, currency: str):
    """What is made without a check equals what is made with one, and is frozen too."""
    made = m.known(amount, currency)
    assert made == Money(amount, currency)
    assert hash(made) == hash(Money(amount, currency))
    with pytest.raises(AttributeError):
        made.amount = 0


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any))
def test_whole_numbers_are_shared_as_money_is(whole: int, parts: list[int]):
    """The quick way for whole weights comes to the same parts."""
    assert [part.amount for part in m.split(Money(whole, "usd"), parts)] == m.shared(whole, parts)
    assert sum(m.shared(whole, parts)) == whole
