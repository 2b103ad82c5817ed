"""One HTTP exchange on loopback."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: `body` is the JSON, or text where it is none."""

    status: int
    body: Any
    headers: dict[str, str]


def http(method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer:
    """One HTTP exchange on loopback."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, _json(answer.read()), dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _json(error.read()), dict(error.headers))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
