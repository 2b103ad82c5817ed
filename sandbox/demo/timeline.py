"""What happens, line by line as it happens: who, when, which invoice, which attempt, how it went, which letter."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from sandbox import mailbox
from sandbox.demo.story import Roaster, asked
from sandbox.world import World

ZONE = ZoneInfo("America/New_York")
# In the order in which they follow from one another: the world's clock stands still while they do.
WORDS = {
    "subscription.created": ("subscribes", "cyan"),
    "subscription.payment_method_changed": ("gives another card", "cyan"),
    "invoice.opened": ("is invoiced", "white"),
    "payment.held": ("no answer from Stripe: held", "yellow"),
    "payment.succeeded": ("paid", "green"),
    "payment.declined": ("declined", "red"),
    "subscription.past_due": ("is past due", "yellow"),
    "subscription.unpaid": ("is unpaid: no attempt is left", "red"),
    "subscription.recovered": ("has recovered", "green"),
}


class Timeline:
    """Prints each event and letter once, in the order of their moments."""

    def __init__(self, world: World, console: Console) -> None:
        self._world, self._console = world, console
        self._events: set[str] = set()
        self._letters: set[str] = set()
        self.letters: list[dict[str, Any]] = []

    def look(self, roaster: Roaster) -> None:
        """Print what is new since the last look."""
        page = asked(self._world, roaster, "/v1/events?limit=100")["data"]
        new = [event for event in page if event["id"] not in self._events]
        new.sort(key=_order)
        self._events |= {event["id"] for event in new}
        who = {id_: name for name, id_ in roaster.subscriptions.items()}
        for event in new:
            if event["type"] in WORDS:
                self._console.print(self._line(roaster, event, who.get(event["about"]["subscription"], "")))
        for letter in inbox(self._world):
            if letter["id"] not in self._letters:
                self._letters.add(letter["id"])
                self.letters.append(letter)
                self._print_letter(letter)

    def _line(self, roaster: Roaster, event: dict[str, Any], who: str) -> Text:
        words, color = WORDS[event["type"]]
        at = datetime.fromisoformat(event["created_at"]).astimezone(ZONE)
        line = Text(f"{at:%a %d %b %H:%M}  ", "dim")
        line.append(f"{who:4} ", "bold")
        about = event["about"]
        if event["type"].startswith("payment."):
            line.append(self._payment(roaster, about["payment"], words), color)
        elif "invoice" in about:
            invoice = asked(self._world, roaster, f"/v1/invoices/{about['invoice']}")
            line.append(f"{words} {invoice['number']}, {dollars(invoice['total'])}", color)
        else:
            line.append(words, color)
        return line

    def _payment(self, roaster: Roaster, name: str, words: str) -> str:
        payment = asked(self._world, roaster, f"/v1/payments/{name}")
        invoices = [
            asked(self._world, roaster, f"/v1/invoices/{part['invoice']}") for part in payment["allocations"]
        ]
        numbers = " and ".join(invoice["number"] for invoice in invoices)
        attempt = name.rsplit("_", 1)[1]
        why = f": {payment['decline_code']}" if payment.get("decline_code") and words == "declined" else ""
        return f"{numbers}, attempt {attempt}, {dollars(payment['amount'])} {words}{why}"

    def _print_letter(self, letter: dict[str, Any]) -> None:
        line = Text(f"{'':18}{letter['to'].split('@')[0].capitalize():4} ", "dim")
        self._console.print(line.append(f"✉ {letter['subject']}", "blue"))


def _order(event: dict[str, Any]) -> tuple[str, int, str]:
    kinds = list(WORDS)
    rank = kinds.index(event["type"]) if event["type"] in kinds else len(kinds)
    return event["created_at"], rank, event["about"].get("invoice") or event["about"]["subscription"]


def inbox(world: World) -> list[dict[str, Any]]:
    """The letters the local SES took, oldest first."""
    taken = mailbox.messages(world.env["AWS_ENDPOINT_URL"], world.env["AWS_ACCESS_KEY_ID"])
    return [
        {
            "id": one["MessageId"],
            "to": one["To"][0],
            "subject": one["Subject"],
            "delivery": mailbox.delivery_of(one),
        }
        for one in taken
    ]


def dollars(money: dict[str, Any]) -> str:
    """Minor units of US dollars, as people write them."""
    return f"${money['amount'] // 100:,}.{money['amount'] % 100:02d}"
