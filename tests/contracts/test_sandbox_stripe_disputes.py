"""Money that is taken back: disputes of cards, late returns of debits, refunds of the dashboard, and fees told late."""

import pytest
import stripe

from sandbox.stripe.remote import Remote

OPENED = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


@pytest.fixture
def sandbox(sandbox: Remote) -> Remote:
    sandbox.it_is("2026-03-01")
    return sandbox


def pay(client, customer: str, name: str = "pm_card_visa", currency: str = "usd") -> stripe.PaymentIntent:
    method = client.v1.payment_methods.attach(name, {"customer": customer}).id
    return client.v1.payment_intents.create({
        "amount": 2500, "currency": currency, "customer": customer, "payment_method": method, "confirm": True,
        "off_session": True,
    })  # fmt: skip


def told(client) -> list[str]:
    """The events about disputes, oldest first."""
    listed = client.v1.events.list({"limit": 100}).data
    return [each.type for each in listed if each.type.startswith("charge.dispute")][::-1]


def sums(client, sandbox, currency: str = "usd") -> dict[str, int]:
    """What the summary says, once it has been seen to add up and to agree with Stripe's own balance."""
    found = sandbox.summary()["amounts"][currency]
    left = found["gross"] - found["fee"] - found["refunded"] - found["disputed"] + found["reinstated"]
    balance = client.v1.balance.retrieve()
    held = [each.amount for each in (*balance.available, *balance.pending) if each.currency == currency]
    assert found["net"] == left == sum(held)
    return found


def the_dispute(client, intent: stripe.PaymentIntent) -> stripe.Dispute:
    return client.v1.disputes.list({"payment_intent": intent.id}).data[0]


def test_a_dispute_takes_the_money_and_a_fee(client, sandbox, ada):
    """The charge is disputed, an adjustment of minus the amount is on the balance, and there is time to answer."""
    intent = pay(client, ada)
    name = sandbox.dispute(intent.id, "product_not_received")["id"]
    dispute = client.v1.disputes.retrieve(name, {"expand": ["charge"]})
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "product_not_received",
        2500,
    )
    assert (dispute.charge.disputed, dispute.is_charge_refundable) == (True, False)
    assert dispute.evidence_details.due_by == dispute.created + 20 * 86_400
    [entry] = dispute.balance_transactions
    assert (entry.type, entry.reporting_category, entry.source) == ("adjustment", "dispute", name)
    assert (entry.amount, entry.fee, entry.net) == (-2500, 1500, -4000)
    assert told(client) == OPENED
    assert sums(client, sandbox)["disputed"] == 2500


EVIDENCE = {
    "winning_evidence": ("won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"], 2500),
    "losing_evidence": ("lost", ["charge.dispute.closed"], 0),
    "It was delivered.": ("under_review", [], 0),
}


@pytest.mark.parametrize("text", EVIDENCE)
def test_evidence_decides(client, sandbox, ada, text):
    """The documented words win or lose at once; any others wait for the bank. The fee is gone either way."""
    status, more, reinstated = EVIDENCE[text]
    intent = pay(client, ada, "pm_card_createDispute")
    dispute = the_dispute(client, intent)
    assert dispute.reason == "fraudulent"
    judged = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    assert (judged.status, judged.evidence_details.submission_count) == (status, 1)
    assert told(client) == [*OPENED, "charge.dispute.updated", *more]
    found = sums(client, sandbox)
    assert (found["reinstated"], found["fee"]) == (reinstated, 103 + 1500)


def test_evidence_is_staged_before_it_is_submitted(client, sandbox, ada):
    """submit=false keeps it; submitted once, it cannot be changed."""
    dispute = sandbox.dispute(pay(client, ada).id)["id"]
    staged = client.v1.disputes.update(dispute, {"evidence": {"customer_name": "Ada"}, "submit": False})
    assert (staged.status, staged.evidence.customer_name) == ("needs_response", "Ada")
    assert staged.evidence_details.has_evidence
    noted = client.v1.disputes.update(dispute, {"metadata": {"case": "7"}})
    assert (noted.status, noted.metadata["case"]) == ("needs_response", "7")
    assert client.v1.disputes.update(dispute, {"submit": True}).status == "under_review"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.update(dispute, {"evidence": {"customer_name": "Bob"}})


def test_a_merchant_may_give_in(client, sandbox, ada):
    """Closed, it is lost for good."""
    dispute = sandbox.dispute(pay(client, ada).id)["id"]
    assert client.v1.disputes.close(dispute).status == "lost"
    for attempt in (client.v1.disputes.close, lambda name: sandbox.judge(name, "win")):
        with pytest.raises((stripe.InvalidRequestError, ValueError), match="already closed"):
            attempt(dispute)
    assert told(client)[-1] == "charge.dispute.closed"


def test_a_bank_decides_after_a_while(client, sandbox, ada):
    """Won by its word, the money comes back; lost, it does not."""
    won, lost = (sandbox.dispute(pay(client, ada).id)["id"] for _ in range(2))
    for name in (won, lost):
        client.v1.disputes.update(name, {"evidence": {"receipt": "file_1"}})
    assert sandbox.judge(won, "win")["status"] == "won"
    assert sandbox.judge(lost, "lose")["status"] == "lost"
    found = sums(client, sandbox)
    assert (found["gross"], found["disputed"], found["reinstated"]) == (5000, 5000, 2500)
    assert [entry.amount for entry in client.v1.disputes.retrieve(won).balance_transactions] == [-2500, 2500]


INQUIRED = {"winning_evidence": ("warning_closed", 0), "escalate_inquiry_evidence": ("needs_response", 2500)}


@pytest.mark.parametrize("text", INQUIRED)
def test_an_inquiry_only_warns(client, sandbox, ada, text):
    """No money moves until it is escalated, and the charge may still be refunded."""
    dispute = the_dispute(client, pay(client, ada, "pm_card_createDisputeInquiry"))
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert (dispute.balance_transactions, told(client)) == ([], ["charge.dispute.created"])
    judged = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    assert (judged.status, sums(client, sandbox)["disputed"]) == INQUIRED[text]


def test_what_is_disputed_cannot_be_refunded(client, sandbox, ada):
    """It would be given back twice; after a dispute is won it may."""
    intent = pay(client, ada)
    dispute = sandbox.dispute(intent.id)["id"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    sandbox.judge(dispute, "win")
    assert client.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"
    assert sums(client, sandbox)["net"] == -103 - 1500


def test_a_part_is_disputed(client, sandbox, ada):
    """As much as was not refunded, or less; never more, and a charge is disputed once."""
    intent = pay(client, ada)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    for more in ({"amount": 1501}, {"reason": "no_such_reason"}):
        with pytest.raises(ValueError, match="Invalid"):
            sandbox.dispute(intent.id, **more)
    assert sandbox.dispute(intent.id)["amount"] == 1500
    with pytest.raises(ValueError, match="disputed already"):
        sandbox.dispute(intent.id)
    assert sums(client, sandbox)["net"] == -103 - 1500


LATE = {
    "pm_usBankAccount": ("usd", 1500),
    "pm_sepaDebit": ("eur", 2000),
    "pm_bacsDebit": ("gbp", 2000),
    "pm_acssDebit": ("cad", 1500),
}
REASONS = {
    "lateInsufficientFunds": "insufficient_funds",
    "lateBankCannotProcess": "bank_cannot_process",
    "lateDebitNotAuthorized": "debit_not_authorized",
}


@pytest.mark.parametrize("name", LATE)
@pytest.mark.parametrize("how", REASONS)
def test_a_debit_that_had_succeeded_comes_back(client, sandbox, ada, name, how):
    """Weeks later, as a dispute that is lost from its first moment; the intent stays succeeded."""
    currency, fee = LATE[name]
    intent = pay(client, ada, f"{name}_{how}", currency)
    sandbox.it_is("2026-03-08")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert sums(client, sandbox, currency)["net"] == 2397

    sandbox.it_is("2026-03-28")
    dispute = the_dispute(client, intent)
    assert (dispute.status, dispute.reason) == ("lost", REASONS[how])
    assert told(client) == [*OPENED, "charge.dispute.closed"]
    after = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (after.status, after.latest_charge.disputed) == ("succeeded", True)
    assert sums(client, sandbox, currency)["net"] == -103 - fee


@pytest.mark.parametrize("name", LATE)
def test_a_debit_may_come_back_as_soon_as_it_has_succeeded(client, sandbox, ada, name):
    """As the documented test accounts do: paid, and gone the same day."""
    currency, fee = LATE[name]
    intent = pay(client, ada, f"{name}_dispute", currency)
    sandbox.it_is("2026-03-08")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert the_dispute(client, intent).status == "lost"
    assert sums(client, sandbox, currency)["net"] == -103 - fee


def test_a_debit_is_returned_on_demand(client, sandbox, ada):
    """A control takes back any debit that has succeeded; a card is not returned, but disputed."""
    intent = pay(client, ada, "pm_usBankAccount_success")
    with pytest.raises(ValueError, match="not been paid"):
        sandbox.return_debit(intent.id)
    sandbox.it_is("2026-03-06")
    assert sandbox.return_debit(intent.id, "bank_cannot_process")["status"] == "lost"
    with pytest.raises(ValueError, match="no bank debit"):
        sandbox.return_debit(pay(client, ada).id)


def test_a_dashboard_s_refund_carries_no_metadata(client, sandbox, ada):
    """It is told like any other, with the charge and the intent it belongs to."""
    intent = pay(client, ada)
    refund = sandbox.refund(intent.id, 1000)
    found = client.v1.refunds.retrieve(refund["id"])
    assert (found.amount, found.metadata.to_dict(), found.payment_intent) == (1000, {}, intent.id)
    assert {"refund.created", "charge.refunded"} <= {each.type for each in client.v1.events.list().data}


def test_a_fee_may_be_told_late(client, sandbox, ada):
    """The charge has no balance transaction until charge.updated brings it."""
    sandbox.tell_fees_late(3_600)
    charge = client.v1.charges.retrieve(pay(client, ada).latest_charge)
    assert (charge.status, charge.balance_transaction) == ("succeeded", None)
    sandbox.it_is("2026-03-01T01:00:00Z")
    later = client.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]})
    assert later.balance_transaction.fee == 103
    [event] = client.v1.events.list({"type": "charge.updated"}).data
    assert event.data.previous_attributes.to_dict() == {"balance_transaction": None}
