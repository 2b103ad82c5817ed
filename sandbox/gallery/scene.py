"""A month in the life of a business of each language: sold, billed, paid, declined, credited, by our own code."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from chalicelib.billing.collection import CollectionMethod
from chalicelib.billing.credits import CreditNote, Wanted
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.numbering import name_of
from chalicelib.billing.orders import Wish
from chalicelib.billing.payments import Payment
from chalicelib.billing.periods import Frequency
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.ways import Terms
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.crm.profiles import Profile
from chalicelib.operations import attach, buyers, create, credit, logo, profile, subscribe
from chalicelib.operations.order import Order
from chalicelib.service import Service
from sandbox.gallery.logo import png
from sandbox.gallery.people import PEOPLE, People
from sandbox.world import World

BEGINS = datetime(2026, 1, 30, 12, tzinfo=UTC)
ENDS = datetime(2026, 2, 1, 12, tzinfo=UTC)
CHARGED, SENT, OWING = "charged", "sent", "owing"
# Currencies whose smallest unit is the whole: the same goods cost as many of them.
_UNITS = {"jpy": 1, "dkk": 7, "aed": 4}
_PRICES = (1250, 399, 4900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What there is to be looked at of one language; `picture` is the business's logo."""

    language: str
    account: Account
    profile: Profile
    contact: Contact
    picture: bytes
    subscriptions: dict[str, Subscription]
    invoices: dict[str, Invoice]
    payment: Payment
    note: CreditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A business that has sold, and what became of nothing yet."""

    language: str
    account: str
    contact: str
    picture: bytes
    sold: dict[str, str]


def lived(world: World, languages: list[str]) -> list[Scene]:
    """The scenes of some languages, side by side in one world."""
    world.set_clock(BEGINS)
    world.connect_stripe("hold")
    begun = [_opens(world, language) for language in languages]
    world.until(ENDS)
    return [_seen(world.service(), one) for one in begun]


def _opens(world: World, language: str) -> _Begun:
    service, people = world.service(), PEOPLE[language]
    account = create.account(
        service,
        name=people.legal_name,
        email="billing@perennial.example",
        currency=people.currency,
        zone=people.zone,
        livemode=False,
    )
    key, _ = create.api_key(service, account, "gallery")
    picture = png(people.color)
    profile.change(service, account.id, _said(people, language), by=key)
    logo.set_(service, account.id, picture, by=key)
    buyer = _buyer(service, account.id, people, language)
    sold = {way: _sells(world, account.id, buyer, people, way) for way in (CHARGED, SENT, OWING)}
    return _Begun(language=language, account=account.id, contact=buyer.id, picture=picture, sold=sold)


def _said(people: People, language: str) -> profile.Given:
    return {
        "legal_name": people.legal_name,
        "address": people.home,
        "registration": people.registration,
        "tax_ids": (people.tax_id,),
        "bank": people.bank,
        "color": people.color,
        "language": language,
        "locale": people.locale,
        "website": "https://roaster.example",
    }


def _buyer(service: Service, account: str, people: People, language: str) -> Contact:
    company = buyers.company(
        service,
        account,
        {"name": people.company, "address": people.address, "tax_ids": (people.buyer_tax_id,)},
    )
    return buyers.contact(
        service,
        account,
        {
            "name": people.buyer,
            "email": "buyer@perennial.example",
            "company": company.id,
            "language": language,
            "locale": people.locale,
        },
    )


def _sells(world: World, account: str, buyer: Contact, people: People, way: str) -> str:
    """A subscription of three lines: charged to a card, sent to be paid, or charged to a card that has no money."""
    service = world.service()
    name, percentage = people.tax
    rate = create.tax_rate(service, account, name=name, percentage=Decimal(percentage))
    card = attach.payment_method(service, account, buyer.id, "pm_card_visa")
    if way == OWING:
        world.stripe("POST", "script", {"payment_method": card.id, "outcomes": ["insufficient_funds"] * 9})
    unit = _UNITS.get(people.currency, 1)
    lines = [
        Wish(line=Line(id="", name=goods, unit_amount=Decimal(price * unit), quantity=Decimal(count)))
        for goods, price, count in zip(people.goods, _PRICES, ("12", "2.5", "1"), strict=True)
    ]
    order = Order(
        contact=buyer.id,
        payment_method=None if way == SENT else card.id,
        lines=lines,
        frequency=Frequency.MONTHLY,
        taxes=(rate.id,),
        terms=Terms(way=CollectionMethod.SEND_INVOICE, days_until_due=14) if way == SENT else Terms(),
    )
    return subscribe.contact(service, account, order).id


def _seen(service: Service, begun: _Begun) -> Scene:
    account = begun.account
    invoices = {
        way: service.store.get(Invoice, account, name_of(sold, 0)) for way, sold in begun.sold.items()
    }
    paid = invoices[CHARGED]
    note = credit.invoice(service, account, paid.id, [Wanted(line=1)], reason="")
    return Scene(
        language=begun.language,
        account=service.store.get(Account, account, account),
        profile=service.store.get(Profile, account, account),
        contact=service.store.get(Contact, account, begun.contact),
        picture=begun.picture,
        subscriptions={way: service.store.get(Subscription, account, id_) for way, id_ in begun.sold.items()},
        invoices=invoices,
        payment=service.store.get(Payment, account, paid.paid_by or ""),
        note=note,
    )
