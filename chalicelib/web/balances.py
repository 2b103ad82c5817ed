"""What contacts have to their credit, adjusted by hand."""

from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money
from chalicelib.crm.contacts import Contact
from chalicelib.operations import credit
from chalicelib.web.bodies import Body, Currency, Text
from chalicelib.web.endpoint import Call


class Amount(Body, frozen=True):
    """Minor units of a currency."""

    amount: int
    currency: Currency


class Adjustment(Body, frozen=True):
    """What is added to a contact's balance in a currency, or taken from it where the amount is negative, and why."""

    amount: Amount
    reason: Text = ""


def adjust(call: Call, id_: str, body: Adjustment) -> Contact:
    """Add to what a contact has to their credit, or take from it; their next invoices are paid from it first."""
    amount = money(body.amount, "amount")
    return credit.balance(call.service, call.account.id, id_, amount, reason=body.reason)


def money(amount: Amount, param: str) -> Money:
    """An amount as sent. Raises Invalid naming the field to blame."""
    try:
        return Money(amount.amount, amount.currency)
    except Invalid as refused:
        raise Invalid(refused.code, refused.detail, f"{param}.{refused.param}") from None
