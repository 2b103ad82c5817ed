"""Letters of many at once, where the table, the files or the mail server fail for some of them: the others go, each once."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.contacts import Contact
from chalicelib.crm.mail import Mail, Mailer, MailRefused
from chalicelib.crm.users import User
from chalicelib.operations import deliver, users
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Outage, Reading
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.world import World
from tests.stories.diary import Diary
from tests.stories.test_letters import SENT, put, rows, staff


class Counted(Dynamo):
    """Counts what is asked of the table."""

    asked: Counter[str]

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.asked[operation] += 1
        return super().dispatch(operation, request)


class Kept:
    """A mail server that keeps what it was given; what it makes of a letter is told by `does`."""

    def __init__(self, *does: BaseException) -> None:
        self.does, self.mails = list(does), list[Mail]()

    def send(self, mail: Mail) -> str:
        self.mails.append(mail)
        if self.does:
            raise self.does.pop()
        return f"msg_{len(self.mails)}"


def wait_for_many(diary: Diary, letter: Letter, count: int, *, apart: bool = False) -> list[str]:
    """Letters of one kind wait to be sent, about ada's subscription, or each about another one like it."""
    service = diary.world.service()
    [first] = rows(diary, contact=diary.contacts["ada"], letter=letter.value)
    found = service.store.get(Delivery, diary.account, first["id"])
    made = [
        replace(found, id=f"{found.id}_{n}", send_at=service.real(), status="pending", version=0, **about)
        for n in range(count)
        for about in ([{"about": like(diary, found, n)}] if apart else [{}])
    ]
    made = [replace(one, contact=one.about["contact"]) for one in made]
    for start in range(0, count, 90):
        put(diary, *made[start : start + 90])
    return [keys.key_of(one) for one in made]


def like(diary: Diary, delivery: Delivery, n: int) -> dict[str, str]:
    """Another customer's records, as those a letter tells of."""
    store, about = diary.world.service().store, {}
    kinds = {"contact": Contact, "subscription": Subscription, "invoice": Invoice, "payment": Payment}
    named = {name: f"{id_}{n}" for name, id_ in delivery.about.items() if name in kinds}
    for name, id_ in delivery.about.items():
        if name in kinds:
            record: Any = store.get(kinds[name], diary.account, id_)
            others = {one: named[one] for one in named if hasattr(record, one) and one != name}
            if isinstance(record, Payment):
                others["allocations"] = tuple(
                    replace(one, invoice=named["invoice"]) for one in record.allocations
                )
                others.pop("invoice", None)
            put(diary, replace(record, id=named[name], version=0, **others))
        about[name] = named.get(name, id_)
    return about


def test_a_hundred_receipts_cost_few_requests(diary: Diary, world: World):
    """What they tell of is read a hundred records to a request, however many letters; they are recorded in one transaction, and noted as sent in another."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-02-11")
    names = wait_for_many(diary, Letter.RECEIPT, 98, apart=True)
    service, kept = world.service(), Kept()
    dynamo = Counted(service.settings)
    dynamo.asked = Counter()
    store = Store(dynamo, service.settings.table, service.settings.wake_shards)
    deliver.deliveries(replace(service, store=store, mailer=kept), diary.account, names)
    assert len(kept.mails) == 98
    assert dynamo.asked["BatchGetItem"] <= 8
    assert dynamo.asked["TransactWriteItems"] == 2


def test_documents_beside_letters_are_read_for_together(diary: Diary, world: World):
    """What sent invoices are printed from is read with what their letters tell of: no request more for each."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", **SENT)
    diary.it_is("2026-01-11")
    names = wait_for_many(diary, Letter.INVOICE, 6, apart=True)
    service, kept = world.service(), Kept()
    dynamo = Counted(service.settings)
    dynamo.asked = Counter()
    store = Store(dynamo, service.settings.table, service.settings.wake_shards)
    deliver.deliveries(replace(service, store=store, mailer=kept), diary.account, names)
    assert [len(mail.attachments) for mail in kept.mails] == [1] * 6
    assert dynamo.asked == {"BatchGetItem": 3, "TransactWriteItems": 2}


def test_what_was_recorded_before_an_outage_goes(diary: Diary, world: World):
    """The table is away as the second group of letters is recorded: those of the first are sent, for nobody would send them later."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    world.settle()
    names = wait_for_many(diary, Letter.SUBSCRIBED, 60)
    service, kept = world.service(), Kept()

    class Away(Store):
        commits = 0

        def commit(self, changes: Changeset) -> Reading:
            self.commits += 1
            if self.commits == 2:
                raise Outage("The table is away.")
            return super().commit(changes)

    away = Away(Dynamo(service.settings), service.settings.table, service.settings.wake_shards)
    with pytest.raises(Outage):
        deliver.deliveries(replace(service, store=away, mailer=kept), diary.account, names)
    first = len(kept.mails)
    assert 0 < first < 60
    deliver.deliveries(replace(service, mailer=kept), diary.account, names)
    assert len({mail.id for mail in kept.mails}) == len(kept.mails) == 60
    assert {row["status"] for row in rows(diary)} == {"sent"}


def test_a_letter_that_breaks_holds_up_no_other(diary: Diary, world: World):
    """One whose sending fails as nobody foresaw stays `sending`, one for a person to look at; the others are noted as sent."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    world.settle()
    names = wait_for_many(diary, Letter.SUBSCRIBED, 5)
    kept = Kept(KeyError("MessageId"))
    deliver.deliveries(replace(world.service(), mailer=kept), diary.account, names)
    assert Counter(row["status"] for row in rows(diary)) == {"sent": 5, "sending": 1}


def test_a_document_that_breaks_holds_up_no_letter(diary: Diary, world: World):
    """A document that cannot be made is waited for three times, then its letter goes without; another letter goes at once."""

    class Broken:
        def read(self, name: str) -> bytes | None:
            raise ValueError(name)

    for who in ("ada", "bo"):
        diary.saves_a_card(who)
    diary.subscribes("bo", "coffee-1kg", on="2026-01-10")
    world.restart(lambda service: replace(service, files=Broken()))
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", **SENT)
    diary.it_is("2026-01-10", hour=9)
    [row] = rows(diary, letter="invoice")
    assert (row["status"], row["reason"]) == ("sent", "Its document is to come: ValueError")
    assert {one["status"] for one in rows(diary)} == {"sent"}
    assert diary.parked() == []


def test_a_mail_server_that_is_busy_loses_no_letter(diary: Diary, world: World):
    """For hours it has too much to do, which is no fault of the letter's: it goes once there is room."""

    class Busy:
        def __init__(self, inner: Mailer, until: datetime) -> None:
            self.inner, self.until = inner, until

        def send(self, mail: Mail) -> str:
            if world.now < self.until:
                raise MailRefused("Maximum sending rate exceeded.", busy=True)
            return self.inner.send(mail)

    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-09")
    until = datetime(2026, 1, 10, 9, tzinfo=UTC)
    world.restart(lambda service: replace(service, mailer=Busy(service.mailer, until)))
    diary.it_is("2026-01-11")
    assert {row["status"] for row in rows(diary)} == {"sent"}
    assert sorted(diary.every_letter("ada")) == ["first_payment", "subscribed"]


def test_who_is_gone_or_switched_off_gets_nothing(diary: Diary, world: World):
    """A letter that waits is skipped where its reader was deleted, or the letter switched off; by hand it does not go either."""
    staff(diary, "uwe", Letter.STAFF_PAYMENT)

    class Away:
        def send(self, mail: Mail) -> str:
            raise MailRefused("The mail server is away.")

    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-09")
    world.restart(lambda service: replace(service, mailer=Away()))
    diary.it_is("2026-01-10", hour=6)
    users.delete(world.service(), diary.account, "user_uwe")
    diary.post("/v1/account", letters_off=["first_payment"])
    world.restart()
    diary.it_is("2026-01-11")
    assert diary.every_letter("ada") == ["subscribed"]
    assert {row["letter"]: row["reason"] for row in rows(diary, status="skipped")} == {
        "first_payment": "The account has switched this letter off.",
        "staff_payment": "Who was to read it is deleted.",
    }
    [off] = rows(diary, letter="first_payment")
    answer = diary.world.call("POST", f"/v1/deliveries/{off['id']}/resend", {}, diary.key)
    assert (answer.status, answer.body["code"]) == (409, "letter_off")


def test_everybody_who_wants_a_letter_is_found(diary: Diary, world: World):
    """Among more people than are read at once, the oldest is written to; the 51st who wants a letter is refused."""
    staff(diary, "uwe", Letter.STAFF_PAYMENT)
    later = world.now + timedelta(hours=1)
    others = [
        User(account=diary.account, id=f"user_{n}", name="", email="", created_at=later) for n in range(110)
    ]
    put(diary, *others[:60])
    put(diary, *others[60:])
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-11")
    assert diary.every_letter("uwe") == ["staff_payment"]
    service = world.service()
    for n in range(users.MOST - 1):
        users.change(service, diary.account, f"user_{n}", {"letters": (Letter.STAFF_PAYMENT,)})
    wanted: users.Given = {"letters": (Letter.STAFF_DISPUTE, Letter.STAFF_PAYMENT)}
    with pytest.raises(Invalid, match="staff_payment goes to at most 50 people"):
        users.change(service, diary.account, "user_60", wanted)
