"""Checkout's page as a buyer sees it: what is paid to whom, and the form that pays or saves."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from sandbox.stripe import currencies, page_methods
from sandbox.stripe.checkout_payments import Typed
from sandbox.stripe.page_html import Filled, alert, field, group, page
from sandbox.stripe.payment_methods import NO_ADDRESS
from sandbox.stripe.replies import Reply
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

_ADDRESS = (
    ("line1", "Address", "address-line1", True),
    ("line2", "Address, second line (optional)", "address-line2", False),
    ("city", "City", "address-level2", True),
    ("state", "State or region (optional)", "address-level1", False),
    ("postal_code", "Postal code", "postal-code", True),
    ("country", "Country, as two letters (US, DE …)", "country", True),
)


def shown(call: Call, session: Thing, filled: Filled, *, status: int = 200) -> Reply:
    verb = _verb(session)
    whom = merchant(call)
    title = f"Save a payment method with {whom}" if verb == "Save" else f"Pay {whom}"
    back = session["cancel_url"]
    attempt = call.account.noted(session["id"], "attempts") or 0
    form = (
        _form_start(session, attempt)
        + _contact(filled)
        + _methods(call, session, filled)
        + _addresses(session, filled)
        + _save(session, filled)
        + f'<button name="pay" value="yes">{verb} {escape(_total(session))}</button></form>'
        + _form_start(session, attempt, "removing")
        + "</form>"
    )
    leave = f'<p><a href="{escape(back, quote=True)}">Back to {escape(whom)}</a></p>' if back else ""
    body = _lines(call, session) + alert(filled) + form + leave
    return page(title, body, status=status, troubled=filled.troubled)


def _form_start(session: Thing, attempt: int, id_: str = "paying") -> str:
    return (
        f'<form id="{id_}" method="post" action="/c/pay/{escape(session["id"])}" novalidate>'
        f'<input type="hidden" name="attempt" value="{attempt}">'
    )


def merchant(call: Call) -> str:
    return str(call.account.noted(call.account.name, "merchant") or "Sandbox Shop")


def _verb(session: Thing) -> str:
    return "Save" if session["mode"] == "setup" else "Pay"


def _total(session: Thing) -> str:
    return "" if session["mode"] == "setup" else _money(session["amount_total"], session["currency"])


def _money(amount: int, currency: str) -> str:
    return f"{currencies.written(amount, currency)} {currency.upper()}"


def _lines(call: Call, session: Thing) -> str:
    if session["mode"] == "setup":
        return "<p>Nothing is paid now. The method is kept for later payments.</p>"
    lines = "".join(
        f"<li><span>{line['quantity']} × {escape(line['description'])}</span>"
        f"<span>{escape(_money(line['amount_total'], line['currency']))}</span></li>"
        for line in call.account.noted(session["id"], "lines")
    )
    total = f"<p><strong>Total</strong><strong>{escape(_total(session))}</strong></p>"
    return f'<div class="lines"><ul class="lines">{lines}</ul>{total}</div>'


def known_email(call: Call, session: Thing) -> str | None:
    """A customer's own address is shown, and cannot be changed here."""
    return call.account.get("customer", session["customer"]).get("email") if session["customer"] else None


def prefilled(call: Call, session: Thing) -> dict[str, str]:
    """What is known of the customer already, to be typed over where it is wrong."""
    if not session["customer"]:
        return {}
    customer = call.account.get("customer", session["customer"])
    shipping = customer.get("shipping") or {}
    known = {"name": customer.get("name"), "shipping-name": shipping.get("name")}
    for kind, address in (("billing", customer.get("address")), ("shipping", shipping.get("address"))):
        known |= {f"{kind}-{part}": (address or {}).get(part) for part, *_ in _ADDRESS}
    return {name: value for name, value in known.items() if value}


def _contact(filled: Filled) -> str:
    locked = {"readonly": "readonly"} if filled.value("known") else {}
    more = {"type": "email", **locked}
    return group("Contact", field(filled, "email", "E-mail", autocomplete="email", **more))


def offered(call: Call, session: Thing) -> list[Thing]:
    """The customer's saved methods that may be shown again, newest first."""
    if not session["customer"] or session["mode"] == "setup":
        return []
    wanted = session["saved_payment_method_options"]["allow_redisplay_filters"]
    shelf = call.account.shelf("payment_method")
    return [
        method
        for method in shelf.newest_first(("customer", session["customer"]))
        if method["type"] in session["payment_method_types"] and method["allow_redisplay"] in wanted
    ]


def _methods(call: Call, session: Thing, filled: Filled) -> str:
    if session["amount_total"] == 0:
        return "<p>There is nothing to pay.</p>"
    saved = offered(call, session)
    choices = [(f"saved:{method['id']}", _label(method), _remove(session, method)) for method in saved]
    choices += [
        (f"new:{type_}", page_methods.LABELS[type_], page_methods.fields(type_, filled))
        for type_ in session["payment_method_types"]
    ]
    chosen = filled.value("method") or choices[0][0]
    radios = "".join(_choice(value, label, inside, chosen == value) for value, label, inside in choices)
    name = field(filled, "name", "Name on the card or account", autocomplete="name")
    return group("Payment method", radios, name)


def _choice(value: str, label: str, inside: str, checked: bool) -> str:
    id_ = "method-" + value.replace(":", "-")
    mark = " checked" if checked else ""
    return (
        f'<div class="choice"><input type="radio" name="method" id="{escape(id_)}" value="{escape(value)}"{mark}>'
        f'<label for="{escape(id_)}">{escape(label)}</label><div class="fields">{inside}</div></div>'
    )


def _label(method: Thing) -> str:
    inner = method[method["type"]]
    kind = inner.get("brand", page_methods.LABELS[method["type"]]).capitalize()
    return f"{kind} ending in {inner['last4']}"


def _remove(session: Thing, method: Thing) -> str:
    if session["saved_payment_method_options"]["payment_method_remove"] != "enabled":
        return ""
    label = f"Remove {_label(method)}"
    # A form of its own: the Enter key presses the first button of the form it is pressed in.
    more = f'class="second small" form="removing" name="remove" value="{method["id"]}"'
    return f"<button {more}>{escape(label)}</button>"


def _addresses(session: Thing, filled: Filled) -> str:
    parts = ""
    if session["billing_address_collection"] == "required":
        parts += _address("Billing address", "billing", filled)
    if session["shipping_address_collection"]:
        name = field(filled, "shipping-name", "Full name", autocomplete="shipping name")
        parts += _address("Shipping address", "shipping", filled, name)
    return parts


def _address(legend: str, kind: str, filled: Filled, before: str = "") -> str:
    rows = (
        field(filled, f"{kind}-{name}", label, autocomplete=f"{kind} {autocomplete}")
        for name, label, autocomplete, _ in _ADDRESS
    )
    return group(legend, before, *rows)


def _may_save(session: Thing) -> bool:
    options = session["saved_payment_method_options"] or {}
    owner = session["customer"] or session["customer_creation"] == "always"
    return bool(owner and options.get("payment_method_save") == "enabled")


def _save(session: Thing, filled: Filled) -> str:
    if not _may_save(session):
        return ""
    mark = " checked" if filled.value("save") else ""
    return (
        f'<div class="tick"><input type="checkbox" id="save" name="save" value="yes"{mark}>'
        '<label for="save">Save this method for future purchases</label></div>'
    )


def typed(call: Call, session: Thing, filled: Filled) -> Typed:
    """What was typed beside the method; what is missing goes into `filled.errors`."""
    email = known_email(call, session) or filled.value("email")
    if "@" not in email.strip("@"):
        filled.errors["email"] = "Your e-mail address is incomplete."
    billing = session["billing_address_collection"] == "required"
    shipping = None
    if session["shipping_address_collection"]:
        name = filled.value("shipping-name")
        if not name:
            filled.errors["shipping-name"] = "The name for the shipping address is missing."
        shipping = {"name": name, "address": _typed_address("shipping", filled, _countries(session))}
    return Typed(
        email=email,
        name=filled.value("name") or None,
        address=_typed_address("billing", filled, None) if billing else None,
        shipping=shipping,
        save=_may_save(session) and bool(filled.value("save")),
    )


def _countries(session: Thing) -> list[str]:
    return list(session["shipping_address_collection"]["allowed_countries"])


def _typed_address(kind: str, filled: Filled, countries: list[str] | None) -> Thing:
    given = {name: filled.value(f"{kind}-{name}") or None for name, *_ in _ADDRESS}
    for name, label, _, needed in _ADDRESS:
        if needed and not given[name]:
            filled.errors[f"{kind}-{name}"] = f"{label}: this is missing."
    country = (given["country"] or "").upper()
    if country and (len(country) != 2 or not country.isalpha()):
        filled.errors[f"{kind}-country"] = "The country must be two letters, such as US."
    elif country and countries is not None and country not in countries:
        where = (
            f"We ship to {', '.join(countries)} only." if len(countries) <= 10 else "We do not ship there."
        )
        filled.errors[f"{kind}-country"] = where
    return {**NO_ADDRESS, **given, "country": country or None}


def after(session: Thing) -> str:
    """Where the buyer goes on once the session is complete."""
    url, name = str(session["success_url"]), quote(session["id"])
    return url.replace("{CHECKOUT_SESSION_ID}", name).replace("%7BCHECKOUT_SESSION_ID%7D", name)


def ended(call: Call, session: Thing) -> Reply:
    whom = escape(merchant(call))
    if session["status"] == "complete":
        said = "This page has done its work: there is nothing more to pay here."
        body = f'<p>{said}</p><p><a href="{escape(after(session), quote=True)}">Go on to {whom}</a></p>'
        return page("All done", body)
    back = session["cancel_url"]
    link = f'<p><a href="{escape(back, quote=True)}">Back to {whom}</a></p>' if back else ""
    return page("This page has expired", f"<p>Nothing was paid. Ask {whom} for a new link.</p>{link}")
