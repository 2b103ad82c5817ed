"""What the roaster's story must give, reckoned by hand from the calendar and the price list; nothing of Perennial's is used.

New York is five hours behind UTC until 8 March 2026 and four from then on; dates are New York's.
"""

# customer: (due on, cents, times it was asked for, paid on)
INVOICES: dict[str, list[tuple[str, int, int, str]]] = {
    "Ada": [
        ("2026-01-31", 2500, 1, "2026-01-31"),
        ("2026-02-28", 2500, 1, "2026-02-28"),
        ("2026-03-31", 2500, 1, "2026-03-31"),
        ("2026-04-30", 2500, 1, "2026-04-30"),
        ("2026-05-31", 2500, 1, "2026-05-31"),
    ],
    # Declined on the day and one day later; three days later there is money.
    "Bo": [
        ("2026-01-31", 1250, 3, "2026-02-03"),
        ("2026-02-28", 1250, 1, "2026-02-28"),
        ("2026-03-31", 1250, 1, "2026-03-31"),
        ("2026-04-30", 1250, 1, "2026-04-30"),
        ("2026-05-31", 1250, 1, "2026-05-31"),
    ],
    # A stolen card is asked once and never again; on 10 March another one pays both months in one go.
    "Cy": [
        ("2026-01-31", 2500, 2, "2026-03-10"),
        ("2026-02-28", 2500, 1, "2026-03-10"),
        ("2026-03-31", 2500, 1, "2026-03-31"),
        ("2026-04-30", 2500, 1, "2026-04-30"),
        ("2026-05-31", 2500, 1, "2026-05-31"),
    ],
    # Stripe took the money and the answer was lost: asked once, found again, charged once.
    "Dee": [
        ("2026-01-31", 1250, 1, "2026-01-31"),
        ("2026-02-28", 1250, 1, "2026-02-28"),
        ("2026-03-31", 1250, 1, "2026-03-31"),
        ("2026-04-30", 1250, 1, "2026-04-30"),
        ("2026-05-31", 1250, 1, "2026-05-31"),
    ],
    # Every fourteen days.
    "Eve": [
        ("2026-01-31", 1800, 1, "2026-01-31"),
        ("2026-02-14", 1800, 1, "2026-02-14"),
        ("2026-02-28", 1800, 1, "2026-02-28"),
        ("2026-03-14", 1800, 1, "2026-03-14"),
        ("2026-03-28", 1800, 1, "2026-03-28"),
        ("2026-04-11", 1800, 1, "2026-04-11"),
        ("2026-04-25", 1800, 1, "2026-04-25"),
        ("2026-05-09", 1800, 1, "2026-05-09"),
        ("2026-05-23", 1800, 1, "2026-05-23"),
    ],
}
INVOICE_COUNT = 29
COLLECTED_CENTS = 53_700  # 12500 + 6250 + 12500 + 6250 + 16200
# One charge each, but for Cy, whose two months were one.
CHARGES = 28
# How the letters of each kind begin, and customer: how many of each.
KINDS = (
    "Your subscription with",
    "Receipt from",
    "Your payment of",
    "Your payment method for",
    "Your next payment to",
)
LETTERS = {
    "Ada": (1, 5, 0, 0, 4),
    "Bo": (1, 5, 2, 0, 4),
    # One receipt for two months; no notice in February, when no card would have been charged.
    "Cy": (1, 4, 1, 1, 3),
    "Dee": (1, 5, 0, 0, 4),
    # A notice of 14 days would come with the receipt before.
    "Eve": (1, 9, 0, 0, 0),
}
STATUS = {"Ada": "active", "Bo": "active", "Cy": "active", "Dee": "active", "Eve": "active"}
