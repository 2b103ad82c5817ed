"""Deploys a package to the local AWS, by CloudFormation as to the real one."""

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from sandbox.aws import Aws
from sandbox.policies import ACCESS, logical

Clients = Callable[[str], Any]
BUCKET = "perennial-packages"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
PATIENCE = 120  # seconds; it takes about one


class DeployError(Exception):
    """CloudFormation did not make the stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A stack that stands: its API's address, and what Lambda calls app.py's functions."""

    stack: str
    url: str
    functions: Mapping[str, str]
    outputs: Mapping[str, str]


def clients(aws: Aws) -> Clients:
    """Clients of the local AWS by name, whatever this process's own environment says."""
    env = aws.environment()
    session = boto3.Session(
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name=env["AWS_DEFAULT_REGION"],
    )
    return lambda name: session.client(name, endpoint_url=aws.endpoint)


def deploy(package: Path, aws: Aws, stack: str, overrides: Mapping[str, Mapping[str, str]]) -> Deployment:
    """Make a stack from the folder that `./dev package` wrote; `overrides` are variables by function.

    Raises DeployError with what CloudFormation says.
    """
    client = clients(aws)
    code = {"Bucket": BUCKET, "Key": f"{stack}.zip"}
    template = local(json.loads((package / "sam.json").read_text()), code, overrides)
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(package / "deployment.zip"), *code.values())
    # CloudFormation takes 51,200 bytes in the request, and more from S3.
    s3.put_object(Bucket=BUCKET, Key=f"{stack}.json", Body=json.dumps(template).encode())
    cloudformation = client("cloudformation")
    where = f"{aws.endpoint}/{BUCKET}/{stack}.json"
    cloudformation.create_stack(StackName=stack, TemplateURL=where, Capabilities=CAPABILITIES)
    return _deployment(cloudformation, aws, stack, _made(cloudformation, stack))


def local(
    template: dict[str, Any], code: dict[str, str], overrides: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """The template with its code in S3, as `aws cloudformation package` leaves it, and the environments overridden."""
    changed = copy.deepcopy(template)
    for function in ACCESS:
        properties = changed["Resources"][logical(function)]["Properties"]
        properties["CodeUri"] = code
        properties["Environment"]["Variables"].update(overrides[function])
    api = changed["Resources"]["RestAPI"]["Properties"]
    # The local CloudFormation reads it here alone.
    api["BinaryMediaTypes"] = api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"]
    for resource in changed["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            _widen(resource["Properties"]["Policies"][0]["PolicyDocument"])
    return changed


def _widen(document: dict[str, Any]) -> None:
    """Say a policy as the local AWS asks: the parameter store and SES without a resource, batches by a name AWS has not."""
    for statement in document["Statement"]:
        if statement["Action"][0].startswith(("ssm:", "ses:")):
            statement["Resource"] = "*"
        if "sqs:SendMessage" in statement["Action"]:
            statement["Action"].append("sqs:SendMessageBatch")


def put_secrets(client: Clients, environment: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Put the secrets where the environment's references (`ssm:/name`) say."""
    for variable, secret in secrets.items():
        name = environment[variable].removeprefix("ssm:")
        client("ssm").put_parameter(Name=name, Value=secret, Type="SecureString", Overwrite=True)


def _deployment(cloudformation: Any, aws: Aws, stack: str, outputs: dict[str, str]) -> Deployment:
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    physical = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
    return Deployment(
        stack=stack,
        url=f"{aws.endpoint}/restapis/{outputs['RestAPIId']}/api/_user_request_",
        functions={function: physical[logical(function)] for function in ACCESS},
        outputs=outputs,
    )


def _made(cloudformation: Any, stack: str) -> dict[str, str]:
    """The stack's outputs, once it stands."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if found["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.2)
    raise DeployError(_complaint(cloudformation, stack))


def _complaint(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
    return "\n".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed
    )
