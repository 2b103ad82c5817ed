"""Tax a subscription automatically: what the gateway is asked, and what its answers make of an invoice."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from chalicelib.billing import automatic_tax
from chalicelib.billing.addresses import Address
from chalicelib.billing.automatic_tax import TaxAnswer, TaxQuestion
from chalicelib.billing.errors import Invalid
from chalicelib.billing.gateway import Refused, Unavailable
from chalicelib.billing.lines import Line
from chalicelib.billing.rating import Levying
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Levy, Tax
from chalicelib.crm.contacts import Contact
from chalicelib.operations import ask
from chalicelib.service import Service

log = logging.getLogger("perennial")

_TAX_CODE: Final = re.compile(r"txcd_[0-9]{8}")
Asked = Callable[[str, TaxQuestion], TaxAnswer]


class Unanswered(Exception):
    """The taxes of a subscription's invoice are not known yet: it can wait."""


def unanswered(subscription: str, question: TaxQuestion) -> TaxAnswer:
    """Nobody is asked: automatic taxes are not known. Raises Unanswered."""
    raise Unanswered(subscription, question)


class Answers:
    """The answers about subscriptions at work; what was not answered yet is kept open, to be asked together.

    An answer is of one subscription and one question: whatever changed in between, lines, address or exemption, makes
    it another question.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, TaxQuestion], TaxAnswer | BaseException] = {}
        self.open: dict[str, TaxQuestion] = {}

    def of(self, subscription: str, question: TaxQuestion) -> TaxAnswer:
        """Raises Unanswered where it is still to be asked, or could not be; and Refused or Invalid."""
        answer = self._known.get((subscription, question))
        if answer is None:
            self.open[subscription] = question
        if answer is None or isinstance(answer, Unavailable):
            raise Unanswered
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def ask(self, service: Service) -> list[str]:
        """Ask what is open, side by side; returns the subscriptions whose question was answered, by whatever."""
        asked, self.open = self.open, {}
        answers = ask.side_by_side(
            service,
            {name: partial(service.gateway.tax, question) for name, question in asked.items()},
            service.tax_breaker,
        )
        for name, answer in answers.items():
            self._known[name, asked[name]] = answer
        missing = [name for name, answer in answers.items() if isinstance(answer, Unavailable)]
        if missing:
            log.warning("taxes not known: left awake", extra={"subscriptions": len(missing)})
        return [name for name in answers if name not in missing]


def levying(asked: Asked, subscription: Subscription, buyer: Contact) -> Levying | None:
    """How the taxes of a subscription's invoices are found: None where they are the library's.

    What it gives raises Invalid where the contact has no address, and whatever `asked` raises.
    """
    if not subscription.automatic_tax:
        return None

    def levy(lines: Sequence[Line], left: Sequence[int]) -> tuple[Levy, ...]:
        address = _located(buyer)
        question = automatic_tax.question(lines, left, subscription.currency, address, buyer.tax_exempt)
        if question is None:
            return ()
        return automatic_tax.levies(asked(subscription.id, question), lines, left)

    return levy


def at_once(service: Service) -> Asked:
    """Ask the gateway while somebody waits, for a preview or a change; the same question once.

    What it gives raises Refused, naming `automatic_tax`, and Unavailable.
    """
    known: dict[TaxQuestion, TaxAnswer] = {}

    def asked(subscription: str, question: TaxQuestion) -> TaxAnswer:
        del subscription
        if question not in known:
            try:
                known[question] = service.gateway.tax(question)
            except Refused as refused:
                raise Refused(refused.code, refused.detail, "automatic_tax") from refused
        return known[question]

    return asked


def _located(buyer: Contact) -> Address:
    if buyer.address is None:
        detail = (
            "Automatic tax needs to know where the contact is: give them an address with a country first."
        )
        raise Invalid("address_missing", detail, "contact")
    return buyer.address


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
