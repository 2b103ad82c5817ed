"""What a buyer's browser is answered: a page, whatever happens, or the way to Stripe's or their bank's page.

To look changes nothing, but that Stripe is asked once about a payment its buyer was sent away for. To press a button does what its page showed, as it
stands at that moment, or nothing.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from chalicelib.billing.errors import NotFound, PerennialError, WrongState
from chalicelib.billing.gateway import Unavailable
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.setups import Setup, SetupStatus
from chalicelib.operations import checkout, confirm, documents, setup
from chalicelib.service import Service
from chalicelib.settings import Settings
from chalicelib.store.changes import Conflict
from chalicelib.views import formats, forms, links, pages, payment_page
from chalicelib.views.cases import Case
from chalicelib.views.links import Link, LinkInvalid, Purpose
from chalicelib.views.pages import Act, Door, Note, Page, Tone
from chalicelib.views.reading import AMERICAN, Reader
from chalicelib.web import buyer_cases, buyer_forms, buyer_pages
from chalicelib.web.bodies import is_id
from chalicelib.web.buyer_forms import FromElsewhere
from chalicelib.web.buyer_pages import Answer
from chalicelib.web.http import REFUSALS

AWAY: Final = (PaymentStatus.CHECKOUT, PaymentStatus.ACTION_REQUIRED)
"""A buyer may have just come back from another page: Stripe knows more."""
UNSURE: Final = (Conflict, Unavailable, WrongState)
"""Stripe could not be asked just now: the buyer is shown what is known here."""
REFUSED: Final[tuple[type[PerennialError], ...]] = (*REFUSALS, FromElsewhere)
PAID, LEFT = "payment", "setup"
"""Behind the `?` of the address a buyer comes back to: the payment or the setup they were sent away for."""


def look(service: Service, token: str, query: Mapping[str, str], stranger: Reader = AMERICAN) -> Answer:
    """The page of a token: 200, 404 for one that opens nothing, 410 for one that is too old.

    Whom it is for says in which language it is; where that is nobody, it is the `stranger`'s who looks at it.
    """
    real = service.real()
    back = any(name in query for name in (PAID, LEFT))
    try:
        link = _link(service.settings, token, real, back=back)
        case = _fresh(service, link)
        found = _result(service, link, case, query) if back else None
        link, page = found or (link, buyer_cases.page(link, case))
        if real >= link.expires_at:
            page = replace(page, acts=(), doors=(), listings=())
        return _shown(service, link, page, 200, up="")
    except REFUSALS as error:
        return buyer_pages.refused(service.settings, error, stranger)


def back(service: Service, token: str, act: str, stranger: Reader = AMERICAN) -> Answer:
    """Who reloads the address of a form is led to its page."""
    try:
        if act not in _ACTS:
            raise LinkInvalid
        link = _link(service.settings, token, service.real())
    except NotFound as error:
        return buyer_pages.refused(service.settings, error, stranger)
    return buyer_pages.away(service.settings, f"../{link.token}")


def pdf(service: Service, token: str, stranger: Reader = AMERICAN) -> Answer:
    """The document of the invoice, or the credit note, that a token names: as it was issued, and kept."""
    try:
        link = _link(service.settings, token, service.real())
        if link.purpose is not Purpose.INVOICE:
            raise LinkInvalid
        return buyer_pages.pdf(*documents.named(service, link.account, link.id))
    except REFUSALS as error:
        return buyer_pages.refused(service.settings, error, stranger)


def press(
    service: Service,
    token: str,
    act: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    stranger: Reader = AMERICAN,
) -> Answer:
    """Do what a button says; 303 to where it leads, or the page as it is now with what keeps it from being done."""
    settings = service.settings
    try:
        form = buyer_forms.read(settings, headers, body)
        link = _link(settings, token, service.real())
        case = buyer_cases.read(service, link)
        if act not in _ACTS:
            raise LinkInvalid
    except REFUSED as error:
        return buyer_pages.refused(settings, error, stranger)
    try:
        done = _checked(service, link, buyer_cases.page(link, case), act, form.token)
        return buyer_pages.away(settings, _ACTS[done.name](service, link, done, form.save), case.reader)
    except REFUSALS as error:
        return _kept_from(service, link, error, case.reader)


def _link(settings: Settings, token: str, real: datetime, *, back: bool = False) -> Link:
    if not token.isascii():
        raise LinkInvalid
    return links.read(settings, token, real, links.LOOKS_BACK) if back else links.read(settings, token, real)


def _fresh(service: Service, link: Link) -> Case:
    """The case; where a payment's buyer was sent away, as Stripe knows it now."""
    case = buyer_cases.read(service, link)
    held = [case.payments.get(one.payment) for one in case.invoices if one.payment]
    away = next((one for one in held if one and one.status in AWAY), None)
    if away is None:
        return case
    try:
        told = checkout.refresh(service, link.account, away.id)
    except UNSURE:
        return case
    return case if told == away else buyer_cases.read(service, link)


def _result(service: Service, link: Link, case: Case, query: Mapping[str, str]) -> tuple[Link, Page] | None:
    """What became of what the buyer was sent away for, where it is theirs; a payment is shown as by a link of its own."""
    given = next(query[name] for name in (PAID, LEFT) if name in query)
    if not is_id(given):
        return None
    if LEFT in query:
        page = _left(service, link, case, given)
        return (link, page) if page else None
    found = case.payments.get(given) or service.store.find(Payment, link.account, given)
    payment = buyer_cases.belonging(case, link, found)
    if payment is None:
        return None
    token = link.to(service.settings, Purpose.PAYMENT, payment.id)
    its = replace(link, purpose=Purpose.PAYMENT, id=payment.id, token=token)
    case = buyer_cases.read(service, its)
    return its, payment_page.payment(case, case.payments[payment.id], back=True)


def _left(service: Service, link: Link, case: Case, name: str) -> Page | None:
    """Whether a method was left for the subscription."""
    found = service.store.find(Setup, link.account, name)
    if found is None or found.subscription != case.subscription.id:
        return None
    with suppress(*UNSURE):
        found = setup.refresh(service, link.account, name)
    after = buyer_cases.read(service, link)
    return buyer_cases.page(link, after, _of_method(case, after, left=found.status is SetupStatus.COMPLETE))


def _of_method(before: Case, after: Case, *, left: bool) -> Note:
    """What a method that was left has changed."""
    kept, word = after.subscription.method, after.reader.word
    if not left or kept is None:
        text = word("page.said.unchanged_told")
        return Note(tone=Tone.WAIT, title=word("page.said.unchanged"), text=text)
    used = word("page.said.updated_told", method=formats.name(kept.label))
    paid = word("page.said.paid_with_it") if before.total and not after.total else ""
    text = after.reader.sentences(used, paid)
    return Note(tone=Tone.GOOD, title=word("page.said.updated"), text=text)


def _checked(service: Service, link: Link, page: Page, name: str, token: str) -> Act:
    """The act, where the page still has it and the form is of this page. Raises WrongState, Invalid."""
    act = page.act(name)
    shown = act.shown if act else ""
    forms.check(service.settings, link, name, shown, token=token, now=service.real())
    if act is None:
        raise forms.FormOutdated
    return act


def _pay(service: Service, link: Link, act: Act, save: bool) -> str:
    where = _back_url(service, link, PAID, "{payment}")
    return checkout.pay(service, link.account, act.of, back_url=where, save=save and act.keeps is not None)


def _confirm(service: Service, link: Link, act: Act, save: bool) -> str:  # noqa: ARG001  # as every act
    where = _back_url(service, link, PAID, act.of[0])
    return confirm.payment(service, link.account, act.of[0], back_url=where) or where


def _method(service: Service, link: Link, act: Act, save: bool) -> str:  # noqa: ARG001  # as every act
    return setup.method(service, link.account, act.of[0], back_url=_back_url(service, link, LEFT, "{setup}"))


_ACTS: Final = {"pay": _pay, "confirm": _confirm, "method": _method}


def _back_url(service: Service, link: Link, name: str, id_: str) -> str:
    """Where the buyer comes back to; an operation that names what it makes puts its name in."""
    return f"{links.address(service.settings, link.token)}?{name}={id_}"


def _kept_from(service: Service, link: Link, error: PerennialError, reader: Reader) -> Answer:
    """The page as it is now, and on it why nothing was done."""
    status = buyer_pages.status(error)
    try:
        page = buyer_cases.page(link, buyer_cases.read(service, link))
    except REFUSALS as worse:
        return buyer_pages.refused(service.settings, worse, reader)
    return _shown(service, link, replace(page, note=buyer_pages.why(error, page)), status, up="../")


def _shown(service: Service, link: Link, page: Page, status: int, *, up: str) -> Answer:
    """A page with its forms and links; `up` leads from the address it is shown at to that of its link."""
    settings, real = service.settings, service.real()

    def action(act: Act) -> str:
        return f"{up}{link.token}/{act.name}"

    def form(act: Act) -> str:
        return forms.sign(settings, link, act.name, act.shown, real)

    def href(door: Door) -> str:
        return f"{up}{link.to(settings, door.purpose, door.id)}{door.end}"

    return buyer_pages.page(settings, status, pages.html(page, action=action, form=form, href=href))
