"""A browser without JavaScript, as far as the local Stripe's pages need one: links, one form, redirects not followed."""

import http.client
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass(frozen=True)
class Shown:
    url: str
    status: int
    html: str
    location: str | None

    @property
    def text(self) -> str:
        return Read(self.html).text

    @property
    def fields(self) -> dict[str, str]:
        return Read(self.html).fields

    def submit(self, **typed: str) -> "Shown":
        """Send the page's form, with what it holds already; `card_number` is the field card-number."""
        named = {name.replace("_", "-"): value for name, value in typed.items()}
        read = Read(self.html)
        return ask("POST", urljoin(self.url, read.action), {**read.fields, **named})


class Read(HTMLParser):
    """What a page says, and what its form would send."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.action = "", ""
        self.fields: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "form":
            self.action = given["action"] or ""
        if tag == "input" and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            self.fields[given["name"]] = given.get("value") or ""

    def handle_data(self, data):
        self.text += data + " "


def ask(method: str, url: str, form: dict[str, str] | None = None) -> Shown:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    connection.request(method, target, urlencode(form or {}), headers)
    answer = connection.getresponse()
    html = answer.read().decode()
    connection.close()
    location = answer.headers.get("Location")
    return Shown(url, answer.status, html, urljoin(url, location) if location else None)


def visit(url: str) -> Shown:
    return ask("GET", url)
