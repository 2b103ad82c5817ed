"""A buyer pays on Stripe's page.

Amounts come from the records alone. A page holds its invoices as any payment does: nothing else asks for them
while it is open, and nobody gets its address before it is written down here.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.billing.collection import CollectionMethod, Method, taking
from chalicelib.billing.currencies import MINIMUM_CHARGE
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.gateway import (
    AtCheckout,
    Canceled,
    Declined,
    Outcome,
    Page,
    Request,
    Unavailable,
    Unknown,
)
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import applicable
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import attach, clear, collect, outcomes, reconcile, settle
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

# Stripe's shortest is 30 minutes from when it is asked: the request may take a moment on its way.
PAGE_LIVES = timedelta(minutes=31)
# A page with less time left is not worth going back to.
STILL_WORTH = timedelta(minutes=5)
ON_PAGE = "Stripe's page"
TRIES, PAUSE_SECONDS = 4, 0.5
REFUSED = "page_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What a buyer wants a page to be; `customer` is theirs at the gateway."""

    customer: str
    back_url: str
    save: bool


class CustomerGone(WrongState):
    """The gateway does not know a contact's customer any more: no page was opened."""

    def __init__(self, payment: Payment, request: Request, detail: str) -> None:
        super().__init__(REFUSED, detail)
        self.contact, self.customer = payment.contact, request.customer


def pay(service: Service, account: str, invoices: Sequence[str], *, back_url: str, save: bool = False) -> str:
    """The address of Stripe's page on which these invoices (ids) of one subscription are paid at once.

    `save` keeps the method and charges the subscription on it from then on. A page still open for the same amounts is
    the one gone back to; any other payment of them is called off first. "{payment}" in `back_url` becomes the payment's
    id. Where what the customer has to their credit pays it all, it is `back_url` itself.

    Raises NotFound, Invalid, WrongState (`invoice_not_payable`, `online_payment_off`, `payment_under_way`,
    `payment_processing` and others), and Unavailable.
    """
    names = list(dict.fromkeys(invoices))
    for _ in range(TRIES):
        try:
            return _page(service, account, names, back_url=back_url, save=save)
        except CustomerGone as gone:
            attach.customer_anew(service, account, gone.contact, gone.customer)
            continue
        except WrongState as busy:
            if busy.code != clear.UNDER_WAY:
                raise
        time.sleep(
            PAUSE_SECONDS
        )  # another tab, or a worker, is at it: that takes a second, and the buyer waits
    return _page(service, account, names, back_url=back_url, save=save)


def refresh(service: Service, account: str, payment: str) -> Payment:
    """A payment as Stripe knows it now: its buyer is waiting. Where Stripe does not answer, as it was."""
    before = service.store.get(Payment, account, payment)
    if before.open:
        reconcile.payments(service, account, [keys.key_of(before)], at_once=True)
    return service.store.get(Payment, account, payment)


def _page(service: Service, account: str, names: Sequence[str], *, back_url: str, save: bool) -> str:
    found = _read(service, account, names)
    _, owed = _payable(found, account, names)
    page = _open_page(service, found, account, names, save=save)
    if page is not None and (url := _gone_back_to(service, page)):
        return url
    clear.payments(service, account, list({invoice.payment for invoice in owed if invoice.payment}))
    buyer = _contact(found, account, names)
    customer = buyer.customer or attach.customer(service, account, buyer)
    wish = _Wish(customer=customer, back_url=back_url, save=save)
    payment, known = retried(lambda: _reserved(service, account, names, wish))
    if payment is None:
        return back_url
    return _opened(service, payment, known)


# -- what may be paid on a page -----------------------------------------------------------------------


def _read(service: Service, account: str, names: Sequence[str]) -> Reading:
    """The invoices, their account, subscriptions and contacts, and the payments that hold them."""
    found = service.store.load(
        account, [keys.key(Account, account, account), *(keys.key(Invoice, account, name) for name in names)]
    )
    owed = [found.get(Invoice, account, name) for name in names]
    wanted = [keys.key(Subscription, account, invoice.subscription) for invoice in owed]
    wanted += [keys.key(Contact, account, invoice.contact) for invoice in owed]
    wanted += [keys.key(Payment, account, invoice.payment) for invoice in owed if invoice.payment]
    found.add(service.store.load(account, wanted))
    return found


def _payable(found: Reading, account: str, names: Sequence[str]) -> tuple[Subscription, list[Invoice]]:
    """The subscription and its invoices, oldest first. Raises Invalid or WrongState on what cannot be paid on a page."""
    if not 1 <= len(names) <= collect.MOST_AT_ONCE:
        detail = f"Between one and {collect.MOST_AT_ONCE} invoices are paid at once; choose fewer."
        raise Invalid("invoices_out_of_range", detail, "invoices")
    owed = sorted((found.get(Invoice, account, name) for name in names), key=lambda one: one.position)
    if len({invoice.subscription for invoice in owed}) > 1 or len({invoice.currency for invoice in owed}) > 1:
        detail = "Invoices of several subscriptions or currencies are paid apart."
        raise Invalid("invoices_apart", detail, "invoices")
    for invoice in owed:
        if not invoice.amount_due:
            detail = f"{invoice.number} is {invoice.status}: nothing of it is to be paid."
            raise WrongState("invoice_not_payable", detail)
    subscription = found.get(Subscription, account, owed[0].subscription)
    if not subscription.collects.online:
        detail = f"{', '.join(one.number for one in owed)} cannot be paid online; pay as the invoice says."
        raise WrongState("online_payment_off", detail)
    return subscription, owed


def _contact(found: Reading, account: str, names: Sequence[str]) -> Contact:
    return found.get(Contact, account, found.get(Invoice, account, names[0]).contact)


# -- a page that is open already --------------------------------------------------------------------


def _open_page(
    service: Service, found: Reading, account: str, names: Sequence[str], *, save: bool
) -> Payment | None:
    """The payment whose page asks for exactly what would be asked for now, if there is one."""
    subscription, owed = _payable(found, account, names)
    held = {invoice.payment for invoice in owed}
    payment = found.find(Payment, account, next(iter(held)) or "") if len(held) == 1 else None
    page = payment.request.page if payment and payment.open and payment.request else None
    if payment is None or page is None or page.switches != save:
        return None
    at = Moment(found.get(Account, account, account), service.real())
    balance = _contact(found, account, names).balance(owed[0].currency)
    if any(applicable(balance, invoice.amount_due) for invoice in owed):
        return None
    nobody = Method(id="", customer="", label=ON_PAGE)
    now = collect.payment_for(subscription, nobody, tuple(owed), Origin.CHECKOUT, at)
    enough = page.expires_at - at.real >= STILL_WORTH
    return payment if enough and now.allocations == payment.allocations else None


def _gone_back_to(service: Service, payment: Payment) -> str | None:
    """The address of a payment's page while it is open; one whose answer was lost is asked for again, and is the same."""
    if payment.status is PaymentStatus.CHECKOUT and payment.session:
        now = service.gateway.fetch_checkout(payment.session)
        return now.url if isinstance(now, AtCheckout) else None
    if payment.status not in (PaymentStatus.PENDING, PaymentStatus.HELD) or payment.request is None:
        return None
    answer = service.gateway.checkout(payment.id, payment.request)
    if not isinstance(answer, AtCheckout):
        return None
    known = service.store.load(payment.account, [keys.key_of(payment), *_account_and(payment)])
    return _written(service, payment, answer, known)


# -- a new page ---------------------------------------------------------------------------------------


def _reserved(
    service: Service, account: str, names: Sequence[str], wish: _Wish
) -> tuple[Payment | None, Reading]:
    """The payment of a page, written with what it holds; None where nothing is left to pay once the balance is applied.

    It may have paid some of them already, as the page that held them was called off.
    """
    found = _read(service, account, names)
    names = [name for name in names if not found.get(Invoice, account, name).paid_by_credit]
    if not names:
        return None, found
    subscription, owed = _payable(found, account, names)
    at, changes = Moment(found.get(Account, account, account), service.real()), Changeset(account, found)
    if held := next((invoice.payment for invoice in owed if invoice.payment), None):
        raise clear.under_way(found.get(Payment, account, held))
    after = [settle.from_balance(changes, invoice, at) for invoice in owed]
    together = tuple(invoice for invoice in after if invoice.status is InvoiceStatus.OPEN)
    payment = None
    if together:
        chosen_there = Method(id="", customer=wish.customer, label=ON_PAGE)
        asked = collect.payment_for(subscription, chosen_there, together, Origin.CHECKOUT, at)
        _check_amount(asked)
        payment = replace(asked, request=_request(asked, subscription, wish, at))
        changes.begin(payment, *(invoice.reserved(payment.id) for invoice in together))
        changes.check(changes.get(Subscription, subscription.id))
    found.add(service.store.commit(changes))
    return payment and found.get(Payment, account, payment.id), found


def _check_amount(payment: Payment) -> None:
    least = MINIMUM_CHARGE.get(payment.amount.currency, 0)
    if payment.amount.amount < least:
        detail = f"{payment.amount} is less than can be paid online."
        raise WrongState("amount_too_small", detail)


def _request(payment: Payment, subscription: Subscription, wish: _Wish, at: Moment) -> Request:
    if payment.request is None:
        raise AssertionError("A payment at Stripe has a request.")
    collects = subscription.collects
    awaits = collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE and subscription.method is None
    page = Page(
        types=taking(collects.types or at.account.method_types, subscription.currency),
        back_url=wish.back_url.replace("{payment}", payment.id),
        expires_at=at.real + PAGE_LIVES,
        addresses=collects.addresses,
        save_method=wish.save or awaits or collects.save_method,
        switches=wish.save,
    )
    return replace(payment.request, page=page)


def _opened(service: Service, payment: Payment, known: Reading) -> str:
    """Ask for the page of a payment just written. What was surely not carried out, or was refused, holds nothing."""
    if payment.request is None:
        raise AssertionError("A page is asked for by a request.")
    answer: Outcome
    trouble: Exception | None = None
    try:
        answer = service.gateway.checkout(payment.id, payment.request)
    except Unavailable as nobody:
        answer, trouble = Canceled(reference=""), nobody
    match answer:
        case Declined():
            trouble = _refused(payment, payment.request, answer)
            answer = Canceled(reference="")
        case Unknown():
            trouble = Unavailable(answer.reason)
        case AtCheckout():
            return _written(service, payment, answer, known)
        case _:
            pass
    outcomes.answered(service, payment.account, {payment.id: answer}, known)
    raise trouble or clear.under_way(payment)


def _refused(payment: Payment, request: Request, answer: Declined) -> WrongState:
    detail = answer.message or f"Stripe opens no page for it: {answer.code}."
    if answer.code == attach.GONE:
        return CustomerGone(payment, request, detail)
    return WrongState(REFUSED, detail)


def _written(service: Service, payment: Payment, page: AtCheckout, known: Reading) -> str:
    """The page's address, once its payment is known to be there; where that has ended meanwhile, the page ends too."""
    outcomes.answered(service, payment.account, {payment.id: page}, known)
    kept = service.store.get(Payment, payment.account, payment.id)
    if kept.open and kept.session == page.session:
        return page.url
    service.gateway.expire(page.session)
    raise clear.under_way(kept)


def _account_and(payment: Payment) -> list[str]:
    return [keys.key(Account, payment.account, payment.account), *outcomes.beside(payment)]
