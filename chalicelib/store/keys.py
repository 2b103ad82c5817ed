"""The single table on one screen: how every kind of record is named, whose it is, and where it is listed.

`key` is the table's only key. `owner` and `position` place a record in ByOwner; each further entry of
`links` is a small item of its own, so that the record is found under another owner too, as long as it has one. All begin with
the account. Templates are filled from the record; `{day}` and `{at}` are of its `created_at`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from string import Formatter
from typing import Any, Protocol
from zlib import crc32

from chalicelib.billing.audits import Audit
from chalicelib.billing.billing_runs import BillingRun
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.deliveries import Delivery
from chalicelib.billing.discounts import Coupon, PromotionCode
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.events import Event
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.numbering import Series
from chalicelib.billing.payments import Payment
from chalicelib.billing.products import Product
from chalicelib.billing.refunds import Refund
from chalicelib.billing.setups import Setup
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import TaxRate
from chalicelib.billing.wake import ACCOUNT_TOPICS, Topic, Wake
from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import Listeners, WebhookEndpoint
from chalicelib.crm.account_changes import AccountChange
from chalicelib.crm.accounts import CLOCKED, HOUSE, Account, ApiKey
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.formers import Former
from chalicelib.crm.profiles import Profile
from chalicelib.crm.suppressions import Suppression
from chalicelib.crm.users import User
from chalicelib.crm.wordings import Wording
from chalicelib.store.bookkeeping import Alias, Answer, Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The templates of a kind of record, and how many bytes one may have.

    DynamoDB takes 400 KB with the attributes beside the body. A subscription may have half of that, so that the
    invoice of all that is in it can be written too.
    """

    name: str
    type: type
    owner: str | None = None
    position: str = "{id}"
    links: tuple[tuple[str, str, str], ...] = ()
    largest: int = 390_000


KINDS = (
    Kind(name="account", type=Account, owner=f"{HOUSE}/account"),
    Kind(name="api_key", type=ApiKey, owner="{account}/api_key", position="{at}/{id}"),
    Kind(name="account_change", type=AccountChange, owner="{account}/account_change", position="{at}/{id}"),
    Kind(name="alias", type=Alias),
    Kind(name="answer", type=Answer),
    Kind(name="sweep", type=Sweep),
    Kind(name="series", type=Series),
    Kind(name="profile", type=Profile),
    Kind(name="former", type=Former, owner="{account}/{subject}/former"),
    Kind(name="user", type=User, owner="{account}/user"),
    Kind(name="wording", type=Wording, owner="{account}/wording"),
    Kind(
        name="contact",
        type=Contact,
        owner="{account}/contact",
        links=(("company", "{account}/{company}/contact", "{id}"),),
    ),
    Kind(name="company", type=Company, owner="{account}/company"),
    Kind(name="product", type=Product, owner="{account}/product"),
    Kind(name="tax_rate", type=TaxRate, owner="{account}/tax_rate"),
    Kind(name="coupon", type=Coupon, owner="{account}/coupon"),
    Kind(name="promotion_code", type=PromotionCode, owner="{account}/promotion_code", position="{at}/{id}"),
    Kind(name="payment_method", type=PaymentMethod, owner="{account}/{contact}/payment_method"),
    Kind(
        name="subscription",
        type=Subscription,
        owner="{account}/subscription",
        links=(
            ("contact", "{account}/{contact}/subscription", "{id}"),
            ("status", "{account}/subscription/{status}", "{id}"),
        ),
        largest=195_000,
    ),
    Kind(name="invoice", type=Invoice, owner="{account}/invoice", position="{position}"),
    Kind(name="credit_note", type=CreditNote, owner="{account}/credit_note", position="{position}"),
    Kind(name="billing_run", type=BillingRun, owner="{account}/billing_run"),
    Kind(
        name="payment",
        type=Payment,
        owner="{account}/payment",
        position="{at}/{id}",
        links=(("attention", "{account}/payment/{attention}", "{at}/{id}"),),
    ),
    Kind(
        name="refund",
        type=Refund,
        owner="{account}/refund",
        position="{at}/{id}",
        links=(
            ("payment", "{account}/{payment}/refund", "{at}/{id}"),
            ("subscription", "{account}/{subscription}/refund", "{at}/{id}"),
        ),
    ),
    Kind(
        name="dispute",
        type=Dispute,
        owner="{account}/dispute",
        position="{at}/{id}",
        links=(("payment", "{account}/{payment}/dispute", "{at}/{id}"),),
    ),
    Kind(name="setup", type=Setup, owner="{account}/setup", position="{at}/{id}"),
    Kind(name="event", type=Event, owner="{account}/event/{day}", position="{at}/{id}"),
    Kind(name="delivery", type=Delivery, owner="{account}/delivery", position="{at}/{id}"),
    Kind(name="suppression", type=Suppression, owner="{account}/suppression", position="{at}/{id}"),
    Kind(name="listeners", type=Listeners),
    Kind(name="webhook_endpoint", type=WebhookEndpoint, owner="{account}/webhook_endpoint"),
    Kind(
        name="webhook_delivery",
        type=WebhookDelivery,
        owner="{account}/{endpoint}/webhook_delivery",
        position="{at}/{id}",
    ),
    Kind(name="stripe_event", type=StripeEvent),
    Kind(name="audit", type=Audit),
)
BY_NAME = {kind.name: kind for kind in KINDS}
BY_TYPE = {kind.type: kind for kind in KINDS}


class Record(Protocol):
    """What every record has: whose it is, its name, how often it was written, and its next moment."""

    @property
    def account(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def wake(self) -> Wake | None: ...


def key(type_: type, account: str, id_: str) -> str:
    """The key of a record: account/kind/id."""
    return f"{account}/{BY_TYPE[type_].name}/{id_}"


def key_of(record: Record) -> str:
    """The key of a record at hand."""
    return f"{record.account}/{BY_TYPE[type(record)].name}/{record.id}"


def account_of(key_: str) -> str:
    """The account a key belongs to."""
    return key_.partition("/")[0]


def kind_of(key_: str) -> Kind:
    """The kind of record a key names."""
    return BY_NAME[key_.split("/", 2)[1]]


def listed(link: tuple[str, str, str], record: Any) -> tuple[str, str] | None:
    """The owner and position under which a link lists a record; None where a field its owner is told by is None."""
    _, owner, position = link
    if record is None or any(getattr(record, name) is None for name in _fields(owner)):
        return None
    return place(owner, record), place(position, record)


@cache
def _fields(template: str) -> tuple[str, ...]:
    """The fields a template is filled from, without the account, which every record has."""
    return tuple(
        name for _, name, _, _ in Formatter().parse(template) if name not in (None, "account", "at", "day")
    )


def place(template: str, record: Any) -> str:
    """An owner's or position's template, filled from a record."""
    if "{at}" in template or "{day}" in template:
        at = stamp(record.created_at)
        return template.replace("{at}", at).replace("{day}", at[:10]).format_map(_Fields(record))
    return template.format_map(_Fields(record))


class _Fields(dict[str, str]):
    """A record's fields by name, read as a template asks for them."""

    __slots__ = ("record",)

    def __init__(self, record: Any) -> None:
        self.record = record

    def __missing__(self, name: str) -> str:
        return str(getattr(self.record, name))


def stamp(at: datetime) -> str:
    """A moment as text that sorts as time does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def moment(text: str) -> datetime:
    """The moment of a stamp."""
    return datetime.fromisoformat(text)


def shard_of(key_: str, wake: Wake, shards: int) -> str:
    """The partition of ByWake a record waits in: its topic's, by a hash of its name.

    An account with a clock of its own has one partition for all that runs on that clock.
    """
    if wake.topic in ACCOUNT_TOPICS and key_.startswith(CLOCKED):
        return clock_shard(account_of(key_))
    return f"{wake.topic}#{crc32(key_.encode()) % shards}"


def topic_shards(topic: Topic, shards: int) -> tuple[str, ...]:
    """All partitions of a topic."""
    return tuple(f"{topic}#{n}" for n in range(shards))


def clock_shard(account: str) -> str:
    """The partition of what runs on an account's own clock, in order of moments."""
    return f"clock/{account}"


def parked_shard(account: str) -> str:
    """The partition of what has been taken out of the schedules until a person looks."""
    return f"parked/{account}"
