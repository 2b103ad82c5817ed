"""The roaster's story, told through the HTTP API, the real handlers and a moving clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.operations import create
from sandbox.world import World

BEGINS = datetime(2026, 1, 31, 14, tzinfo=UTC)
NEW_CARD = datetime(2026, 3, 10, 16, tzinfo=UTC)
ENDS = datetime(2026, 5, 31, 18, tzinfo=UTC)
PRODUCTS = {
    "cup": ("Just one more cup – 1 kg", 2500, "monthly"),
    "fuel": ("Coffee is my fuel – 500 g", 1800, "biweekly"),
    "casual": ("Coffee casual – 250 g", 1250, "monthly"),
}
CUSTOMERS = {"Ada": "cup", "Bo": "casual", "Cy": "cup", "Dee": "casual", "Eve": "fuel"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roaster:
    """The business, its key, and its customers' contacts and subscriptions by name."""

    account: str
    key: str
    contacts: dict[str, str]
    subscriptions: dict[str, str]


def tell(world: World, look: Callable[[Roaster], None]) -> Roaster:
    """The whole story; `look` is called whenever all is quiet."""
    world.set_clock(BEGINS)
    world.connect_stripe("hold")
    roaster = opens(world)
    looks = lambda: look(roaster)  # noqa: E731 - one word for one thing
    for name in CUSTOMERS:
        subscribes(world, roaster, name)
    world.until(NEW_CARD, looks)
    gives_another_card(world, roaster, "Cy")
    world.until(ENDS, looks)
    return roaster


def opens(world: World) -> Roaster:
    """The roaster gets an account, as `./dev account` makes one, and fills its catalogue."""
    service = world.service()
    business = create.account(
        service,
        name="Perennial Coffee Roasters",
        email="hello@roaster.perennial.example",
        currency="usd",
        zone="America/New_York",
        livemode=False,
    )
    _, key = create.api_key(service, business, "the demo")
    roaster = Roaster(account=business.id, key=key, contacts={}, subscriptions={})
    for name, cents, frequency in PRODUCTS.values():
        said(
            world,
            roaster,
            "/v1/products",
            name=name,
            currency="usd",
            unit_amount=str(cents),
            frequency=frequency,
        )
    return roaster


def subscribes(world: World, roaster: Roaster, name: str) -> None:
    """A customer leaves a card and subscribes to a product of the catalogue."""
    contact = said(world, roaster, "/v1/contacts", name=name, email=f"{name.lower()}@perennial.example")["id"]
    method = said(world, roaster, "/v1/payment_methods", contact=contact, payment_method="pm_card_visa")
    roaster.contacts[name] = contact
    if name == "Bo":
        world.stripe(
            "POST", "script", {"payment_method": method["id"], "outcomes": ["insufficient_funds"] * 2}
        )
    if name == "Cy":
        world.stripe("POST", "script", {"payment_method": method["id"], "outcomes": ["stolen_card"]})
    if name == "Dee":
        where = {"method": "POST", "path": "/v1/payment_intents", "customer": method["customer"]}
        world.stripe("POST", "faults", {"match": where, "fault": "timeout_after", "times": 1, "seconds": 5})
    wanted = PRODUCTS[CUSTOMERS[name]][0]
    catalogue = asked(world, roaster, "/v1/products")["data"]
    product = next(product["id"] for product in catalogue if product["name"] == wanted)
    sold = said(
        world,
        roaster,
        "/v1/subscriptions",
        contact=contact,
        payment_method=method["id"],
        lines=[{"product": product}],
    )
    roaster.subscriptions[name] = sold["id"]


def gives_another_card(world: World, roaster: Roaster, name: str) -> None:
    """A customer saves another card; charging the subscription on it pays all arrears at once."""
    method = said(
        world,
        roaster,
        "/v1/payment_methods",
        contact=roaster.contacts[name],
        payment_method="pm_card_mastercard",
    )
    said(
        world,
        roaster,
        f"/v1/subscriptions/{roaster.subscriptions[name]}/payment_method",
        payment_method=method["id"],
    )


def said(world: World, roaster: Roaster, path: str, **body: Any) -> Any:
    """A POST that must succeed."""
    answer = world.call("POST", path, body, roaster.key)
    if answer.status not in (200, 201):
        raise SystemExit(f"POST {path} {body}: {answer.status} {answer.body}")
    return answer.body


def asked(world: World, roaster: Roaster, path: str) -> Any:
    """A GET that must succeed."""
    answer = world.call("GET", path, None, roaster.key)
    if answer.status != 200:
        raise SystemExit(f"GET {path}: {answer.status} {answer.body}")
    return answer.body


def listed(world: World, roaster: Roaster, path: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    joint = "&" if "?" in path else "?"
    page = asked(world, roaster, f"{path}{joint}limit=100")
    rows: list[dict[str, Any]] = page["data"]
    while page["has_more"]:
        page = asked(world, roaster, f"{path}{joint}limit=100&after={page['next']}")
        rows += page["data"]
    return rows
