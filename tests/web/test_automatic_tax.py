"""How automatic taxes are asked for: together and once, apart from charges, and what is refused at the door."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.billing.addresses import Address
from chalicelib.billing.automatic_tax import TaxLine, TaxQuestion
from chalicelib.billing.errors import Invalid
from chalicelib.billing.gateway import Refused, Unavailable
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.contacts import Contact
from chalicelib.operations import tax
from sandbox.stripe.remote import Remote
from sandbox.stripe.server import StripeServer
from tests.web.conftest import Api

QUESTION = TaxQuestion(
    currency="eur", lines=(TaxLine(reference="Beans", amount=1000),), address=Address(country="DE")
)
ELSEWHERE = replace(QUESTION, address=Address(country="FR"))
NOWHERE = replace(QUESTION, address=Address(country="US"))


@pytest.fixture
def control(stripe: StripeServer) -> Any:
    remote = Remote(stripe.url)
    yield remote
    remote.ask("DELETE", "faults")


def asked_at_stripe(control: Remote) -> int:
    return int(control.summary()["requests"].get("POST /v1/tax/calculations", 0))


def test_an_answer_is_of_one_subscription_and_one_question(api: Api):
    """What was answered is known for that question; another one, by a new address, say, is open again."""
    answers = tax.Answers()
    with pytest.raises(tax.Unanswered):
        answers.of("sub_1", QUESTION)
    assert answers.ask(api.service) == ["sub_1"]
    assert [part.amount for part in answers.of("sub_1", QUESTION).parts] == [190]
    assert answers.open == {}
    for other in (("sub_1", ELSEWHERE), ("sub_2", QUESTION)):
        with pytest.raises(tax.Unanswered):
            answers.of(*other)
    assert set(answers.open) == {"sub_1", "sub_2"}


def test_a_refusal_is_raised_where_it_was_asked_for(api: Api):
    """One place Stripe does not know is that subscription's trouble; the others have their answers."""
    answers = tax.Answers()
    for name, question in (("sub_1", NOWHERE), ("sub_2", QUESTION)):
        with pytest.raises(tax.Unanswered):
            answers.of(name, question)
    assert sorted(answers.ask(api.service)) == ["sub_1", "sub_2"]
    with pytest.raises(Refused) as refused:
        answers.of("sub_1", NOWHERE)
    assert refused.value.code == "customer_tax_location_invalid"
    assert answers.of("sub_2", QUESTION).parts


def test_stripe_tax_that_is_not_there_is_not_asked_by_the_whole_batch(api: Api, control: Remote):
    """Its first silences trip a breaker of its own: charges go on, and after a while it is asked again."""
    control.fault("500_before", method="POST", path="/v1/tax/*", times=1000)
    before, answers = asked_at_stripe(control), tax.Answers()
    for n in range(200):
        with pytest.raises(tax.Unanswered):
            answers.of(f"sub_{n}", QUESTION)
    assert answers.ask(api.service) == []
    assert asked_at_stripe(control) - before < 100
    with pytest.raises(tax.Unanswered):
        answers.of("sub_0", QUESTION)
    assert api.service.tax_breaker.tripped(api.now)
    assert not api.service.breaker.tripped(api.now)
    assert answers.open == {}, "one run asks once"
    control.ask("DELETE", "faults")
    for told in ([], ["sub_0"]):
        later = tax.Answers()
        with pytest.raises(tax.Unanswered):
            later.of("sub_0", QUESTION)
        assert later.ask(api.service) == told
        api.wait(minutes=1)


def test_who_waits_is_asked_for_at_once_and_once(api: Api, control: Remote):
    """A preview asks the same question once, and hears of an outage and of a refusal."""
    before, asked = asked_at_stripe(control), tax.at_once(api.service)
    assert asked("sub_1", QUESTION) is asked("sub_1", QUESTION)
    assert asked_at_stripe(control) - before == 1
    with pytest.raises(Refused) as refused:
        asked("sub_1", NOWHERE)
    assert refused.value.param == "automatic_tax"
    control.fault("500_before", method="POST", path="/v1/tax/*")
    with pytest.raises(Unavailable):
        asked("sub_1", ELSEWHERE)


def test_plain_subscriptions_have_no_questions(api: Api):
    """Without automatic tax there is nothing to ask: the library answers."""
    sold = api.sells()
    subscription = api.service.store.get(Subscription, api.account.id, sold["id"])
    buyer = api.service.store.get(Contact, api.account.id, sold["contact"])
    assert tax.levying(tax.unanswered, subscription, buyer) is None
    automatic = replace(subscription, automatic_tax=True)
    levy = tax.levying(tax.unanswered, automatic, buyer)
    assert levy is not None
    with pytest.raises(Invalid) as refused:
        levy(automatic.lines, [2500])
    assert (refused.value.code, refused.value.param) == ("address_missing", "contact")
    located = tax.levying(tax.unanswered, automatic, replace(buyer, address=Address(country="DE")))
    assert located is not None
    assert located(automatic.lines, [0]) == ()
    with pytest.raises(tax.Unanswered):
        located(automatic.lines, [2500])
