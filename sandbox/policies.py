"""Who may do what on AWS: one line a function, and the least-privilege IAM policy that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

Environment = Mapping[str, str]
Statement = dict[str, Any]

MONEY, DELIVERIES, INBOX, WEBHOOKS = "MoneyQueue", "DeliveriesQueue", "InboxQueue", "WebhooksQueue"
MAIL_EVENTS, FILES = "MailEvents", "Files"
SECRETS = ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "PERENNIAL_LINK_SECRET")
STRIPE_KEY, WEBHOOK_SECRET, LINK_SECRET = SECRETS
BUCKET = "PERENNIAL_FILES_BUCKET"
WITHHELD = "withheld"
"""What a function that may not read a secret finds in its place."""

READ = ("dynamodb:BatchGetItem",)
# A transaction of puts needs the right to put, and no other.
WRITE = ("dynamodb:PutItem",)
PARK = ("dynamodb:UpdateItem",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`indexes` are those it queries; a sweep writes nothing but how far it has come; who charges, or tells of what may change, `checks` a version;
    who works records one by one `parks` those that fail, or releases them.

    It is woken by what it `consumes` or `hears`; `files` are the documents and pictures that it keeps and reads.
    """

    indexes: tuple[str, ...] = ()
    writes: bool = True
    parks: bool = True
    checks: bool = False
    sends: tuple[str, ...] = ()
    consumes: str | None = None
    watches: str | None = None
    hears: str | None = None
    secrets: tuple[str, ...] = ()
    mails: bool = False
    files: bool = False


def sweep(queue: str) -> Access:
    """A schedule: it reads what is awake, sends the names to its queue, and looks whether that is empty."""
    return Access(indexes=("ByWake",), writes=False, sends=(queue,), watches=queue)


ACCESS = {
    # Buyers' pages and a person who asks by hand charge too.
    "api_handler": Access(
        indexes=("ByOwner", "ByWake"),
        checks=True,
        sends=(MONEY, DELIVERIES, INBOX, WEBHOOKS),
        secrets=SECRETS,
        files=True,
    ),
    "run_billing": sweep(MONEY),
    "retry_payments": sweep(MONEY),
    "send_reminders": sweep(MONEY),
    "deliver_events": sweep(DELIVERIES),
    "send_webhooks": sweep(WEBHOOKS),
    "reconcile_payments": sweep(MONEY),
    "audit_accounts": Access(indexes=("ByOwner",), parks=False, sends=(MONEY,)),
    "work_money": Access(
        indexes=("ByOwner", "ByWake"),
        checks=True,
        sends=(MONEY, DELIVERIES),
        consumes=MONEY,
        secrets=(STRIPE_KEY,),
    ),
    # It lists the people of the business who want a letter, and checks that what it tells of has not changed.
    "work_deliveries": Access(
        indexes=("ByOwner",),
        checks=True,
        sends=(DELIVERIES, WEBHOOKS),
        consumes=DELIVERIES,
        secrets=(LINK_SECRET,),
        mails=True,
        files=True,
    ),
    # It looks through events for what an endpoint missed, and tells when one is given up.
    "work_webhooks": Access(
        indexes=("ByOwner",), sends=(DELIVERIES, WEBHOOKS), consumes=WEBHOOKS, secrets=(LINK_SECRET,)
    ),
    "work_inbox": Access(sends=(MONEY,), consumes=INBOX),
    "hear_mail": Access(parks=False, sends=(DELIVERIES,), hears=MAIL_EVENTS),
}


def policy(function: str, environment: Environment) -> dict[str, Any]:
    """The policy document of a function's role, for a template: its resources are named by intrinsics."""
    access = ACCESS[function]
    statements = [*_records(access), *_queues(access), *_secrets(access, environment)]
    if access.mails:
        statements.append(_mail(environment))
    if access.files:
        statements += _files()
    return {"Version": "2012-10-17", "Statement": [*statements, _logs(function)]}


def withheld(function: str) -> dict[str, str]:
    """The environment of a function in which the secrets are missing that it may not read, and the bucket it has no business with."""
    bucket = {} if ACCESS[function].files else {BUCKET: WITHHELD}
    return bucket | {name: WITHHELD for name in SECRETS if name not in ACCESS[function].secrets}


def _records(access: Access) -> list[Statement]:
    table = {"Fn::GetAtt": ["Table", "Arn"]}
    statements = [allow(READ, table)]
    if access.writes:
        parking = PARK if access.parks else ()
        checks = ("dynamodb:ConditionCheckItem",) if access.checks else ()
        statements = [allow((*READ, *WRITE, *parking, *checks), table)]
    else:
        own = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["house/sweep/*"]}}
        statements.append(allow(("dynamodb:PutItem",), table) | {"Condition": own})
    if access.indexes:
        indexes = [{"Fn::Sub": f"${{Table.Arn}}/index/{index}"} for index in access.indexes]
        statements.append(allow(("dynamodb:Query",), *indexes))
    return statements


def _queues(access: Access) -> list[Statement]:
    statements = [allow(("sqs:GetQueueUrl", "sqs:SendMessage"), *map(_arn, access.sends))]
    if access.watches:
        statements.append(allow(("sqs:GetQueueAttributes",), _arn(access.watches)))
    if access.consumes:
        taking = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        statements.append(allow(taking, _arn(access.consumes)))
    return statements


def _secrets(access: Access, environment: Environment) -> list[Statement]:
    """The parameters that the environment refers to; AWS's own key of the parameter store decrypts them unasked."""
    named = [environment[name] for name in access.secrets if environment[name].startswith("ssm:")]
    parameters = [_sub("ssm", f"parameter/{name.removeprefix('ssm:').lstrip('/')}") for name in named]
    return [allow(("ssm:GetParameters",), *parameters)] if parameters else []


def _mail(environment: Environment) -> Statement:
    """To send as the one sender. While an account is in SES's sandbox it asks for the recipient's identity too."""
    sender = parseaddr(environment["PERENNIAL_MAIL_FROM"])[1]
    # SES always tells the sender. "IfExists" is for the local AWS, which does not.
    own = {"StringEqualsIfExists": {"ses:FromAddress": sender}}
    told = _sub("ses", f"configuration-set/{environment['PERENNIAL_MAIL_EVENTS']}")
    return allow(("ses:SendEmail", "ses:SendRawEmail"), _sub("ses", "identity/*"), told) | {"Condition": own}


def _files() -> list[Statement]:
    """To write what is new and read what there is. Who may not list a bucket is told "forbidden" of what is not in it."""
    objects = {"Fn::Sub": f"${{{FILES}.Arn}}/*"}
    return [allow(("s3:GetObject", "s3:PutObject"), objects), allow(("s3:ListBucket",), _arn(FILES))]


def _logs(function: str) -> Statement:
    """Its own log: the name ends in letters that CloudFormation chooses, and a role cannot wait for its function."""
    name = f"log-group:/aws/lambda/${{AWS::StackName}}-{logical(function)}-*"
    return allow(("logs:CreateLogStream", "logs:PutLogEvents"), _sub("logs", name))


def logical(function: str) -> str:
    """A function's name in the template."""
    return "APIHandler" if function == "api_handler" else function.title().replace("_", "")


def allow(actions: tuple[str, ...], *resources: Any) -> Statement:
    """A statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _arn(queue: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [queue, "Arn"]}


def _sub(service: str, resource: str) -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"}
