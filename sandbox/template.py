"""What stands around the functions on AWS: the table, the queues, the alarms. Chalice merges it into its template."""

from collections.abc import Mapping
from typing import Any

from sandbox.policies import ACCESS, BUCKET, DELIVERIES, FILES, INBOX, MAIL_EVENTS, MONEY, WEBHOOKS, logical

Resources = dict[str, Any]

QUEUES = {
    MONEY: ("PERENNIAL_MONEY_QUEUE", "work_money"),
    DELIVERIES: ("PERENNIAL_DELIVERIES_QUEUE", "work_deliveries"),
    INBOX: ("PERENNIAL_INBOX_QUEUE", "work_inbox"),
    WEBHOOKS: ("PERENNIAL_WEBHOOKS_QUEUE", "work_webhooks"),
}
# Workers side by side. How many requests all of them send to Stripe is the governor's matter (operations/governor.py).
AT_ONCE = {"work_money": 5, "work_deliveries": 2, "work_inbox": 5, "work_webhooks": 5}
MAX_RECEIVES = 5
DAY = 24 * 60 * 60
OLD = 15 * 60
"""Seconds a message may wait before somebody is told."""
MARGIN = 10
"""Seconds, at least the longest batching window of app.py's queues."""
PARKED = "record parked"
"""What the log says when a record is taken out of the schedules (operations/together.py, agenda.py)."""
FOUND = "audit found something"
"""What it says of an audit that found what is wrong (operations/audit.py)."""


def around(stage: str, environment: Mapping[str, str], timeouts: Mapping[str, int]) -> Resources:
    """The template to merge; `timeouts` (seconds) are those of the functions."""
    resources = {
        "Table": table(environment["PERENNIAL_TABLE"]),
        FILES: files(),
        **mail_events(environment["PERENNIAL_MAIL_EVENTS"]),
        **alarm_topic(),
        **functions(environment),
        # Chalice names the log of a function that it then calls otherwise.
        "ApiHandlerLogGroup": {"Properties": {"LogGroupName": {"Fn::Sub": "/aws/lambda/${APIHandler}"}}},
        # Whatever a caller accepts: what the function says is encoded is decoded (web/binary.py), and bodies come encoded.
        "RestAPI": {"Properties": {"DefinitionBody": {"x-amazon-apigateway-binary-media-types": ["*/*"]}}},
    }
    for queue, (variable, worker) in QUEUES.items():
        patience = 6 * timeouts[worker] + MARGIN
        resources |= pair_of_queues(queue, environment[variable], patience)
        resources |= queue_alarms(queue)
    for function in ACCESS:
        resources |= function_alarms(function)
    return {
        "Description": f"Perennial, subscription billing ({stage}).",
        "Parameters": {
            "AlarmEmail": {
                "Type": "String",
                "Default": "",
                "Description": "Who is told of alarms; empty for nobody.",
            }
        },
        "Conditions": {"TellSomebody": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}},
        "Resources": resources,
        "Outputs": {
            "TableName": {"Value": {"Ref": "Table"}},
            "FilesBucket": {"Value": {"Ref": FILES}},
            "AlarmTopic": {"Value": {"Ref": "Alarms"}},
        },
    }


def table(name: str) -> Resources:
    """As store/table.py's Envelope (a test compares them); it outlives the stack."""
    by_owner, by_wake = ("owner", "position"), ("wake_shard", "wake_at")
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
            "AttributeDefinitions": [
                {"AttributeName": attribute, "AttributeType": "S"}
                for attribute in ("key", *by_owner, *by_wake)
            ],
            "GlobalSecondaryIndexes": [_index("ByOwner", *by_owner), _index("ByWake", *by_wake)],
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "DeletionProtectionEnabled": True,
            "SSESpecification": {"SSEEnabled": True},
        },
    }


def _index(name: str, hash_key: str, range_key: str) -> Resources:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": hash_key, "KeyType": "HASH"},
            {"AttributeName": range_key, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def files() -> Resources:
    """Documents and pictures; like the table it outlives the stack. Its name is CloudFormation's to find: all of AWS shares the names."""
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    }


def mail_events(name: str) -> Resources:
    """SES tells of bounces and complaints by a topic to which only it may publish, and only of letters sent by this set.

    Which addresses are written to is the accounts' own matter: the set does not go by the list that SES keeps of all of them.
    """
    policy = {"Version": "2012-10-17", "Statement": [_may_publish(name)]}
    destination = {
        "Name": "bounces-and-complaints",
        "Enabled": True,
        "MatchingEventTypes": ["bounce", "complaint"],
        "SnsDestination": {"TopicARN": {"Ref": MAIL_EVENTS}},
    }
    return {
        MAIL_EVENTS: {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
        "MailEventsPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": MAIL_EVENTS}], "PolicyDocument": policy},
        },
        "MailSet": {
            "Type": "AWS::SES::ConfigurationSet",
            "Properties": {"Name": name, "SuppressionOptions": {"SuppressedReasons": []}},
        },
        "MailSetEvents": {
            "Type": "AWS::SES::ConfigurationSetEventDestination",
            "DependsOn": ["MailEventsPolicy"],
            "Properties": {"ConfigurationSetName": {"Ref": "MailSet"}, "EventDestination": destination},
        },
    }


def _may_publish(name: str) -> Resources:
    """That SES may publish to the topic, of letters sent by the set of this name."""
    set_arn = {
        "Fn::Sub": f"arn:${{AWS::Partition}}:ses:${{AWS::Region}}:${{AWS::AccountId}}:configuration-set/{name}"
    }
    only = {"StringEquals": {"AWS:SourceAccount": {"Ref": "AWS::AccountId"}, "AWS:SourceArn": set_arn}}
    return {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": MAIL_EVENTS},
        "Condition": only,
    }


def pair_of_queues(queue: str, name: str, patience: int) -> Resources:
    """A queue and its dead letters; a message taken is hidden for `patience` seconds, AWS's six times the function's."""
    fifo = {"FifoQueue": True} if name.endswith(".fifo") else {}
    common = fifo | {"SqsManagedSseEnabled": True}
    dead = f"{name.removesuffix('.fifo')}-dead{'.fifo' if fifo else ''}"
    # A lane of the money queue is an account; without this one busy account would slow down all others.
    lanes = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"} if fifo else {}
    redrive = {
        "deadLetterTargetArn": {"Fn::GetAtt": [f"Dead{queue}", "Arn"]},
        "maxReceiveCount": MAX_RECEIVES,
    }
    return {
        f"Dead{queue}": _queue(common | {"QueueName": dead, "MessageRetentionPeriod": 14 * DAY}),
        queue: _queue(
            common | lanes | {"QueueName": name, "VisibilityTimeout": patience, "RedrivePolicy": redrive}
        ),
    }


def _queue(properties: Resources) -> Resources:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def functions(environment: Mapping[str, str]) -> Resources:
    """What Chalice has no words for: logs as JSON, a lost tick left to the next, as many workers as Stripe likes."""
    found: Resources = {}
    for function, access in ACCESS.items():
        properties: Resources = {
            "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}
        }
        added: Resources = {"Properties": properties}
        if access.consumes:
            # Chalice names the queue by its ARN as text, so CloudFormation would not know to make it first.
            added["DependsOn"] = [access.consumes]
            event = {"Properties": {"ScalingConfig": {"MaximumConcurrency": AT_ONCE[function]}}}
            properties["Events"] = {f"{logical(function)}SqsEventSource": event}
        elif access.hears:
            added["DependsOn"] = [access.hears]
            properties["EventInvokeConfig"] = {
                "MaximumRetryAttempts": 2,
                "MaximumEventAgeInSeconds": 6 * 3600,
            }
        elif function != "api_handler":
            properties["EventInvokeConfig"] = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
        variables: Resources = {BUCKET: {"Ref": FILES}} if access.files else {}
        if function == "work_deliveries" and not environment.get("PERENNIAL_BASE_URL"):
            variables["PERENNIAL_BASE_URL"] = BASE_URL
        if variables:
            properties["Environment"] = {"Variables": variables}
        found[logical(function)] = added
    return found


# Where no domain is configured; the API's own function cannot be told, as the API is made after it.
BASE_URL = {"Fn::Sub": "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api"}


def alarm_topic() -> Resources:
    """Where alarms go. Unencrypted at rest, as CloudWatch cannot use SNS's own key; an alarm tells no secret."""
    return {
        "Alarms": {"Type": "AWS::SNS::Topic"},
        "AlarmsByMail": {
            "Type": "AWS::SNS::Subscription",
            "Condition": "TellSomebody",
            "Properties": {
                "TopicArn": {"Ref": "Alarms"},
                "Protocol": "email",
                "Endpoint": {"Ref": "AlarmEmail"},
            },
        },
    }


def queue_alarms(queue: str) -> Resources:
    """Something was given up five times; something waits for long."""
    dead = _alarm(
        f"A message of the {queue} was given up after {MAX_RECEIVES} tries.",
        _metric(
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            QueueName={"Fn::GetAtt": [f"Dead{queue}", "QueueName"]},
        ),
    )
    old = _alarm(
        f"A message has waited in the {queue} for {OLD // 60} minutes.",
        _metric(
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            QueueName={"Fn::GetAtt": [queue, "QueueName"]},
        ),
        OLD,
    )
    return {f"Dead{queue}Alarm": dead, f"Old{queue}Alarm": old}


def function_alarms(function: str) -> Resources:
    """It failed or was held back; who works a queue may park a record, who works the money's may find something in an audit."""
    name = logical(function)
    dimension = {"FunctionName": {"Ref": name}}
    found = {
        f"{name}ErrorsAlarm": _alarm(
            f"{function} failed.", _metric("AWS/Lambda", "Errors", "Sum", **dimension)
        ),
        f"{name}ThrottlesAlarm": _alarm(
            f"{function} was not let run.", _metric("AWS/Lambda", "Throttles", "Sum", **dimension)
        ),
    }
    if ACCESS[function].consumes:
        told = f"{function} parked a record: GET /v1/parked names it and why."
        found |= _counted(name, "Parked", f"{name}ParkedRecords", PARKED, told)
    if ACCESS[function].consumes == MONEY:
        told = (
            "An audit found something wrong: GET /v1/audit of the account in the log names it and what to do."
        )
        found |= _counted(name, "Audit", f"{name}AuditsWithFindings", FOUND, told)
    return found


def _counted(name: str, what: str, metric: str, said: str, told: str) -> Resources:
    """An alarm for a line that a function writes to its log."""
    counted = {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": f"{name}LogGroup"},
            "FilterPattern": f'"{said}"',
            "MetricTransformations": [
                {
                    "MetricNamespace": {"Ref": "AWS::StackName"},
                    "MetricName": metric,
                    "MetricValue": "1",
                    "DefaultValue": 0,
                }
            ],
        },
    }
    return {
        f"{name}{what}": counted,
        f"{name}{what}Alarm": _alarm(told, _metric({"Ref": "AWS::StackName"}, metric, "Sum")),
    }


def _metric(namespace: Any, name: str, statistic: str, **dimensions: Any) -> Resources:
    found = {"Namespace": namespace, "MetricName": name, "Statistic": statistic}
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return found | ({"Dimensions": listed} if listed else {})


def _alarm(told: str, metric: Resources, above: int = 0) -> Resources:
    """Told when the metric is above a threshold for five minutes' sum or maximum; no data is good."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": metric
        | {
            "AlarmDescription": told,
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": above,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "Alarms"}],
        },
    }
