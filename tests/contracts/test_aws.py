"""Our signature is botocore's, for every kind of request that is sent."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials as Botocore

from chalicelib.aws import Credentials, Signer, sign

NOW = datetime(2026, 1, 31, 11, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("token", [None, "a session's token/+="])
@pytest.mark.parametrize(
    ("service", "path", "target"),
    [
        ("dynamodb", "/", "DynamoDB_20120810.TransactWriteItems"),
        ("sqs", "/", "AmazonSQS.SendMessageBatch"),
        ("ses", "/v2/email/outbound-emails", None),
    ],
)
def test_our_signature_is_botocores(
    monkeypatch, service: str, path: str, target: str | None, token: str | None
):
    """The same request, signed by both at the same second, carries the same Authorization."""
    data = '{"text":"Größe – 漢字"}'.encode()
    ours = {"content-type": "application/json", "host": f"{service}.eu-central-1.amazonaws.com"}
    if target:
        ours["x-amz-target"] = target
    theirs = AWSRequest(
        method="POST", url=f"https://{ours['host']}{path}", data=data, headers=HTTPHeaders.from_dict(ours)
    )
    theirs.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None)
    )
    SigV4Auth(Botocore("AKID", "secret", token), service, "eu-central-1").add_auth(theirs)
    sign(ours, path, data, Signer(Credentials("AKID", "secret", token), "eu-central-1", service, NOW))
    assert ours["authorization"] == theirs.headers["Authorization"]
