"""Tax a subscription automatically: what the gateway is asked, and what its answers make of an invoice."""

import re
from collections.abc import Sequence
from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.tax import Tax
from chalicelib.crm.contacts import Contact

_TAX_CODE: Final = re.compile(r"txcd_[0-9]{8}")


def check_automatic(lines: Sequence[Line], buyer: Contact, taxes: Sequence[Tax] = ()) -> None:
    """Refuse what automatic tax cannot be asked for: a contact who is nowhere, two lines of one name, taxes by hand.

    `taxes` are the subscription's own. Raises Invalid.
    """
    if buyer.address is None:
        detail = (
            "Automatic tax needs to know where the contact is: give them an address with a country first."
        )
        raise Invalid("address_missing", detail, "contact")
    if taxes:
        detail = "Automatic tax finds the rates itself: leave out taxes, or automatic_tax."
        raise Invalid("taxes_with_automatic_tax", detail, "taxes")
    names: set[str] = set()
    for n, line in enumerate(lines):
        if line.name in names:
            detail = (
                f"With automatic tax each line has a name of its own; {line.name[:80]!r} is taken already."
            )
            raise Invalid("line_names_not_unique", detail, f"lines[{n}].name")
        if line.taxes:
            detail = "Automatic tax finds the rates itself: leave out the line's taxes, or automatic_tax."
            raise Invalid("taxes_with_automatic_tax", detail, f"lines[{n}].taxes")
        if line.tax_code is not None and not _TAX_CODE.fullmatch(line.tax_code):
            detail = "A tax code of Stripe's is txcd_ and eight digits, such as txcd_10103001."
            raise Invalid("tax_code_malformed", detail, f"lines[{n}].tax_code")
        names.add(line.name)
