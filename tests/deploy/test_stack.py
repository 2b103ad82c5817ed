"""The package on a local AWS: its own schedules, queues, workers and policies bill a subscription."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from chalicelib.settings import read
from chalicelib.store import table
from sandbox.mail_events import bounce
from sandbox.policies import ACCESS
from sandbox.template import QUEUES
from sandbox.world import changed_environment

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

# A rule fires once a minute, and a function that wakes first is unpacked, 183 MB of it.
PATIENCE = 300  # seconds
MONTH_LATER = datetime(2026, 2, 28, 14, tzinfo=UTC)
SWEEPS = [function for function, access in ACCESS.items() if not access.writes]
# What a policy allows and a month of one subscription does not need, and who does.
UNSEEN = {
    "api_handler": {
        ("dynamodb:UpdateItem", "table"),  # releasing a parked record
        ("sqs:GetQueueUrl", "DeliveriesQueue"),  # a letter caused by a request, as of a cancellation
        ("sqs:SendMessage", "DeliveriesQueue"),
        ("sqs:GetQueueUrl", "WebhooksQueue"),  # an event that an endpoint wants, sent again
        ("sqs:SendMessage", "WebhooksQueue"),
        ("s3:PutObject", "objects"),  # a document of which no letter told
        ("s3:ListBucket", "Files"),  # by which what is not there is told apart from what is forbidden
    },
    "audit_accounts": set(),
    "work_money": {
        ("dynamodb:Query", "ByWake"),  # moving a test account's clock
        ("dynamodb:UpdateItem", "table"),  # blaming and parking a record
    },
    "work_deliveries": {  # nobody of the business wants letters, and no endpoint listens
        ("dynamodb:UpdateItem", "table"),
        ("dynamodb:Query", "ByOwner"),
        ("sqs:GetQueueUrl", "WebhooksQueue"),
        ("sqs:SendMessage", "WebhooksQueue"),
        ("s3:ListBucket", "Files"),
    },
    "work_webhooks": {  # nobody listens
        *((f"dynamodb:{action}", "table") for action in ("BatchGetItem", "PutItem", "UpdateItem")),
        ("dynamodb:Query", "ByOwner"),
        *(
            (f"sqs:{action}", f"{queue}Queue")
            for action in ("GetQueueUrl", "SendMessage")
            for queue in ("Deliveries", "Webhooks")
        ),
        ("ssm:GetParameters", "/perennial/dev/link-secret"),
    },
    "hear_mail": {
        ("sqs:GetQueueUrl", "DeliveriesQueue"),
        ("sqs:SendMessage", "DeliveriesQueue"),
    },
    "work_inbox": {
        ("dynamodb:UpdateItem", "table"),
        ("sqs:GetQueueUrl", "MoneyQueue"),  # a webhook that settles a payment left open
        ("sqs:SendMessage", "MoneyQueue"),
    },
}


@pytest.fixture(scope="module")
def billed(deployed: Any) -> Any:
    """The stack after two months of Ada's coffee, each invoice sent; only a tick of EventBridge could find the second."""
    contact = deployed.said("/v1/contacts", name="Ada", email="ada@perennial.example")["id"]
    card = deployed.said("/v1/payment_methods", contact=contact, payment_method="pm_card_visa")["id"]
    line = {"name": "Coffee, 1 kg", "unit_amount": "2500"}
    sold = {"contact": contact, "payment_method": card, "frequency": "monthly", "currency": "usd"}
    deployed.said("/v1/subscriptions", **sold, lines=[line], invoice_settings={"emailed": True})
    eventually(lambda: paid(deployed, 1) and len(deployed.letters()) == 1)

    deployed.it_is(MONTH_LATER)  # nobody is told of it
    eventually(lambda: paid(deployed, 2))
    eventually(lambda: len(deployed.letters()) == 2)
    return deployed


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, f"Not within {PATIENCE} s."
        time.sleep(0.3)


def paid(deployed: Any, count: int) -> bool:
    """Whether there are so many invoices, all paid."""
    invoices = deployed.listed("/v1/invoices")
    return len(invoices) == count and all(invoice["status"] == "paid" for invoice in invoices)


def test_a_tick_renews_and_the_queue_bills(billed: Any) -> None:
    """EventBridge's tick alone renews a month later: the worker charges at Stripe, the invoice is paid, a receipt is sent."""
    assert {"INV-000001", "INV-000002"} == {invoice["number"] for invoice in billed.listed("/v1/invoices")}
    assert [letter["To"] for letter in billed.letters()] == [["ada@perennial.example"]] * 2
    assert "INV-000002" in billed.letters()[1]["Subject"]


def test_stripe_took_what_was_invoiced(billed: Any) -> None:
    """Stripe's list of PaymentIntents has the two payments, and no third."""
    taken = billed.stripe_intents()
    assert [(intent["status"], intent["amount"]) for intent in taken] == [("succeeded", 2500)] * 2


def test_webhooks_are_kept_by_way_of_the_inbox(billed: Any) -> None:
    """What Stripe tells of the payments goes through the API, the inbox queue and its worker into the table."""

    def kept() -> bool:
        billed.tell_again()
        return bool(billed.records("stripe_event") == 2)

    eventually(kept)


def test_a_document_is_made_once_and_kept(billed: Any) -> None:
    """The worker sets the PDF that goes with a letter, with the zip's own fonts, and keeps it; the API answers it to the byte."""
    invoice = billed.listed("/v1/invoices")[0]["id"]
    [kept] = [name for name in billed.files() if name.endswith(".pdf") and invoice in name]
    first = billed.file(kept)
    assert first.startswith(b"%PDF-1.7")
    assert billed.fetched(f"/v1/invoices/{invoice}/pdf") == first


def test_a_person_may_ask_for_money(billed: Any) -> None:
    """The API charges what was declined by hand, for which it checks that the subscription is as it was decided on."""
    contact = billed.said("/v1/contacts", name="Bo", email="bo@perennial.example")["id"]
    cards = [
        billed.said("/v1/payment_methods", contact=contact, payment_method=one)["id"]
        for one in ("pm_card_chargeCustomerFail", "pm_card_visa")
    ]
    sold = {"contact": contact, "payment_method": cards[0], "frequency": "monthly", "currency": "usd"}
    made = billed.said("/v1/subscriptions", **sold, lines=[{"name": "Tea, 1 kg", "unit_amount": "3000"}])
    of_it = f"/v1/payments?subscription={made['id']}"
    eventually(lambda: [one["status"] for one in billed.listed(of_it)] == ["declined"])
    [invoice] = billed.listed(f"/v1/invoices?subscription={made['id']}")

    answer = billed.call("POST", f"/v1/invoices/{invoice['id']}/pay", {"payment_method": cards[1]})
    assert (answer.status, answer.body["status"]) == (200, "paid"), answer
    assert ("dynamodb:ConditionCheckItem", "table") in billed.called("api_handler")


def test_a_bounce_stops_mail(billed: Any) -> None:
    """What is published to the topic as SES does it reaches the function: the address is not written to any more."""
    delivery = billed.listed("/v1/deliveries")[-1]
    account = billed.call("GET", "/v1/account").body["id"]
    billed.client("sns").publish(
        TopicArn=billed.resource("MailEvents"),
        Subject="Amazon SES Email Event Notification",
        Message=bounce(delivery, account, MONTH_LATER),
        # The local SNS leaves both out where nothing is said, AWS never.
        MessageAttributes={"said": {"DataType": "String", "StringValue": "by the test"}},
    )
    eventually(lambda: len(billed.listed("/v1/suppressions")) == 1)
    [stopped] = billed.listed("/v1/suppressions")
    assert (stopped["address"], stopped["reason"]) == ("ada@perennial.example", "bounce")
    assert billed.call("GET", f"/v1/deliveries/{delivery['id']}").body["status"] == "bounced"


def test_nothing_failed_on_the_way(billed: Any) -> None:
    """No function logged an error, and nothing lies among the dead letters."""
    for function in ACCESS:
        log = "\n".join(billed.logged(function))
        assert not [mark for mark in ("Traceback", "[ERROR]") if mark in log], f"{function}: {log[-2000:]}"
    assert billed.waiting([f"Dead{queue}" for queue in QUEUES]) == 0


def test_each_policy_allows_what_is_called_and_little_else(billed: Any, template: dict[str, Any]) -> None:
    """The local AWS refuses what a policy does not allow; what it allows was called, but for what is listed with its reason."""
    billed.call("GET", "/v1/parked")
    assert billed.call("POST", "/v1/account", {"billing_hour": 7}).status == 200
    walked = ("dynamodb:Query", "ByOwner")  # subscriptions follow their account
    eventually(lambda: walked in billed.called("work_money"))
    for schedule in (*SWEEPS, "audit_accounts"):
        failed, answer = billed.invoke(schedule)
        assert not failed, answer
    eventually(lambda: billed.call("GET", "/v1/audit").body["last"]["completed_at"])
    for function in set(ACCESS) - set(SWEEPS):
        allowed = billed.allowed(template, function)
        assert billed.called(function) <= allowed, function
        assert allowed - billed.called(function) <= UNSEEN[function], function


def test_the_schedules_need_all_they_may_do(billed: Any, template: dict[str, Any]) -> None:
    """All five run the same code: what one of them may do, one of them has done."""
    for sweep in SWEEPS:
        billed.invoke(sweep)
    done = {action for sweep in SWEEPS for action, _ in billed.called(sweep)}
    for sweep in SWEEPS:
        assert {action for action, _ in billed.allowed(template, sweep)} <= done | {"sqs:GetQueueAttributes"}
        assert billed.called(sweep) <= billed.allowed(template, sweep)


def test_a_function_without_its_policy_can_do_nothing(billed: Any) -> None:
    """The local AWS does enforce policies: the same function fails once its role allows nothing."""
    iam, role = billed.client("iam"), billed.resource("SendRemindersRole")
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    failed, answer = billed.invoke("send_reminders")
    assert failed
    assert "not authorized to perform" in answer

    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=billed.json(before))
    assert billed.invoke("send_reminders")[0] is False


def test_the_table_is_the_one_the_store_knows(
    deployed: Any, environment: dict[str, str], template: dict[str, Any]
) -> None:
    """The template's table has the keys, indexes, projections and TTL of the one that store/table.py creates."""
    boto3.setup_default_session()
    with changed_environment(environment | deployed.secrets | deployed.aws.environment()):
        table.create(replace(read(), table="beside"))
    dynamodb = deployed.client("dynamodb")
    assert shape(dynamodb, "beside") == shape(dynamodb, environment["PERENNIAL_TABLE"])
    # The local CloudFormation leaves the TTL out: it is read from the template.
    ttl = dynamodb.describe_time_to_live(TableName="beside")["TimeToLiveDescription"]
    packaged = template["Resources"]["Table"]["Properties"]["TimeToLiveSpecification"]
    assert packaged == {"AttributeName": ttl["AttributeName"], "Enabled": True}


def shape(dynamodb: Any, name: str) -> dict[str, Any]:
    """What makes a table what it is."""
    told = dynamodb.describe_table(TableName=name)["Table"]
    return {
        "key": told["KeySchema"],
        "indexes": {
            index["IndexName"]: (index["KeySchema"], index["Projection"])
            for index in told["GlobalSecondaryIndexes"]
        },
        "types": {entry["AttributeName"]: entry["AttributeType"] for entry in told["AttributeDefinitions"]},
        "billing": told["BillingModeSummary"]["BillingMode"],
    }
