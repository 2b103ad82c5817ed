"""AWS over HTTP: JSON, signed, over kept-alive connections.

boto3's clients cost a millisecond of CPU a call and a third of a second to load; these requests cost a third
of that, and the import is the standard library's and urllib3's. What is signed is what botocore would sign:
tests/contracts/test_aws.py holds the two against each other.
"""

import hashlib
import hmac
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import urllib3

from chalicelib.billing.errors import PerennialError

CONNECT_SECONDS, READ_SECONDS = 3, 10
PAUSES = (0.05, 0.2, 0.8)


class AwsRefused(PerennialError):
    """AWS answered no: `status` is HTTP's, `code` AWS's name of the error, `reasons` a transaction's, item by item.

    `item` is what stands where a condition did not hold, if that was asked for. `again` says that the request was sent
    before, and may have been carried out then.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        reasons: tuple[str | None, ...] = (),
        item: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.status = status
        self.reasons = reasons
        self.item = item
        self.again = False


class AwsUnreachable(PerennialError):
    """The request was surely not sent."""

    def __init__(self, detail: str) -> None:
        super().__init__("aws_unreachable", detail)


class AwsSilent(PerennialError):
    """The request was sent and no answer came: it may have been carried out."""

    def __init__(self, detail: str) -> None:
        super().__init__("aws_silent", detail)


class Credentials(NamedTuple):
    """Who signs; `token` goes with temporary ones."""

    key: str
    secret: str
    token: str | None


class Aws:
    """One service of AWS in a region; thread-safe. `signing_name` is what it is called in signatures, `json` its protocol's version."""

    def __init__(
        self, name: str, signing_name: str, region: str, endpoint: str | None, json: str = "1.0"
    ) -> None:
        self._json = f"application/x-amz-json-{json}"
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        url = (endpoint or f"https://{name}.{region}.{suffix}").rstrip("/")
        self._host = urlsplit(url).netloc
        self._scope = (region, signing_name)
        self._credentials = credentials()
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._pool = urllib3.connection_from_url(url, maxsize=32, timeout=timeout, retries=False)

    def call(self, path: str, body: Any, target: str | None = None) -> dict[str, Any]:
        """One POST, sent once. Raises AwsRefused, AwsUnreachable or AwsSilent."""
        headers = {"content-type": self._json if target else "application/json"}
        if target:
            headers["x-amz-target"] = target
        return _answered(self.request("POST", path, msgspec.json.encode(body), headers))

    def request(
        self, method: str, path: str, data: bytes, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        """One request, sent once, and its answer whatever it is; `path` is quoted. Raises AwsUnreachable or AwsSilent."""
        signed = headers | {"host": self._host}
        if self._scope[1] == "s3":
            signed["x-amz-content-sha256"] = hashlib.sha256(data).hexdigest()
        sign(signed, path, data, Signer(self._credentials(), *self._scope, datetime.now(UTC)), method)
        del signed["host"]
        try:
            return self._pool.urlopen(method, path, body=data, headers=signed, redirect=False)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise AwsUnreachable(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise AwsSilent(str(error)) from error

    def call_again(self, path: str, body: Any, target: str | None = None) -> dict[str, Any]:
        """The same for what may be carried out twice: repeated a few times while AWS is busy or silent."""
        carried_out = False
        for pause in (*PAUSES, None):
            try:
                return self.call(path, body, target)
            except AwsRefused as error:
                error.again = carried_out
                if pause is None or (error.status < 500 and "Throttl" not in error.code):
                    raise
                carried_out |= error.status >= 500
            except (AwsUnreachable, AwsSilent) as error:
                if pause is None:
                    raise
                carried_out |= isinstance(error, AwsSilent)
            time.sleep(pause)
        raise AssertionError("the last try answers or raises")


def credentials() -> Callable[[], Credentials]:
    """Lambda's from its environment; elsewhere whatever botocore finds (profiles, roles), refreshed as it does."""
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        found = Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN"))
        return lambda: found
    from botocore.session import get_session

    kept = get_session().get_credentials()
    if kept is None:
        raise AwsUnreachable(
            "No AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile."
        )

    def refreshed() -> Credentials:
        frozen = kept.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    return refreshed


class Signer(NamedTuple):
    """Who signs for which service of which region, and when (UTC)."""

    who: Credentials
    region: str
    service: str
    now: datetime


def sign(headers: dict[str, str], path: str, data: bytes, by: Signer, method: str = "POST") -> None:
    """Add Signature Version 4 to the headers (names in lower case, host among them) of a request without a query.

    docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    who, region, service, now = by
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers["x-amz-date"] = stamp
    if who.token:
        headers["x-amz-security-token"] = who.token
    names = sorted(headers)
    signed, listed = ";".join(names), "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = f"{method}\n{path}\n\n{listed}\n{signed}\n{hashlib.sha256(data).hexdigest()}"
    where = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{where}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{who.secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={who.key}/{where}, SignedHeaders={signed}, Signature={signature}"
    )


def _answered(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        told: dict[str, Any] = msgspec.json.decode(answer.data) if answer.data else {}
    except msgspec.DecodeError:
        told = {}
    if answer.status < 300:
        return told
    code = answer.headers.get("x-amzn-errortype") or told.get("__type") or str(answer.status)
    detail = told.get("message") or told.get("Message") or ""
    reasons = tuple(_reason(reason) for reason in told.get("CancellationReasons") or ())
    name = code.partition(":")[0].rpartition("#")[2]
    raise AwsRefused(answer.status, name, detail, reasons, told.get("Item"))


def _reason(reason: dict[str, Any]) -> str | None:
    code = reason.get("Code")
    return None if code == "None" else code
