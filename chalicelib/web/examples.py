"""A body for each route that takes one, as the OpenAPI document shows it: what a day's work asks for."""

from typing import Any, Final

_CONTACT: Final = "con_01kan0g7s8gd7ymr3q2v"
_METHOD: Final = "pm_1QxYzABCDEFGHIJK"
_PRODUCT: Final = "prod_01kan0g7s9k2v5x8r4wd"
_RATE: Final = "txr_01kan0g7sa3m6z9t1bce"
_COUPON: Final = "cou_01kan0g7sb4n7y0v2dfg"
_COMPANY: Final = "com_01kan0g7sd6q9y2x4gjk"
_INVOICE: Final = "inv_01kan0g7sc5p8x1w3fhj_0003"
_PAYMENT: Final = "pay_01kan0g7sc5p8x1w3fhj_0003_1"
_BUYS: Final = {"contact": _CONTACT, "payment_method": _METHOD}

_TIERS: Final = [{"up_to": 1000, "unit_amount": "0.5"}, {"unit_amount": "0.25"}]
_SUBSCRIPTION: Final = {
    **_BUYS,
    "lines": [
        {"product": _PRODUCT, "quantity": 2},
        {"name": "Tasting", "unit_amount": 1500, "frequency": "one_time"},
    ],
    "taxes": [_RATE],
    "discounts": [{"promotion_code": "WELCOME-10"}],
    "term": "P12M",
}
_ORDER: Final = {
    **_BUYS,
    "lines": [
        {"name": "Coffee – 1 kg", "unit_amount": 2500, "frequency": "monthly", "taxes": [_RATE]},
        {
            "name": "API calls",
            "model": "graduated",
            "tiers": _TIERS,
            "quantity": 2400,
            "frequency": "monthly",
        },
        {
            "name": "Support",
            "unit_amount": 12000,
            "frequency": "annually",
            "term": "P3Y",
            "start_delay_days": 14,
        },
        {"name": "Grinder", "unit_amount": 9900, "frequency": "one_time", "discounts": [{"percent": "7.5"}]},
    ],
    "discounts": [{"coupon": _COUPON}, {"name": "Goodwill", "amount": 500}],
    "fees": [{"name": "Card fee", "types": ["card"], "percent": "1.5"}],
}
_CHANGE: Final = {"quantities": {"li_1": 7}, "proration": "invoice_now"}
_ASSUMED: Final = [
    {"on": "2027-03-01", "declines": "insufficient_funds", "times": 2},
    {"on": "2027-06-15", "do": "pause", "resume_on": "2027-07-15"},
]
_NOTE: Final = {
    "invoice": _INVOICE,
    "lines": [{"line": 0, "amount": {"amount": 1000, "currency": "usd"}}],
    "reason": "Arrived late",
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "accounts.change": {
        "billing_hour": 7,
        "zone": "Europe/Paris",
        "retries": {"days": [1, 3, 7], "at_end": "cancel", "hard_declines": ["do_not_honor"]},
        "accepted_types": ["card", "sepa_debit"],
    },
    "retry_policies.replay": {"retries": "stripe_8_in_14d", "start_on": "2027-01-01", "end_on": "2027-03-31"},
    "invoices.pay": {"payment_method": _METHOD},
    "payments.record": {
        "contact": _CONTACT,
        "amount": {"amount": 2500, "currency": "usd"},
        "received_on": "2027-01-29",
        "type": "bank_transfer",
        "reference": "RF18 5390 0754 7034",
        "invoices": [_INVOICE],
    },
    "accounts.create": {
        "name": "Rehearsal",
        "email": "you@example.com",
        "currency": "eur",
        "zone": "Europe/Paris",
    },
    "api_keys.create": {"name": "laptop"},
    "contacts.create": {
        "name": "Ada",
        "email": "ada@example.com",
        "address": {"country": "FR", "postal_code": "75011"},
    },
    "contacts.update": {"tax_exempt": "reverse", "company": _COMPANY, "language": "fr"},
    "companies.create": {
        "name": "Analytical Engines Ltd",
        "address": {
            "country": "GB",
            "line1": "12 St James's Sq",
            "city": "London",
            "postal_code": "SW1Y 4JH",
        },
        "tax_ids": [{"type": "gb_vat", "value": "GB980780684"}],
    },
    "companies.update": {
        "shipping_address": {"country": "GB", "city": "Leeds", "postal_code": "LS1 4AP"},
        "locale": "en-GB",
    },
    "users.create": {
        "name": "Grace",
        "email": "grace@example.com",
        "language": "de",
        "letters": ["staff_payment_failed", "staff_dispute"],
    },
    "users.update": {"letters": []},
    "letters.change": {
        "subject": "Thank you for {amount}",
        "body": "{business} has received {amount} on {day}, and thanks you.",
    },
    "invoice_settings.change": {
        "company": _COMPANY,
        "reference": "PO-4711",
        "custom_fields": [{"label": "Cost center", "value": "4711"}],
        "shipping_address": {"country": "GB", "city": "Leeds", "postal_code": "LS1 4AP"},
    },
    "profile.change": {
        "legal_name": "Rösterei am Markt GmbH",
        "address": {"country": "DE", "line1": "Markt 7", "city": "Hamburg", "postal_code": "20457"},
        "registration": "HRB 1234, Amtsgericht Hamburg",
        "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}],
        "bank": {"iban": "DE89370400440532013000", "bic": "COBADEFFXXX"},
        "color": "#0a5c36",
        "comments": "**Thank you!** {{terms}}",
        "snippets": [{"name": "terms", "text": "Our [terms](https://example.com/terms)."}],
    },
    "balances.adjust": {"amount": {"amount": 500, "currency": "usd"}, "reason": "Goodwill"},
    "products.create": {
        "name": "Coffee – 1 kg",
        "currency": "usd",
        "unit_amount": "2500",
        "frequency": "monthly",
    },
    "tax_rates.create": {"name": "VAT", "percentage": "7.7", "inclusive": True},
    "coupons.create": {"name": "Ten off", "percent": 10, "duration": "repeating", "months": 3},
    "promotion_codes.create": {"code": "WELCOME-10", "coupon": _COUPON, "max_redemptions": 100},
    "payment_methods.attach": {"contact": _CONTACT, "payment_method": "pm_card_visa"},
    "subscriptions.create": _SUBSCRIPTION,
    "subscriptions.preview": _SUBSCRIPTION,
    "subscriptions.change_method": {"payment_method": _METHOD},
    "links.method": {"send": True},
    "subscriptions.change_collection": {"collection_method": "send_invoice", "days_until_due": 14},
    "invoices.schedule": {
        "instalments": [
            {"due_on": "2027-02-01", "percent": "33.4"},
            {"due_on": "2027-03-01", "percent": "33.3"},
            {"due_on": "2027-04-01", "percent": "33.3"},
        ]
    },
    "orders.create": _ORDER,
    "orders.preview": _ORDER,
    "lifecycle.cancel": {"at_period_end": True},
    "lifecycle.pause": {"resume_on": "2027-03-01"},
    "lifecycle.resume": {"shifts": False, "prorate": True},
    "lifecycle.next_billing_date": {"on": "2027-03-10", "prorate": True},
    "changes.change": _CHANGE,
    "changes.preview": _CHANGE,
    "simulations.draft": {**_SUBSCRIPTION, "until": "2027-12-31"},
    "simulations.subscription": {"until": "2027-12-31", "assume": _ASSUMED},
    "credit_notes.create": _NOTE,
    "credit_notes.preview": _NOTE,
    "refunds.create": {
        "payment": _PAYMENT,
        "amount": {"amount": 1000, "currency": "usd"},
        "reason": "Arrived late",
    },
    "billing_runs.preview": {"at": "2027-01-31"},
    "webhook_endpoints.create": {
        "url": "https://hooks.example.com/perennial",
        "events": ["invoice.opened", "payment.succeeded"],
    },
    "webhook_endpoints.update": {"events": ["*"]},
    "webhook_endpoints.rotate_secret": {"expires_in_hours": 48},
    "webhook_endpoints.resend": {"since": "2027-01-30T00:00:00Z"},
    "logos.change": {
        "picture": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPgzvMHAAFQAMmqFjo2AAAAAElFTkSuQmCC"
    },
    "test_clock.advance": {"to": "2027-01-31T12:00:00Z"},
}
