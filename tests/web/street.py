"""A deployment with two accounts that have a record of each kind, and what honest callers send them."""

from dataclasses import dataclass
from typing import Any

from chalicelib.billing.gateway import DisputeTold
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import collect, dispute, renew, stop_mail
from chalicelib.store import keys
from chalicelib.store.changes import Changeset
from chalicelib.web.routes import Route
from sandbox.mail_events import bounce
from tests.web.conftest import Api
from tests.web.test_suppressions import sent

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPgzvMHAAFQAMmqFjo2AAAAAElFTkSuQmCC"


@dataclass(frozen=True)
class Street:
    """One deployment and two accounts: `own` and `foreign` name the records of each."""

    api: Api
    own: dict[str, str]
    foreign: dict[str, str]

    def path(self, route: Route, ids: dict[str, str] | None = None) -> str:
        kind = [*route.path.split("/"), ""][2].removesuffix("s")  # an act is on what its path names
        named = ids or self.own
        at = {"kind": "subscription", "letter": "receipt", "language": "de"}
        path = route.path.format(id=named.get(route.name) or named.get(kind, "none"), **at)
        return f"{path}?contact={self.own['contact']}" if route.name == "payment_methods.list_" else path

    def body(self, route: Route, ids: dict[str, str] | None = None) -> dict[str, Any]:
        """What an honest caller sends."""
        return NAMELESS.get(route.name) or self._naming(ids or self.own).get(route.name, {})

    def _naming(self, own: dict[str, str]) -> dict[str, dict[str, Any]]:
        """Bodies that name records, by route."""
        card = {"contact": own["contact"], "payment_method": own["payment_method"]}
        order = {**card, "lines": [{"product": own["product"]}]}
        return {
            "payment_methods.attach": {"contact": own["contact"], "payment_method": "pm_card_mastercard"},
            "subscriptions.create": order,
            "subscriptions.preview": order,
            "orders.create": order,
            "orders.preview": order,
            "simulations.draft": {**order, "until": "2026-06-01"},
            "promotion_codes.create": {"code": "WELCOME", "coupon": own["coupon"]},
            "changes.change": {"coupons": [own["coupon"]]},
            "changes.preview": {"coupons": [own["coupon"]]},
            "subscriptions.change_method": {"payment_method": own["payment_method"]},
            "payments.record": {
                "contact": own["contact"],
                "amount": {"amount": 100, "currency": "usd"},
                "received_on": "2026-01-31",
                "type": "check",
            },
            "contacts.update": {"name": "Beate", "company": own["companie"], "language": "de"},
            "invoice_settings.change": {"company": own["companie"], "comments": "*Hi*", "reference": "PO-1"},
            "credit_notes.create": {"invoice": own["credit_notes.create"]},
            "credit_notes.preview": {"invoice": own["invoice"]},
            "refunds.create": {"payment": own["refunds.create"]},
        }


NAMELESS: dict[str, dict[str, Any]] = {
    "accounts.create": {"name": "Second", "email": "two@example.com"},
    "api_keys.create": {"name": "laptop"},
    "logos.change": {"picture": PIXEL},
    "contacts.create": {"name": "Bo", "email": "bo@example.com"},
    "products.create": {"name": "Tea", "unit_amount": "12.5", "frequency": "weekly"},
    "tax_rates.create": {"name": "VAT", "percentage": "7.7"},
    "coupons.create": {"name": "Welcome", "percent": "12.5"},
    "lifecycle.cancel": {"at_period_end": True},
    "lifecycle.pause": {"shifts": False},
    "lifecycle.resume": {"shifts": False},
    "lifecycle.next_billing_date": {"on": "2026-03-10"},
    "simulations.subscription": {"until": "2026-06-01"},
    "subscriptions.change_collection": {"accepted_types": ["card"], "collect_addresses": ["billing"]},
    "links.method": {"send": True},
    "invoices.schedule": {"instalments": [{"due_on": "2026-03-10", "percent": 100}]},
    "accounts.change": {"billing_hour": 7},
    "retry_policies.replay": {"retries": "default", "start_on": "2026-01-01", "end_on": "2026-01-31"},
    "companies.create": {"name": "Bo & Co", "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}]},
    "companies.update": {"address": {"country": "DE"}, "website": "https://bo.example"},
    "users.create": {"name": "Gus", "email": "gus@example.com", "letters": ["staff_dispute"]},
    "users.update": {"letters": ["staff_payment"]},
    "letters.change": {"title": "Danke"},
    "profile.change": {
        "legal_name": "Roaster Ltd",
        "comments": "Thanks {{us}}",
        "snippets": [{"name": "us", "text": "from us"}],
    },
    "balances.adjust": {"amount": {"amount": 100, "currency": "usd"}},
    "test_clock.advance": {"to": "2026-02-28T00:00:00Z"},
    "webhook_endpoints.create": {"url": "https://hooks.example.com/", "events": ["refund.failed"]},
    "webhook_endpoints.update": {"description": "Other"},
    "webhook_endpoints.rotate_secret": {"expires_in_hours": 1},
    "webhook_endpoints.resend": {"since": "2026-01-31T00:00:00Z"},
}
"""Bodies that name no record, by route."""


def stocked(api: Api, key: str | None) -> dict[str, str]:
    """One record of each kind that can be named, by kind; by route where that leaves it of no use to others."""
    sold = api.sells(key)
    return _of_each_kind(api, key, sold) | _used_up(api, key, sold["contact"])


def _of_each_kind(api: Api, key: str | None, sold: dict[str, Any]) -> dict[str, str]:
    invoice = _owes(api, key)
    cent = {"line": 0, "amount": {"amount": 1, "currency": "usd"}}
    note = api.post("/v1/credit_notes", {"invoice": invoice, "lines": [cent]}, key=key)["id"]
    coupon = api.post("/v1/coupons", {"name": "Ten", "percent": 10}, key=key)["id"]
    code = {"code": "THEIRS" if key else "OURS", "coupon": coupon}
    endpoint = _listens(api, key)
    delivered = api.post(f"/v1/webhook_endpoints/{endpoint}/test", key=key)["id"]
    return {
        "webhook_endpoint": endpoint,
        "webhook_deliveries.get": delivered,
        "webhook_deliveries.resend": delivered,
        "subscription": sold["id"],
        "invoice": invoice,
        "credit_note": note,
        "refund": api.post("/v1/refunds", {"payment": _asked_for(api, key)}, key=key)["id"],
        "dispute": _disputed(api, key),
        "coupon": coupon,
        "tax_rate": api.post("/v1/tax_rates", {"name": "VAT", "percentage": "19"}, key=key)["id"],
        "payment": _asked_for(api, key),
        "promotion_code": api.post("/v1/promotion_codes", code, key=key)["id"],
        "contact": sold["contact"],
        "companie": api.post("/v1/companies", {"name": "Bo"}, key=key)["id"],
        "suppression": _bounced(api, key),
        "user": _user(api, key),
        "payment_method": sold["payment_method"]["id"],
        "product": sold["lines"][0]["product"],
        "event": api.get("/v1/events", key=key)["data"][0]["id"],
        "api_key": api.get("/v1/api_keys", key=key)["data"][0]["id"],
    }


def _used_up(api: Api, key: str | None, contact: str) -> dict[str, str]:
    return {
        "webhook_endpoints.delete": _listens(api, key),
        "webhook_endpoints.disable": _listens(api, key),
        "webhook_endpoints.enable": _listens(api, key),
        "credit_notes.create": _owes(api, key),
        "invoices.void": _owes(api, key),
        "invoices.pay": _owes(api, key),
        "invoices.mark_uncollectible": _owes(api, key),
        "invoices.reopen": _given_up(api, key),
        "invoices.schedule": _owes(api, key),
        "payments.undo": _came(api, key, contact),
        "refunds.create": _asked_for(api, key),
        "lifecycle.cancel": _runs(api, key),
        "lifecycle.reactivate": _runs(api, key, "cancel", at_period_end=True),
        "lifecycle.pause": _runs(api, key),
        "lifecycle.resume": _runs(api, key, "pause"),
        "lifecycle.next_billing_date": _runs(api, key),
        "subscriptions.change_collection": _runs(api, key),
        "subscriptions.delete": api.sells(key)["id"],
        "changes.change": _runs(api, key),
        "changes.preview": _runs(api, key),
        "explanations.get": _owes(api, key),
        "users.delete": _user(api, key),
    }


def _owes(api: Api, key: str | None) -> str:
    """An open invoice of a subscription of its own."""
    return str(api.get(f"/v1/invoices?subscription={_runs(api, key)}", key=key)["data"][0]["id"])


def _given_up(api: Api, key: str | None) -> str:
    """An uncollectible invoice."""
    owed = _owes(api, key)
    assert api.post(f"/v1/invoices/{owed}/mark_uncollectible", key=key).status == 200
    return owed


def _runs(api: Api, key: str | None, verb: str = "", **body: Any) -> str:
    """A subscription that has been billed, and then is told something."""
    sold = api.sells(key)["id"]
    account = api.get("/v1/account", key=key)["id"]
    renew.subscriptions(api.service, account, [keys.key(Subscription, account, sold)])
    if verb:
        told = api.post(f"/v1/subscriptions/{sold}/{verb}", body, key=key)
        assert told.status == 200, told.text
    return str(sold)


def _user(api: Api, key: str | None) -> str:
    """A person of the business."""
    return str(api.post("/v1/users", {"name": "Gus", "email": "gus@example.com"}, key=key)["id"])


def _came(api: Api, key: str | None, contact: str) -> str:
    """A payment that was written down by hand, and is its contact's balance."""
    amount = {"amount": 100, "currency": "usd"}
    body = {"contact": contact, "amount": amount, "received_on": "2026-01-31", "type": "cash", "invoices": []}
    return str(api.post("/v1/payments", body, key=key)["id"])


def _asked_for(api: Api, key: str | None) -> str:
    """A payment of an invoice."""
    account = api.get("/v1/account", key=key)["id"]
    collect.invoices(api.service, account, [keys.key(Invoice, account, _owes(api, key))])
    return str(api.get("/v1/payments", key=key)["data"][0]["id"])


def _disputed(api: Api, key: str | None) -> str:
    """A dispute of a payment, as Stripe's word of it is kept."""
    account = api.get("/v1/account", key=key)["id"]
    paid = api.service.store.get(Payment, account, _asked_for(api, key))
    told = DisputeTold(
        id="du_theirs" if key else "du_ours",
        intent=paid.reference or "",
        amount=paid.amount,
        reason="fraudulent",
        status="needs_response",
        withdrawn=paid.amount,
        fee=Money(1500, "usd"),
        type="card",
    )
    reading = api.service.store.load(account, [keys.key_of(paid), keys.key(Account, account, account)])
    changes = Changeset(account, reading)
    dispute.told(changes, paid, told, Moment(reading.get(Account, account, account), api.now))
    api.service.store.commit(changes)
    return told.id


def _listens(api: Api, key: str | None) -> str:
    """An endpoint that hears of what never happens here."""
    body = {"url": "https://hooks.example.com/", "events": ["refund.failed"]}
    return str(api.post("/v1/webhook_endpoints", body, key=key)["id"])


def _bounced(api: Api, key: str | None) -> str:
    """An address that is not written to any more."""
    account = api.get("/v1/account", key=key)["id"]
    to = f"{account}@example.com"  # one address has one name, in every account that wrote to it
    stop_mail.hear(api.service, bounce(sent(api, account, key, to=to), account, api.now))
    return str(api.get("/v1/suppressions", key=key)["data"][0]["id"])
