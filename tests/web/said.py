"""What a business says of itself, of a company and of a person, and how it sells and bills."""

from typing import Any

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import renew
from chalicelib.store import keys
from tests.web.conftest import Api, Told

HOME = {
    "country": "FR",
    "line1": "1 Rue X",
    "line2": "",
    "city": "Paris",
    "postal_code": "75011",
    "state": "",
}
DOCK = {
    "country": "DE",
    "line1": "Kai 7",
    "line2": "",
    "city": "Hamburg",
    "postal_code": "20457",
    "state": "",
}
VAT = {"type": "eu_vat", "value": "DE136695976"}
PROFILE: dict[str, Any] = {
    "legal_name": "Rösterei am Markt GmbH",
    "address": DOCK,
    "email": "rechnung@roaster.example",
    "phone": "+49 40 555 0100",
    "website": "https://roaster.example",
    "registration": "HRB 1234, Amtsgericht Hamburg",
    "tax_ids": [VAT],
    "bank": {
        "iban": "DE89370400440532013000",
        "bic": "COBADEFFXXX",
        "holder": "Rösterei",
        "bank": "Bank",
        "lines": "",
    },
    "color": "#0a5c36",
    "language": "de",
    "locale": "de-AT",
    "comments": "Danke! {{terms}}",
    "footer": "**Rösterei**",
    "snippets": [{"name": "terms", "text": "[AGB](https://roaster.example/agb)"}],
}
COMPANY: dict[str, Any] = {
    "name": "Analytical Engines Ltd",
    "email": "bills@engines.example",
    "phone": "+44 20 7946 0000",
    "website": "https://engines.example",
    "address": HOME,
    "shipping_address": DOCK,
    "registration": "12345678",
    "tax_ids": [{"type": "gb_vat", "value": "GB980780684"}],
    "language": "en",
    "locale": "en-GB",
}
PERSON: dict[str, Any] = {
    "name": "Ada",
    "email": "ada@example.com",
    "address": HOME,
    "tax_exempt": None,
    "company": None,
    "phone": "+33 1 55 55 01 00",
    "shipping_address": DOCK,
    "tax_ids": [{"type": "eu_vat", "value": "FR40303265045"}],
    "language": "fr",
    "locale": "fr-CA",
}


def does(told: Told, status: int = 200) -> Any:
    assert told.status == status, told.text
    return told.body


def bills(api: Api, sold: str) -> Invoice:
    """The next invoice of a subscription, as a worker issues it when its day has come."""
    before = api.service.store.get(Subscription, api.account.id, sold)
    api.now = max(api.now, before.next_at)
    renew.subscriptions(api.service, api.account.id, [keys.key_of(before)])
    invoices = api.get(f"/v1/invoices?subscription={sold}")["data"]
    return api.service.store.get(Invoice, api.account.id, invoices[0]["id"])


def sells_to(api: Api, **contact: Any) -> tuple[str, str]:
    """A subscription of a contact, and the contact."""
    sold = api.sells()
    does(api.post(f"/v1/contacts/{sold['contact']}", contact))
    return sold["id"], sold["contact"]
