"""A letter about a change tells from what to what, and of nothing else."""

from dataclasses import replace
from decimal import Decimal

from chalicelib.billing import differences
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.subscriptions import Change, Subscription
from chalicelib.billing.tax import Tax
from chalicelib.views import letters
from tests.views.situations import case


def test_a_change_is_told_from_what_to_what_and_when():
    """Quantity and price before and after; the day; a change that is to come says so."""
    text = letters.write(case(Letter.CHANGED))["text"]
    assert "Basic: 2 × €25.00 → 3 × €25.00" in text
    assert "has been changed as follows, from February 3, 2026 on." in text
    sold = case(Letter.UPCOMING_PAYMENT).subscription
    change = Change(lines=(replace(sold.lines[0], quantity=Decimal(5)),))
    later = letters.write(replace(case(Letter.CHANGED), subscription=sold.changing(change), more={}))["text"]
    assert "Basic: 2 × €25.00 → 5 × €25.00" in later
    assert "Plus: 40 × €0.125 (no longer)" in later
    assert "will be changed as follows, from March 3, 2026 on." in later


def test_a_change_of_tiers_is_told_by_what_it_comes_to():
    """For the quantity there is, step by step; tiers above it are nothing that a buyer sees, and no change to tell of."""
    made = case(Letter.CHANGED)
    tiers = (
        Tier(up_to=Decimal(10), unit_amount=Decimal(500)),
        Tier(up_to=Decimal(20), unit_amount=Decimal(400)),
        Tier(up_to=None, unit_amount=Decimal(300)),
    )
    line = replace(made.subscription.lines[0], quantity=Decimal(15), unit_amount=Decimal(0))
    before = replace(
        made.subscription, lines=(replace(line, model=Model.GRADUATED, tiers=tiers),), change=None
    )

    def dearer(n: int) -> Subscription:
        more = tuple(
            replace(one, unit_amount=2 * one.unit_amount) if at == n else one for at, one in enumerate(tiers)
        )
        return replace(before, lines=(replace(before.lines[0], tiers=more),))

    was = differences.was(before, dearer(1))
    assert differences.read(differences.written(was)) == was
    text = letters.write(
        replace(made, subscription=dearer(1), more={"was": differences.written(was)}),
    )["text"]
    assert "15: 10 × €5.00 + 5 × €4.00 → 15: 10 × €5.00 + 5 × €8.00" in text
    assert differences.written(differences.was(before, dearer(2))) == ""
    told_before = '{"lines":{"li_1":["Basic","15",null]}}'
    text = letters.write(replace(made, subscription=dearer(1), more={"was": told_before}))["text"]
    assert "Basic: 15 → 15: 10 × €5.00 + 5 × €8.00" in text


def test_a_change_of_taxes_is_told():
    """A line that is taxed, or taxed otherwise, costs its buyer something else; a one-off tax is no change of what is to come."""
    made = case(Letter.CHANGED)
    before = replace(made.subscription, change=None)
    vat, once = (
        Tax(id=id_, name="VAT", percent=Decimal("7.5"), once=id_ == "tax_2") for id_ in ("tax_1", "tax_2")
    )

    def taxed(*taxes: Tax) -> Subscription:
        lines = tuple(replace(line, taxes=tuple(one.id for one in taxes)) for line in before.lines)
        return replace(before, lines=lines, taxes=taxes)

    for one, other, said in (
        (before, taxed(vat), "Taxes: none → VAT (7.5%)"),
        (taxed(vat), taxed(replace(vat, percent=Decimal(19))), "Taxes: VAT (7.5%) → VAT (19%)"),
        (taxed(vat, once), before, "Taxes: VAT (7.5%) → none"),
    ):
        was = differences.was(one, other)
        assert differences.read(differences.written(was)) == was
        text = letters.write(replace(made, subscription=other, more={"was": differences.written(was)}))[
            "text"
        ]
        assert said in text
    assert differences.written(differences.was(before, taxed(once))) == ""
