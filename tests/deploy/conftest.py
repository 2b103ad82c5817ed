"""A package, built once a session, and its stack on a local AWS that enforces IAM policies, each call of a function noted."""

import fcntl
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import boto3
import pytest

from chalicelib import wiring
from chalicelib.operations import create
from chalicelib.settings import read
from sandbox import deploy, package, policies
from sandbox.aws import Aws
from sandbox.exchange import Answer, http
from sandbox.gateway import tick_event
from sandbox.policies import logical
from sandbox.stripe.server import StripeServer
from sandbox.template import QUEUES
from sandbox.world import STRIPE_EVENTS, changed_environment

STAGE = "dev"
ACCOUNT = "000000000000"
HOP_BY_HOP = {"content-length", "transfer-encoding", "connection", "date", "server"}
BEGINS = datetime(2026, 1, 31, 14, tzinfo=UTC)
SECRETS = {
    "STRIPE_API_KEY": "sk_test_local",
    "STRIPE_WEBHOOK_SECRET": "whsec_local",
    "PERENNIAL_LINK_SECRET": "a secret of the sandbox's, no use elsewhere",
}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `./dev package` wrote; parallel test processes share it."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    out = root / "package"
    with (root / "package.held").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (out / "done").exists():
            package.build(STAGE, out)
            (out / "done").touch()
    return out


@pytest.fixture(scope="session")
def template(built: Path) -> dict[str, Any]:
    """The template as AWS gets it."""
    found: dict[str, Any] = json.loads((built / "sam.json").read_text())
    return found


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The stage's environment."""
    found: dict[str, str] = package.configuration(STAGE)["stages"][STAGE]["environment_variables"]
    return found


class Recorder:
    """A function's way to the local AWS: passes every request on as it is, and notes (action, resource)."""

    def __init__(self, endpoint: str) -> None:
        self.calls: set[tuple[str, str]] = set()
        self._endpoint = endpoint
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._requests())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        recorder = self

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorder.calls |= (
                    called(self.headers.get("X-Amz-Target", ""), self.path, body)
                    if self.command == "POST"
                    else {(f"s3:{self.command.title()}Object", "objects")}
                )
                status, headers, content = recorder._passed_on(
                    self.command, self.path, body, dict(self.headers)
                )
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST  # noqa: N815 - as the standard library calls them

            def log_message(self, *_: Any) -> None:
                pass

        return Requests

    def _passed_on(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        request = urllib.request.Request(self._endpoint + path, body or None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()


def called(target: str, path: str, body: bytes) -> set[tuple[str, str]]:
    """A request as IAM sees it: its actions, each with the index, queue, parameter or table it is about."""
    if path.startswith("/v2/email/"):
        return {("ses:SendEmail", "identity"), ("ses:SendRawEmail", "identity")}
    given, (service, _, action) = json.loads(body), target.partition(".")
    if service == "AmazonSSM":
        return {(f"ssm:{action}", name) for name in given["Names"]}
    if service == "AmazonSQS":
        queue = given.get("QueueName") or given["QueueUrl"].rpartition("/")[2]
        return {(f"sqs:{action.removesuffix('Batch')}", queue)}
    if action == "TransactWriteItems":
        return {(f"dynamodb:{kind}Item", "table") for item in given["TransactItems"] for kind in item}
    return {(f"dynamodb:{action}", given.get("IndexName", "table"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A stack with one account, its clock and its Stripe."""

    aws: Aws
    client: deploy.Clients
    stripe: StripeServer
    stack: deploy.Deployment
    clock: Path
    key: str
    calls: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """A request to the deployed API."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        return http(method, self.stack.url + path, json.dumps(body).encode() if body else None, headers)

    def fetched(self, path: str) -> bytes:
        """What the deployed API answers, as bytes."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/pdf"}
        request = urllib.request.Request(self.stack.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: bytes = answer.read()
        return found

    def files(self) -> list[str]:
        """The names of what is kept in the stack's bucket."""
        bucket = self.stack.outputs["FilesBucket"]
        return [one["Key"] for one in self.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]

    def file(self, name: str) -> bytes:
        """One of them."""
        found = self.client("s3").get_object(Bucket=self.stack.outputs["FilesBucket"], Key=name)
        content: bytes = found["Body"].read()
        return content

    def said(self, path: str, **body: Any) -> Any:
        """A POST that creates something."""
        answer = self.call("POST", path, body)
        assert answer.status == 201, "\n".join([str(answer), *self.logged("api_handler")[-40:]])
        return answer.body

    def listed(self, path: str) -> list[Any]:
        """A list's first page."""
        answer = self.call("GET", path)
        assert answer.status == 200, answer
        found: list[Any] = answer.body["data"]
        return found

    def it_is(self, at: datetime) -> None:
        """Move the clock of every function, and Stripe's; nothing is told of it."""
        self.clock.with_suffix(".new").write_text(at.isoformat())
        self.clock.with_suffix(".new").replace(self.clock)
        control(self.stripe, "clock", {"at": at.isoformat().replace("+00:00", "Z")})

    def tell_again(self) -> None:
        """Have Stripe send what was not taken at once: by itself that waits for its clock, which stands."""
        control(self.stripe, "webhooks/deliver", {"order": "sent"})

    def logged(self, function: str) -> list[str]:
        """What a function wrote to its log."""
        group = f"/aws/lambda/{self.stack.functions[function]}"
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return [event["message"] for event in events]

    def letters(self) -> list[Any]:
        """The receipts that came to the local inbox."""
        inbox = http("GET", f"{self.aws.endpoint}/_ministack/ses/messages", None, {}).body["messages"]
        found: list[Any] = inbox.get(ACCOUNT, [])
        return [one for one in found if one["Subject"].startswith("Receipt")]

    def invoke(self, function: str) -> tuple[bool, str]:
        """Wake a scheduled function by hand; whether it failed, and what it answered."""
        event = json.dumps(tick_event(function))
        answer = self.client("lambda").invoke(FunctionName=self.stack.functions[function], Payload=event)
        return "FunctionError" in answer, answer["Payload"].read().decode()

    def stripe_intents(self) -> list[Any]:
        """The PaymentIntents that the local Stripe lists."""
        key = {"Authorization": f"Bearer {SECRETS['STRIPE_API_KEY']}"}
        found: list[Any] = http("GET", f"{self.stripe.url}/v1/payment_intents", None, key).body["data"]
        return found

    def records(self, kind: str) -> int:
        """How many records of a kind the table holds."""
        found = self.client("dynamodb").scan(
            TableName=self.stack.outputs["TableName"],
            FilterExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": kind}},
        )
        return int(found["Count"])

    def waiting(self, queues: list[str]) -> int:
        """How many messages lie in queues of the template."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs, count = self.client("sqs"), 0
        for queue in queues:
            found = sqs.get_queue_attributes(QueueUrl=self.resource(queue), AttributeNames=names)[
                "Attributes"
            ]
            count += sum(int(found[name]) for name in names)
        return count

    def called(self, function: str) -> set[tuple[str, str]]:
        """What a function did so far, queues by their names in the template."""
        queues = {self.resource(queue).rpartition("/")[2]: queue for queue in QUEUES}
        return {(action, queues.get(what, what)) for action, what in self.calls[function]}

    def allowed(self, template: dict[str, Any], function: str) -> set[tuple[str, str]]:
        """What the packaged policy of a function lets its code do, as `called` says it; not what Lambda itself does for it."""
        role = "ApiHandlerRole" if function == "api_handler" else f"{logical(function)}Role"
        [policy] = template["Resources"][role]["Properties"]["Policies"]
        return {
            (action, named(resource))
            for statement in policy["PolicyDocument"]["Statement"]
            for action in statement["Action"]
            for resource in statement["Resource"]
            if not action.startswith("logs:") and "sqs:ReceiveMessage" not in statement["Action"]
        }

    @property
    def secrets(self) -> dict[str, str]:
        """What stands in the parameter store, by its variable."""
        return SECRETS

    @staticmethod
    def json(value: Any) -> str:
        """As JSON."""
        return json.dumps(value)

    def resource(self, name: str) -> str:
        """What AWS calls a resource of the template."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=self.stack.stack, LogicalResourceId=name
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


def named(resource: Any) -> str:
    """A resource of a policy, as `called` says it."""
    if "Fn::GetAtt" in resource:
        return "table" if resource["Fn::GetAtt"][0] == "Table" else str(resource["Fn::GetAtt"][0])
    arn = resource["Fn::Sub"]
    if arn == "${Files.Arn}/*":
        return "objects"
    if ":ses:" in arn:
        return "identity"
    return str("/" + arn.partition("parameter/")[2] if ":ssm:" in arn else arn.rpartition("/")[2])


def control(stripe: StripeServer, path: str, body: Any) -> None:
    """A control of the local Stripe's."""
    sent = json.dumps(body).encode()
    answer = http("POST", f"{stripe.url}/_sandbox/{path}", sent, {"Content-Type": "application/json"})
    assert answer.status == 200, answer


@pytest.fixture(scope="module")
def deployed(
    built: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The stage as it is packaged; only its Stripe, its clock and its way to AWS are local."""
    clock = tmp_path_factory.mktemp("clock") / "clock"
    clock.write_text(BEGINS.isoformat())
    with ExitStack() as stack:
        aws, stripe = stack.enter_context(Aws(policies=True)), stack.enter_context(StripeServer())
        recorders = {name: stack.enter_context(Recorder(aws.endpoint)) for name in policies.ACCESS}
        client = deploy.clients(aws)
        deploy.put_secrets(client, environment, SECRETS)
        client("sesv2").create_email_identity(EmailIdentity="perennial.example")
        local = {"STRIPE_API_BASE": stripe.url, "PERENNIAL_CLOCK_FILE": str(clock)}
        overrides = {name: local | {"AWS_ENDPOINT_URL": recorders[name].url} for name in recorders}
        made = deploy.deploy(built, aws, "perennial-dev", overrides)
        control(stripe, "clock", {"at": BEGINS.isoformat().replace("+00:00", "Z")})
        control(stripe, "webhooks", webhooks(made.url))
        key = first_key(environment | SECRETS | aws.environment(ACCOUNT) | local)
        yield Deployed(
            aws=aws,
            client=client,
            stripe=stripe,
            stack=made,
            clock=clock,
            key=key,
            calls={name: recorder.calls for name, recorder in recorders.items()},
        )


def webhooks(url: str) -> dict[str, Any]:
    """What Stripe is told about us: where to send what happens, at once."""
    secret = SECRETS["STRIPE_WEBHOOK_SECRET"]
    return {
        "url": url + "/stripe/webhook",
        "secret": secret,
        "enabled_events": STRIPE_EVENTS,
        "mode": "auto",
    }


def first_key(environment: dict[str, str]) -> str:
    """A business and its bearer key, made beside the stack as `./dev account` does."""
    boto3.setup_default_session()
    with changed_environment(environment):
        service = wiring.wired(read())
        business = create.account(
            service,
            name="Perennial Coffee Roasters",
            email="hello@roaster.perennial.example",
            currency="usd",
            zone="America/New_York",
            livemode=False,
            reminder_days=None,
        )
        return create.api_key(service, business, "first")[1]
