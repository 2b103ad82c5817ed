"""API Gateway on a laptop: HTTP on loopback becomes the event of a Lambda proxy integration, and its answer HTTP."""

import base64
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
LARGEST_BODY = 10 * 1024 * 1024  # as API Gateway's


class Context:
    """What a Lambda function is told of its own invocation."""

    function_name = "api"
    memory_limit_in_mb = 512

    def __init__(self) -> None:
        self.aws_request_id = str(uuid4())

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


class Gateway:
    """Serves the routes of a Chalice app through its Lambda handler, and pages of the sandbox's own beside them."""

    def __init__(self, handler: Handler, paths: list[str], port: int = 0) -> None:
        self._handler = handler
        self._one_at_a_time = threading.RLock()  # as in Lambda: a process has one request at work
        self.pages: dict[str, Callable[[], str]] = {}
        self._paths = [path.strip("/").split("/") for path in paths]
        self._server = _Server(("127.0.0.1", port), self._requests())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def use(self, handler: Handler) -> None:
        """Hand requests to another handler from now on, such as one that is measured."""
        self._handler = handler

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; a path without a route is answered as API Gateway does, 403."""
        parts = urlsplit(target)
        if page := self.pages.get(parts.path):
            return 200, {"Content-Type": "text/html; charset=utf-8"}, page().encode()
        route, parameters = self._route(parts.path)
        if route is None:
            return 403, {"Content-Type": "application/json"}, b'{"message":"Missing Authentication Token"}'
        event = _event(method, target, route, parameters, headers=headers, body=body)
        with self._one_at_a_time:
            answer = self._handler(event, Context())
        content = answer.get("body") or ""
        encoded = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        sent = dict(answer.get("headers") or {})
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            sent[name] = ", ".join(values)
        return answer["statusCode"], sent, encoded

    def _route(self, path: str) -> tuple[str | None, dict[str, str]]:
        wanted = path.strip("/").split("/")
        best: tuple[str | None, dict[str, str]] = (None, {})
        for route in self._paths:
            if len(route) != len(wanted):
                continue
            names = {
                part[1:-1]: unquote(given)
                for part, given in zip(route, wanted, strict=True)
                if part[:1] == "{"
            }
            fixed = all(part[:1] == "{" or part == given for part, given in zip(route, wanted, strict=True))
            if fixed and (best[0] is None or len(names) < len(best[1])):
                best = ("/" + "/".join(route), names)
        return best

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                if length > LARGEST_BODY:
                    self.close_connection = True
                    self._send(413, {"Content-Type": "application/json"}, b'{"message":"Request Too Long"}')
                    return
                body = self.rfile.read(length)
                self._send(*gateway.answer(self.command, self.path, dict(self.headers), body))

            def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() != "content-length":
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
                self.wfile.flush()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                """Silent: the world it serves prints what matters."""

        return Requests


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away within a connection is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _event(
    method: str,
    target: str,
    route: str,
    parameters: dict[str, str],
    *,
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, Any]:
    """The event of a REST API's Lambda proxy integration; bodies go as base64, as all types are binary (sandbox/template.py)."""
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    asked: dict[str, list[str]] = {}
    for name, value in pairs:
        asked.setdefault(name, []).append(value)
    return {
        "resource": route,
        "path": path,
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": asked or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": route,
            "httpMethod": method,
            "path": f"/api{path}",
            "stage": "api",
            "requestId": str(uuid4()),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": headers.get("User-Agent", "")},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def sqs_event(messages: list[dict[str, Any]], queue: str) -> dict[str, Any]:
    """The event by which SQS hands messages, as boto3 received them, to a Lambda function."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {"ApproximateReceiveCount": "1"}),
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
                "awsRegion": "us-east-1",
            }
            for message in messages
        ]
    }


def sns_event(text: str, topic: str) -> dict[str, Any]:
    """The event by which SNS hands a message of a topic to a Lambda function."""
    arn = f"arn:aws:sns:us-east-1:000000000000:{topic}"
    sns = {
        "Type": "Notification",
        "MessageId": str(uuid4()),
        "TopicArn": arn,
        "Subject": "Amazon SES Email Event Notification",
        "Message": text,
        "Timestamp": "1970-01-01T00:00:00.000Z",
        "MessageAttributes": {},
    }
    return {
        "Records": [
            {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": arn, "Sns": sns}
        ]
    }


def tick_event(rule: str) -> dict[str, Any]:
    """The event by which an EventBridge rule wakes a Lambda function."""
    return {
        "id": str(uuid4()),
        "version": "0",
        "account": "000000000000",
        "region": "us-east-1",
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "detail": {},
        "time": "1970-01-01T00:00:00Z",
        "resources": [f"arn:aws:events:us-east-1:000000000000:rule/{rule}"],
    }
