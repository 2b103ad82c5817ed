"""AWS's JSON over HTTP for the two calls that every renewal makes, a letter and a message.

Signed by botocore, sent over urllib3: a third of a client's CPU, and none of the service models a client
loads when it is made. Everything else goes through pynamodb and boto3.
"""

import time
from typing import Any

import msgspec
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import get_session

from chalicelib.billing.errors import PerennialError

CONNECT_SECONDS, READ_SECONDS = 3, 10
PAUSES = (0.05, 0.2, 0.8)


class AwsRefused(PerennialError):
    """AWS answered no: `status` is HTTP's, `code` AWS's name of the error."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.status = status


class AwsUnreachable(PerennialError):
    """The request was surely not sent."""

    def __init__(self, detail: str) -> None:
        super().__init__("aws_unreachable", detail)


class AwsSilent(PerennialError):
    """The request was sent and no answer came: it may have been carried out."""

    def __init__(self, detail: str) -> None:
        super().__init__("aws_silent", detail)


class Service:
    """One service of AWS in a region; thread-safe."""

    def __init__(self, name: str, signing_name: str, region: str, endpoint: str | None) -> None:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        self._endpoint = (endpoint or f"https://{name}.{region}.{suffix}").rstrip("/")
        self._credentials = get_session().get_credentials()
        self._signing = (signing_name, region)
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._pool = urllib3.PoolManager(maxsize=32, timeout=timeout, retries=False)

    def call(self, path: str, body: Any, target: str | None = None) -> dict[str, Any]:
        """One POST, sent once. Raises AwsRefused, AwsUnreachable or AwsSilent."""
        content = "application/x-amz-json-1.0" if target else "application/json"
        headers = {"Content-Type": content, **({"X-Amz-Target": target} if target else {})}
        request = AWSRequest(
            method="POST", url=self._endpoint + path, data=msgspec.json.encode(body), headers=headers
        )
        SigV4Auth(self._credentials, *self._signing).add_auth(request)
        try:
            answer = self._pool.request(
                "POST", request.url, body=request.data, headers=dict(request.headers.items()), redirect=False
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise AwsUnreachable(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise AwsSilent(str(error)) from error
        return _answered(answer)

    def call_again(self, path: str, body: Any, target: str | None = None) -> dict[str, Any]:
        """The same for what may be carried out twice: repeated a few times while AWS is busy or silent."""
        for pause in PAUSES:
            try:
                return self.call(path, body, target)
            except AwsRefused as error:
                if error.status < 500 and "Throttl" not in error.code:
                    raise
            except (AwsUnreachable, AwsSilent):
                pass
            time.sleep(pause)
        return self.call(path, body, target)


def _answered(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        told: dict[str, Any] = msgspec.json.decode(answer.data) if answer.data else {}
    except msgspec.DecodeError:
        told = {}
    if answer.status < 300:
        return told
    code = answer.headers.get("x-amzn-errortype") or told.get("__type") or str(answer.status)
    detail = told.get("message") or told.get("Message") or ""
    raise AwsRefused(answer.status, code.partition(":")[0].rpartition("#")[2], detail)
