"""Ada, who buys coffee of a roaster in Paris: the records her letters and pages tell of."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chalicelib.billing import issuing
from chalicelib.billing.collection import Method
from chalicelib.billing.gateway import Request
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.service import Service
from chalicelib.settings import read
from chalicelib.store import table
from chalicelib.store.changes import Changeset
from chalicelib.store.store import Store
from chalicelib.views import links
from chalicelib.views.links import Purpose
from sandbox.world import environment
from tests.moto import Moto

# Half past eleven in the evening in London, and already the 31st in Paris.
NOW = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)
VISA = "Visa •••• 4242"


@pytest.fixture
def account() -> Account:
    return Account(
        account="acct_1",
        id="acct_1",
        name="Harbour Coffee",
        email="hello@harbour.example",
        currency="usd",
        zone="Europe/Paris",
        livemode=False,
        created_at=NOW,
    )


@pytest.fixture
def contact() -> Contact:
    return Contact(
        account="acct_1", id="con_1", name="Ada Lovelace", email="ada@mail.example", created_at=NOW
    )


@pytest.fixture
def subscription() -> Subscription:
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=(
            Line(id="li_1", name="House blend", unit_amount=Decimal(62500), quantity=Decimal(2)),
            Line(id="li_2", name="Tablets", unit_amount=Decimal("12.5"), quantity=Decimal(40)),
        ),
        anchor_on=date(2026, 1, 31),
        zone="Europe/Paris",
        hour=6,
        status=Status.ACTIVE,
        created_at=NOW,
        name="Office coffee",
        method=Method(id="pm_1", customer="cus_1", label=VISA),
    )


@pytest.fixture
def invoice(subscription: Subscription) -> Invoice:
    return issuing.invoice_of(subscription, "INV-000001", NOW)


@pytest.fixture
def payment(invoice: Invoice) -> Payment:
    """Succeeded."""
    return Payment(
        account="acct_1",
        id="pay_1_0001_1",
        subscription="sub_1",
        contact="con_1",
        amount=invoice.total,
        allocations=(Allocation(invoice=invoice.id, amount=invoice.total),),
        request=Request(amount=invoice.total, customer="cus_1", method="pm_1", description="", metadata={}),
        method_label=VISA,
        origin=Origin.SCHEDULE,
        created_at=NOW,
        sent_at=NOW,
        leased_until=None,
        status=PaymentStatus.SUCCEEDED,
        reference="pi_123",
        settled_at=NOW,
    )


@pytest.fixture
def now(subscription: Subscription) -> datetime:
    return subscription.created_at


@pytest.fixture
def service(quick_aws: dict[str, str], now: datetime) -> Service:
    """A service that has a store and a clock: the page needs nothing else."""
    settings = read(environment(quick_aws, "http://127.0.0.1:9", None))
    table.create(settings)
    store = Store(Moto(settings), settings.table, settings.wake_shards)
    return Service(
        settings=settings,
        store=store,
        gateway=None,
        mailer=None,
        files=None,
        hooks=None,
        queue=None,
        real=lambda: now,
        new_id=str,
    )


@pytest.fixture
def keep(service: Service, account: Account):
    """Writes records beside the account, and returns the token of the subscription's link."""

    def write(*records) -> str:
        changes = Changeset("acct_1")
        changes.put(account, *records)
        service.store.commit(changes)
        return links.sign(service.settings, Purpose.OWED, "acct_1", "sub_1", service.real())

    return write
