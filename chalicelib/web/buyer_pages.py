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


def away(settings: Settings, url: str) -> Answer:
    """303 to a page of ours or of Stripe's. Any other is left to the buyer, as the browser would not follow a form there."""
    parts = urlsplit(url)
    here = not (parts.scheme or parts.netloc)
    if here or origin(url) in (origin(settings.base_url), *stripes(settings)):
        return Answer(status=303, html="", headers=headers(settings) | {"Location": url})
    if parts.scheme != "https":
        return trouble(502, settings)
    title, advice = "One more step", f"The next page is at {parts.hostname}."
    return page(settings, 200, pages.closed(title, advice, url, "Go on"))


def pdf(number: str, data: bytes) -> Answer:
    """A document, under the name of its number."""
    from chalicelib.views.documents import file_name

    shown = {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'inline; filename="{file_name(number)}"',
    }
    kept = {name: value for name, value in headers(None).items() if name not in ("Content-Type", _POLICY)}
    return Answer(status=200, html="", data=data, headers=kept | shown)


def refused(settings: Settings, error: PerennialError) -> Answer:
    """A page about nobody."""
    if isinstance(error, LinkExpired):
        return page(settings, 410, pages.expired())
    if isinstance(error, NotFound):
        return page(settings, 404, pages.unknown())
    return trouble(status(error), settings)


def trouble(code: int, settings: Settings | None = None) -> Answer:
    """Something is wrong here, or with what was sent; no more is told."""
    if code >= 500:
        title, advice = "This does not work just now", "Please try again in a few minutes."
    else:
        title, advice = (
            "This cannot be done",
            "Open the link from the letter again, and use the button there.",
        )
    return page(settings, code, pages.closed(title, advice))


def status(error: PerennialError) -> int:
    """What HTTP calls it."""
    if isinstance(error, FromElsewhere):
        return 403
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def why(error: PerennialError, page: Page) -> Note | None:
    """Why nothing was done, in a buyer's words; what has happened meanwhile the page says itself."""
    if error.code in ("invoice_not_payable", "nothing_to_confirm"):
        return page.note
    if isinstance(error, forms.FormOutdated) and not page.acts:
        return Note(tone=Tone.GOOD, title=_CHANGED, text="There is nothing left to do.")
    if error.code == "payment_under_way" and page.act("pay"):
        return _OPENING
    if said := _SAID.get(error.code):
        return said
    return _NOT_NOW if isinstance(error, (WrongState, Conflict)) else _FAILED


_CHANGED: Final = "Something has changed since you opened this page"
_SAID: Final = {
    "form_outdated": Note(
        tone=Tone.WAIT,
        title=_CHANGED,
        text="Nothing has been done. See what it is now, then press the button.",
    ),
    "form_expired": Note(
        tone=Tone.WAIT,
        title="This page was open for a long time",
        text="Nothing has been done. Please check it and press the button again.",
    ),
    "payment_processing": Note(
        tone=Tone.WAIT,
        title="Your bank has been asked for it already",
        text="A bank debit takes some days. There is nothing you need to do.",
    ),
    "payment_under_way": Note(
        tone=Tone.WAIT,
        title="A payment is being made at this moment",
        text="Please do not pay again. Look at this page in a few minutes.",
    ),
    "amount_too_small": Note(
        tone=Tone.WAIT,
        title="This is too little to be paid online",
        text="Nothing has been done.",
    ),
    "page_refused": Note(
        tone=Tone.BAD, title="Stripe does not take this", text="Nothing has been done. Please write to us."
    ),
    "gateway_unavailable": Note(
        tone=Tone.BAD,
        title="Stripe cannot be reached just now",
        text="Nothing has been done. Please try again in a few minutes.",
    ),
}
"""By the code of the error."""
_OPENING: Final = Note(
    tone=Tone.WAIT,
    title="Stripe's page is being opened already",
    text="Nothing has been taken. Press the button again in a moment.",
)
_NOT_NOW: Final = Note(
    tone=Tone.WAIT, title="This cannot be done just now", text="Nothing has been done. Please look again."
)
_FAILED: Final = Note(
    tone=Tone.BAD, title="That did not work", text="Nothing has been done. Please try again."
)


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
