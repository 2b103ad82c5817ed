"""How the amounts of an invoice came to be."""

from chalicelib.billing.explain import explained
from chalicelib.billing.explanation import Explanation
from chalicelib.billing.invoices import Invoice
from chalicelib.web.endpoint import Call


def get(call: Call, id_: str) -> Explanation:
    """Each amount of an invoice with everything it was computed from, exact numbers as decimals or fractions in text."""
    return explained(call.service.store.get(Invoice, call.account.id, id_))
