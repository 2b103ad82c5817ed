"""The answers a buyer's browser gets: their headers, the way elsewhere, and the pages about nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from chalicelib.billing.errors import NotFound, PerennialError, WrongState
from chalicelib.settings import Settings
from chalicelib.store.changes import Conflict
from chalicelib.views import forms, pages
from chalicelib.views.links import LinkExpired
from chalicelib.views.pages import Note, Page, Tone
from chalicelib.views.reading import AMERICAN, Reader
from chalicelib.web.buyer_forms import FromElsewhere
from chalicelib.web.http import STATUS

_POLICY: Final = "Content-Security-Policy"
STRIPES: Final = ("https://checkout.stripe.com", "https://hooks.stripe.com")
"""Where a form may lead: Stripe's page, and the page from which it sends a buyer to their bank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A page and its status; or 303, and where to go; or a file, which is `data`."""

    status: int
    html: str
    data: bytes = b""
    headers: Mapping[str, str]


def away(settings: Settings, url: str, reader: Reader = AMERICAN) -> Answer:
    """303 to a page of ours or of Stripe's. Any other is left to the buyer, as the browser would not follow a form there."""
    parts = urlsplit(url)
    here = not (parts.scheme or parts.netloc)
    if here or origin(url) in (origin(settings.base_url), *stripes(settings)):
        return Answer(status=303, html="", headers=headers(settings) | {"Location": url})
    if parts.scheme != "https":
        return trouble(502, settings, reader)
    return page(settings, 200, pages.closed("step", reader, url, host=parts.hostname or ""))


def pdf(number: str, data: bytes) -> Answer:
    """A document, under the name of its number."""
    from chalicelib.views.documents import file_name

    shown = {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'inline; filename="{file_name(number)}"',
    }
    kept = {name: value for name, value in headers(None).items() if name not in ("Content-Type", _POLICY)}
    return Answer(status=200, html="", data=data, headers=kept | shown)


def refused(settings: Settings, error: PerennialError, reader: Reader = AMERICAN) -> Answer:
    """A page about nobody: whose an old link was, and why another opens nothing, is not told."""
    if isinstance(error, LinkExpired):
        return page(settings, 410, pages.closed("expired", reader))
    if isinstance(error, NotFound):
        return page(settings, 404, pages.closed("unknown", reader))
    return trouble(status(error), settings, reader)


def trouble(code: int, settings: Settings | None = None, reader: Reader = AMERICAN) -> Answer:
    """Something is wrong here, or with what was sent; no more is told."""
    return page(settings, code, pages.closed("later" if code >= 500 else "refused", reader))


def status(error: PerennialError) -> int:
    """What HTTP calls it."""
    if isinstance(error, FromElsewhere):
        return 403
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def why(error: PerennialError, page: Page) -> Note | None:
    """Why nothing was done, in a buyer's words; what has happened meanwhile the page says itself."""
    if error.code in ("invoice_not_payable", "nothing_to_confirm"):
        return page.note
    word = page.reader.word
    if isinstance(error, forms.FormOutdated) and not page.acts:
        return Note(tone=Tone.GOOD, title=word("page.said.changed"), text=word("page.said.nothing_left"))
    tone, said = _said(error, page)
    return Note(tone=tone, title=word(f"page.said.{said}"), text=word(f"page.said.{said}_told"))


def _said(error: PerennialError, page: Page) -> tuple[Tone, str]:
    """How bad it is, and what the catalogs call it."""
    if error.code == "payment_under_way" and page.act("pay"):
        return Tone.WAIT, "opening"
    if error.code in _SAID:
        return _SAID[error.code]
    held = isinstance(error, (WrongState, Conflict))
    return (Tone.WAIT, "not_now") if held else (Tone.BAD, "failed")


_SAID: Final = {
    "form_outdated": (Tone.WAIT, "changed"),
    "form_expired": (Tone.WAIT, "form_expired"),
    "payment_processing": (Tone.WAIT, "payment_processing"),
    "payment_under_way": (Tone.WAIT, "payment_under_way"),
    "amount_too_small": (Tone.WAIT, "amount_too_small"),
    "page_refused": (Tone.BAD, "page_refused"),
    "gateway_unavailable": (Tone.BAD, "gateway_unavailable"),
}
"""By the code of the error."""


def page(settings: Settings | None, code: int, html: str) -> Answer:
    """A page and what goes with it."""
    return Answer(status=code, html=html, headers=headers(settings))


def headers(settings: Settings | None) -> dict[str, str]:
    """Nothing is loaded, framed, kept, indexed or told to where a link leads; forms go to us, and on to Stripe."""
    forms_go = " ".join(["'self'", *stripes(settings)]) if settings else "'none'"
    policy = (
        f"default-src 'none'; style-src {pages.style_source()}; base-uri 'none'; "
        f"form-action {forms_go}; frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        _POLICY: policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }


def stripes(settings: Settings) -> tuple[str, ...]:
    """Browsers hold where a form's answer leads against form-action too."""
    return (*STRIPES, origin(settings.stripe_api)) if settings.stripe_api else STRIPES


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
