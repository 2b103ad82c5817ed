"""The sandbox's Stripe as a process: it says when it is ready, and goes on where it stopped."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import stripe

from sandbox.stripe.remote import Remote
from sandbox.stripe.server import StripeServer
from tests.contracts.browser import visit

ROOT = Path(__file__).resolve().parents[2]


def serve(state: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "sandbox.stripe", "--port", "0", "--state", str(state)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    ready, url = process.stdout.readline().split()
    assert ready == "ready"
    return process, url


def ended(process: subprocess.Popen[str], how: signal.Signals) -> int:
    process.send_signal(how)
    process.stdout.close()
    return process.wait(10)


def test_a_restart_goes_on(tmp_path):
    """Customers, cards, keys, scripts, the clock and debits under way are all still there."""
    state = tmp_path / "stripe.sqlite"
    process, url = serve(state)
    client = stripe.StripeClient("sk_test_contract", base_addresses={"api": url}, max_network_retries=0)
    sandbox = Remote(url)
    sandbox.it_is("2026-03-01")
    sandbox.listen("http://127.0.0.1:9/hooks", "whsec_contract", "payment_intent.processing", mode="hold")
    ada = client.v1.customers.create({"email": "ada@example.com"}).id
    bank = client.v1.payment_methods.attach("pm_usBankAccount_success", {"customer": ada}).id
    params = {"amount": 900, "currency": "usd", "customer": ada, "payment_method": bank, "confirm": True}
    params["off_session"] = True
    intent = client.v1.payment_intents.create(params, {"idempotency_key": "key"})
    sandbox.script("account_closed", customer=ada)
    assert ended(process, signal.SIGTERM) == 0

    process, url = serve(state)
    client = stripe.StripeClient("sk_test_contract", base_addresses={"api": url}, max_network_retries=0)
    sandbox = Remote(url)
    replayed = client.v1.payment_intents.create(params, {"idempotency_key": "key"})
    assert (replayed.id, replayed.status) == (intent.id, "processing")
    assert sandbox.pending()["count"] == 1
    second = client.v1.payment_intents.create(params, {"idempotency_key": "another"})
    sandbox.it_is("2026-03-06")
    found = client.v1.payment_intents.list({"customer": ada}).data
    assert [(each.id, each.status) for each in found] == [
        (second.id, "requires_payment_method"),
        (intent.id, "succeeded"),
    ]
    assert ended(process, signal.SIGINT) == 0


def test_reset_forgets_what_was_saved(tmp_path):
    """After it, a restart finds nothing."""
    state = tmp_path / "stripe.sqlite"
    for customers in (0, 0):
        with StripeServer(state=state) as server:
            client = stripe.StripeClient(
                "sk_test_contract", base_addresses={"api": server.url}, max_network_retries=0
            )
            assert len(client.v1.customers.list().data) == customers
            client.v1.customers.create({})
            Remote(server.url).reset()


def test_pages_and_disputes_outlive_a_restart(tmp_path):
    """An open page still opens where the server now is, a question of a bank's too; what was to come still comes."""
    asked = {
        "mode": "payment",
        "success_url": "https://shop.test/done",
        "line_items": [
            {
                "price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Tea"}},
                "quantity": 1,
            }
        ],
    }
    state = tmp_path / "stripe.sqlite"
    with StripeServer(state=state) as server:
        client, sandbox = reached(server)
        sandbox.it_is("2026-03-01")
        sandbox.tell_fees_late(3_600)
        sessions = [client.v1.checkout.sessions.create(asked).id for _ in range(3)]
        assert sandbox.pay_page(sessions[1], "pm_card_createDispute")["outcome"] == "done"
        assert sandbox.pay_page(sessions[2], "pm_card_threeDSecure2Required")["outcome"] == "asked"
        debit = {"amount": 900, "currency": "usd", "payment_method": "pm_usBankAccount_lateInsufficientFunds"}
        client.v1.payment_intents.create({**debit, "confirm": True, "off_session": True})
        sandbox.it_is("2026-03-01T00:30:00Z")

    with StripeServer(state=state) as server:
        client, sandbox = reached(server)
        open_, paid, asked_ = (client.v1.checkout.sessions.retrieve(name) for name in sessions)
        assert (open_.status, paid.status, asked_.status) == ("open", "complete", "open")
        assert "Pay Sandbox Shop" in visit(open_.url).text
        intent = client.v1.payment_intents.retrieve(asked_.payment_intent)
        back = visit(intent.next_action.redirect_to_url.url).submit(result="complete")
        assert visit(back.location).location == "https://shop.test/done"
        [dispute] = client.v1.disputes.list().data
        assert dispute.balance_transactions[0].amount == -900

        sandbox.it_is("2026-03-01T02:00:00Z")
        assert client.v1.charges.retrieve(dispute.charge).balance_transaction
        sandbox.it_is("2026-03-30")
        assert client.v1.checkout.sessions.retrieve(open_.id).status == "expired"
        assert [each.reason for each in client.v1.disputes.list().data] == [
            "insufficient_funds",
            "fraudulent",
        ]
        sandbox.reset()
        assert (client.v1.disputes.list().data, client.v1.checkout.sessions.list().data) == ([], [])


def reached(server: StripeServer) -> tuple[stripe.StripeClient, Remote]:
    addresses = {"api": server.url}
    client = stripe.StripeClient("sk_test_contract", base_addresses=addresses, max_network_retries=0)
    return client, Remote(server.url)
