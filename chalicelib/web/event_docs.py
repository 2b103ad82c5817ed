"""What each type of event says happened, as the OpenAPI document describes it."""

from typing import Any, Final

from chalicelib.billing.events import EventType
from chalicelib.operations.event_payloads import VERSION, subject_type
from chalicelib.web.http import JSON

SAYS: Final[dict[EventType, str]] = {
    EventType.SUBSCRIPTION_CREATED: "A subscription was created.",
    EventType.SUBSCRIPTION_PAST_DUE: "A payment of a subscription failed, and will be asked for again.",
    EventType.SUBSCRIPTION_UNPAID: "A subscription's invoice stays unpaid: nothing more is asked for by itself.",
    EventType.SUBSCRIPTION_RECOVERED: "What a subscription owed is paid; it is active again.",
    EventType.SUBSCRIPTION_METHOD_CHANGED: "A subscription is charged on another payment method from now on.",
    EventType.SUBSCRIPTION_METHOD_ASKED: "A customer was sent the page on which to leave a payment method.",
    EventType.SUBSCRIPTION_CANCELING: "A subscription will be canceled, at the end of its period or on a day.",
    EventType.SUBSCRIPTION_CANCELED: "A subscription was canceled; `about.credit_notes` are the credit notes, if any, that gave its rest back.",
    EventType.SUBSCRIPTION_EXPIRED: "A subscription with a fixed term reached its end.",
    EventType.INVOICE_UPCOMING: "A customer is told of a payment to come; there is no invoice yet, so it is about the subscription.",
    EventType.SUBSCRIPTION_CHANGED: "What a subscription bills, or when, was changed; `about.credit_notes` are the credit notes, if any, that came with it.",
    EventType.SUBSCRIPTION_PAUSED: "A subscription was paused.",
    EventType.SUBSCRIPTION_RESUMED: "A paused subscription goes on.",
    EventType.SUBSCRIPTION_REACTIVATED: "A subscription that was canceled, or was to be, goes on.",
    EventType.INVOICE_OPENED: "An invoice was issued: its number, lines and total are final.",
    EventType.INVOICE_BALANCE_APPLIED: "Some of an invoice was paid from the customer's balance.",
    EventType.INVOICE_VOIDED: "An invoice was voided: nothing is owed by it.",
    EventType.INVOICE_UNCOLLECTIBLE: "An invoice was given up as a loss.",
    EventType.CREDIT_NOTE_ISSUED: "A credit note was issued.",
    EventType.BALANCE_ADJUSTED: "A customer's balance was adjusted by hand, or out of goodwill.",
    EventType.PAYMENT_SUCCEEDED: "A payment succeeded.",
    EventType.PAYMENT_DECLINED: "A payment was declined.",
    EventType.PAYMENT_ACTION_REQUIRED: "A payment waits for its customer to confirm it with their bank.",
    EventType.PAYMENT_PROCESSING: "A payment is on its way, which may take days.",
    EventType.PAYMENT_HELD: "Stripe's answer to a payment is not known; it is asked for.",
    EventType.PAYMENT_CANCELED: "A payment was called off before it took any money.",
    EventType.PAYMENT_CHECKOUT: "A page on which a customer can pay was opened.",
    EventType.PAYMENT_RECORDED: "Money that came another way was written down.",
    EventType.PAYMENT_TAKEN: "A payment that had been given up took money after all; it is the customer's balance.",
    EventType.PAYMENT_RETURNED: "A payment came back, by its bank or by hand: what it paid is owed again.",
    EventType.PAYMENT_FEE_KNOWN: "Stripe told what it kept of a payment.",
    EventType.INVOICE_REOPENED: "An invoice that had been given up is open again.",
    EventType.INVOICE_OVERDUE: "An invoice was not paid by its day.",
    EventType.INVOICE_STILL_OVERDUE: "An invoice is still not paid, some days after it was due.",
    EventType.INVOICE_SCHEDULED: "What an invoice owes was split over days.",
    EventType.REFUND_CREATED: "Money is on its way back to a customer.",
    EventType.REFUND_SUCCEEDED: "Money went back to a customer.",
    EventType.REFUND_FAILED: "Money could not be given back; it is the customer's balance.",
    EventType.DISPUTE_OPENED: "A customer, or a bank, asks for the money of a payment back.",
    EventType.DISPUTE_UPDATED: "A dispute stands otherwise than before.",
    EventType.DISPUTE_CLOSED: "A dispute is decided.",
    EventType.SUBSCRIPTION_DELETED: "A subscription was deleted; `data.object` is null.",
    EventType.SUBSCRIPTION_SENT: "A customer was sent a subscription to agree to.",
    EventType.PAYMENT_METHOD_EXPIRING: "A card that a subscription is charged on expires soon.",
    EventType.QUOTE_EXPIRING: "A quote expires soon.",
    EventType.SUBSCRIPTION_PAPERS: "How a subscription's documents are written, or in whose name, was changed.",
    EventType.CONTACT_CHANGED: "What is known of a contact was changed.",
    EventType.COMPANY_CHANGED: "What is known of a company was changed.",
    EventType.PROFILE_CHANGED: "What the business says of itself was changed.",
    EventType.ACCOUNT_CHANGED: "Settings of the account were changed; `about.account_change` names the change.",
    EventType.WEBHOOK_ENDPOINT_TESTED: "An endpoint was sent this to see whether it hears.",
    EventType.WEBHOOK_ENDPOINT_DISABLED: "An endpoint failed for days, or answered 410: nothing is sent to it any more; `about.since_on` is the local day since when it took nothing.",
    EventType.MAIL_STOPPED: "Letters to an address bounced for good, or its reader complained: it is not written to any more.",
    EventType.MAIL_RESUMED: "An address that was not written to may be again.",
}


def webhooks() -> dict[str, Any]:
    """What is posted to endpoints, by type: the same as `GET /v1/events/{id}` shows."""
    return {type_.value: {"post": _operation(type_)} for type_ in EventType}


def subjects() -> set[type]:
    """The kinds of records that events are about."""
    return {subject_type(type_) for type_ in EventType}


def _operation(type_: EventType) -> dict[str, Any]:
    about = {"$ref": f"#/components/schemas/{subject_type(type_).__name__}"}
    data = {"properties": {"object": {"anyOf": [about, {"type": "null"}]}}}
    properties = {"type": {"const": type_.value}, "version": {"const": VERSION}, "data": data}
    schema = {"allOf": [{"$ref": "#/components/schemas/EventPayload"}, {"properties": properties}]}
    return {
        "operationId": f"webhook_{type_.value.replace('.', '_')}",
        "tags": ["webhooks"],
        "summary": SAYS[type_],
        "description": f"{SAYS[type_]} Signed by Standard Webhooks; the same event may come more than once.",
        "security": [],
        "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
        "responses": {"2XX": {"description": "It was received; any other answer has it sent again."}},
    }
