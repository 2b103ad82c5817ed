"""Names that look like Stripe's: a prefix that tells the kind, then letters and digits nobody can guess."""

from __future__ import annotations

import random
import string

_LETTERS = (string.ascii_letters + string.digits).encode()
_BY_BYTE = bytes(_LETTERS[byte % len(_LETTERS)] for byte in range(256))
_chance = random.Random()

KINDS = {
    "ch": "charge",
    "cs": "checkout.session",
    "cus": "customer",
    "du": "dispute",
    "evt": "event",
    "mandate": "mandate",
    "pi": "payment_intent",
    "pm": "payment_method",
    "py": "charge",
    "pyr": "refund",
    "re": "refund",
    "setatt": "setup_attempt",
    "seti": "setup_intent",
    "taxcalc": "tax.calculation",
    "txn": "balance_transaction",
}
"""What an id names; a bank debit's charge is a `py_`, its refund a `pyr_`."""

_LENGTHS = {"cs_test": 58, "cus": 14, "req": 14}


def new(prefix: str) -> str:
    return f"{prefix}_{letters(_LENGTHS.get(prefix, 24))}"


def letters(count: int) -> str:
    return _chance.randbytes(count).translate(_BY_BYTE).decode()


def seed(number: int) -> None:
    """The same ids again, for a world that is to be lived as it was."""
    _chance.seed(number)


def kind(name: str) -> str | None:
    return KINDS.get(name.partition("_")[0])
