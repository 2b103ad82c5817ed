"""What the gateway promises of taxes, kept by Stripe Tax's adapter over HTTP, its faults included."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.adapters.stripe import StripeGateway
from chalicelib.billing.addresses import Address
from chalicelib.billing.automatic_tax import TaxLine, TaxQuestion
from chalicelib.billing.gateway import Refused, Unavailable
from chalicelib.billing.tax import Category, Exemption
from sandbox.stripe.remote import Remote

BERLIN = Address(country="DE", city="Berlin")
QUESTION = TaxQuestion(
    currency="eur",
    lines=(TaxLine(reference="Beans", amount=1999), TaxLine(reference="Filters", amount=350)),
    address=BERLIN,
)


def told(gateway: StripeGateway, question: TaxQuestion) -> list[tuple[Any, ...]]:
    """An answer in short: line, name and percent of the rate, base and amount."""
    parts = gateway.tax(question).parts
    return [(part.reference, part.tax.name, str(part.tax.percent), part.base, part.amount) for part in parts]


def test_each_line_is_taxed_by_where_the_customer_is(gateway: StripeGateway):
    """One entry a line and rate, each line's tax rounded for itself, on top of the amount."""
    assert told(gateway, QUESTION) == [("Beans", "VAT", "19", 1999, 380), ("Filters", "VAT", "19", 350, 67)]
    assert told(gateway, replace(QUESTION, address=Address(country="FR"))) == [
        ("Beans", "VAT", "20", 1999, 400), ("Filters", "VAT", "20", 350, 70),
    ]  # fmt: skip


def test_one_rate_has_one_name_across_lines(gateway: StripeGateway):
    """What is the same rate has the same id, whatever the line; another percentage, or inside, is another."""
    parts = gateway.tax(QUESTION).parts
    assert len({part.tax for part in parts}) == 1
    inside = replace(QUESTION, lines=(replace(QUESTION.lines[0], inclusive=True), QUESTION.lines[1]))
    assert [part.tax.inclusive for part in gateway.tax(inside).parts] == [True, False]
    assert len({part.tax.id for part in gateway.tax(inside).parts}) == 2
    for part in parts:
        assert part.tax.percent == Decimal(19)
        assert part.tax.category is None


def test_states_cities_and_districts_each_raise_their_own(gateway: StripeGateway):
    """New York's 8.875 percent are three taxes, named by who raises them."""
    one = replace(QUESTION, currency="usd", lines=(TaxLine(reference="Beans", amount=10000),))
    for address in (Address(country="US", state="NY"), Address(country="US", postal_code="10001")):
        assert told(gateway, replace(one, address=address)) == [
            ("Beans", "New York Sales Tax", "4", 10000, 400),
            ("Beans", "New York Sales Tax", "4.5", 10000, 450),
            ("Beans", "MTA Sales Tax", "0.375", 10000, 38),
        ]


def test_a_tax_inside_the_price_leaves_the_price(gateway: StripeGateway):
    """Of 119.00 in Germany 19.00 are tax, on a base of 100.00."""
    inside = replace(QUESTION, lines=(TaxLine(reference="Beans", amount=11900, inclusive=True),))
    assert told(gateway, inside) == [("Beans", "VAT", "19", 10000, 1900)]


@pytest.mark.parametrize(
    ("exemption", "category"),
    [(Exemption.EXEMPT, Category.EXEMPT), (Exemption.REVERSE, Category.REVERSE_CHARGE)],
)
def test_who_pays_none_is_told_why(gateway: StripeGateway, exemption: Exemption, category: Category):
    """Exempt and reverse charge are rates of 0 with their category."""
    parts = gateway.tax(replace(QUESTION, exemption=exemption)).parts
    assert [(part.tax.category, part.tax.percent, part.amount) for part in parts] == [
        (category, Decimal(0), 0), (category, Decimal(0), 0),
    ]  # fmt: skip


def test_a_tax_code_may_free_a_line(gateway: StripeGateway):
    """A product that is not taxable is exempt beside one that is taxed."""
    question = replace(QUESTION, lines=(QUESTION.lines[0], replace(QUESTION.lines[1], code="txcd_00000000")))
    assert [part.tax.category for part in gateway.tax(question).parts] == [None, Category.EXEMPT]


def test_where_nothing_is_collected_there_is_no_tax(gateway: StripeGateway):
    """A country the merchant is not registered in gives no rate at all, not one of 0 percent."""
    assert gateway.tax(replace(QUESTION, address=Address(country="BR"))).parts == ()


def test_an_answer_of_many_lines_is_read_to_its_end(gateway: StripeGateway):
    """Stripe shows ten line items at once; all hundred are taxed, in their order."""
    lines = tuple(TaxLine(reference=f"Line {n}", amount=100 + n) for n in range(100))
    parts = gateway.tax(replace(QUESTION, lines=lines)).parts
    assert [part.reference for part in parts] == [line.reference for line in lines]
    assert [part.base for part in parts] == [line.amount for line in lines]


@pytest.mark.parametrize(
    ("currency", "amount", "tax"), [("jpy", 1000, 190), ("isk", 1000, 190), ("kwd", 1000, 190)]
)
def test_amounts_go_out_and_come_back_in_our_minor_units(
    gateway: StripeGateway, currency: str, amount: int, tax: int
):
    """Currencies without decimals, with three, and those Stripe writes in hundredths."""
    question = replace(QUESTION, currency=currency, lines=(TaxLine(reference="Beans", amount=amount),))
    assert [part.amount for part in gateway.tax(question).parts] == [tax]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"address": Address(country="US")}, "customer_tax_location_invalid"),
        ({"address": Address(country="CA")}, "customer_tax_location_invalid"),
        ({"lines": (TaxLine(reference="a", amount=1, code="txcd_1"),)}, "resource_missing"),
        ({"lines": (TaxLine(reference="a", amount=1), TaxLine(reference="a", amount=1))}, "invalid_request"),
    ],
)
def test_a_question_stripe_finds_wrong_is_refused(gateway: StripeGateway, wrong: dict[str, Any], code: str):
    """Asking the same again cannot help: Refused, with Stripe's code and words."""
    with pytest.raises(Refused) as refused:
        gateway.tax(replace(QUESTION, **wrong))
    assert refused.value.code == code
    assert refused.value.detail


@pytest.mark.parametrize(
    "fault",
    ["timeout_before", "500_before", "500_after", "connection_reset_after", "429", "tax_inactive"],
)
def test_any_trouble_on_the_way_is_unavailable(gateway: StripeGateway, control: Remote, fault: str):
    """Nothing is owed by asking, so that every lost answer may simply be asked for again.

    Stripe Tax that is not switched on is trouble of that sort too: no record's own fault.
    """
    control.fault(fault, method="POST", path="/v1/tax/calculations", seconds=1)
    with pytest.raises(Unavailable):
        gateway.tax(QUESTION)
    assert gateway.tax(QUESTION).parts
