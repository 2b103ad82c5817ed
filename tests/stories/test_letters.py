"""Letters: each once, to those it concerns, and none whose matter is settled when it would be sent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.crm.mail import Mail, Mailer, MailRefused
from chalicelib.crm.suppressions import Suppression, SuppressionReason, name_of
from chalicelib.crm.users import User
from chalicelib.operations import deliver, void
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox import mailbox
from sandbox.demo.timeline import dollars
from sandbox.world import Killed, World
from tests.stories.diary import Diary

SENT = {"collection_method": "send_invoice", "payment_method": None}


def rows(diary: Diary, **wanted: str) -> list[dict[str, Any]]:
    """Deliveries by filters, oldest first."""
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    return list(reversed(diary.every(f"/v1/deliveries?{query}" if query else "/v1/deliveries")))


def put(diary: Diary, *records: Any) -> None:
    """Write records as they are, beside whatever the account says by then."""
    changes = Changeset(diary.account)
    changes.put(*records)
    diary.world.service().store.commit(changes)


def staff(diary: Diary, name: str, *letters: Letter) -> None:
    """A person of the business who wants letters."""
    service = diary.world.service()
    found = service.store.load(diary.account, [keys.key(Account, diary.account, diary.account)])
    business = found.get(Account, diary.account, diary.account)
    changes = Changeset(diary.account, found)
    wants = tuple(dict.fromkeys((*business.staff_letters, *letters)))
    changes.put(
        replace(business, staff_letters=wants),
        User(
            account=diary.account,
            id=f"user_{name}",
            name=name.capitalize(),
            email=f"{name}@roaster.example",
            created_at=service.real(),
            letters=letters,
        ),
    )
    service.store.commit(changes)


def test_a_life_in_letters(diary: Diary):
    """Subscribed, paid first, told of the next, declined, paid, changed, another card, to end: each once, though every message comes twice."""
    staff(diary, "uwe", Letter.STAFF_PAYMENT, Letter.STAFF_PAYMENT_FAILED)
    staff(diary, "vera", Letter.STAFF_PAYMENT_FAILED)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-02-01")
    diary.card("ada", "insufficient_funds")
    diary.it_is("2026-02-12")
    path = f"/v1/subscriptions/{diary.subscriptions['ada']}"
    line = {"name": "coffee-1kg", "unit_amount": "2700"}
    diary.post(f"{path}/change", lines=[line], proration="none")
    diary.gives_another_card("ada")
    diary.world.settle()
    diary.post(f"{path}/cancel", at_period_end=True)
    diary.it_is("2026-03-11")
    ada = diary.every_letter("ada")
    assert ada[:5] == ["subscribed", "first_payment", "upcoming_payment", "payment_failed", "receipt"]
    assert sorted(ada[5:]) == ["canceled", "changed", "method_updated"]  # of one moment: they go side by side
    assert diary.every_letter("uwe") == ["staff_payment", "staff_payment_failed", "staff_payment"]
    assert diary.every_letter("vera") == ["staff_payment_failed"]
    assert {row["status"] for row in rows(diary)} == {"sent"}
    assert diary.parked() == []
    diary.sound()


def test_the_document_goes_with_the_letter(diary: Diary, world: World):
    """A sent invoice brings the PDF that the API gives, a receipt brings none; the account may do without."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.saves_a_card("cy")
    diary.subscribes("cy", "coffee-1kg", on="2026-01-11", **SENT)
    diary.it_is("2026-01-11")
    env = world.env
    came = [mailbox.read(one) for one in mailbox.messages(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"])]
    [receipt] = [one for one in came if str(one["Subject"]).startswith("Receipt")]
    assert list(receipt.iter_attachments()) == []
    assert receipt["From"].addresses[0].display_name == "Roaster"
    assert receipt["Reply-To"].addresses[0].addr_spec == "roaster@perennial.example"
    [first] = [one for one in came if str(one["Subject"]).startswith("Invoice")]
    [attached] = first.iter_attachments()
    assert (attached.get_filename(), attached.get_content()[:5]) == ("INV-000002.pdf", b"%PDF-")

    diary.post("/v1/account", attach_pdf=False)
    diary.saves_a_card("bo")
    diary.subscribes("bo", "coffee-1kg", on="2026-01-12", **SENT)
    diary.it_is("2026-01-12")
    came = [mailbox.read(one) for one in mailbox.messages(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"])]
    [sent] = [one for one in came if "INV-000003" in str(one["Subject"])]
    assert list(sent.iter_attachments()) == []


def test_what_is_given_back_is_told(diary: Diary, world: World):
    """Changed to less, or canceled at once with credit: each letter says how much came back, as its credit note does."""
    for who in ("ada", "bo"):
        diary.subscribes(who, "coffee-1kg")
    diary.it_is("2026-01-16")
    ada, bo = (f"/v1/subscriptions/{diary.subscriptions[who]}" for who in ("ada", "bo"))
    less = [{"name": "coffee-1kg", "unit_amount": "1000"}]
    diary.post(f"{ada}/change", lines=less, proration="next_invoice")
    diary.post(f"{bo}/cancel", credit=True)
    diary.world.settle()
    notes = {one["subscription"]: dollars(one["total"]) for one in diary.every("/v1/credit_notes")}
    env, said = world.env, {}
    for one in mailbox.messages(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"]):
        text = mailbox.read(one).get_body(("plain",)).get_content()
        said |= {one["To"][0].partition("@")[0]: line for line in text.splitlines() if "Credited" in line}
    assert said == {who: f"Credited: {notes[diary.subscriptions[who]]}" for who in ("ada", "bo")}


def test_a_credit_note_is_sent_with_its_document(diary: Diary, world: World):
    """One letter a note, with the PDF that the API gives; of an invoice that is still owed it says that less is to be paid."""
    diary.subscribes("ada", "coffee-1kg")
    diary.saves_a_card("bo")
    diary.subscribes("bo", "coffee-1kg", **SENT)
    diary.it_is("2026-01-02")
    some = {"line": 0, "amount": {"amount": 500, "currency": "usd"}}
    for one in diary.every("/v1/invoices"):
        diary.post("/v1/credit_notes", invoice=one["id"], lines=[some])
    diary.world.settle()
    notes = {one["contact"]: one for one in diary.every("/v1/credit_notes")}
    env, came = world.env, {}
    for one in mailbox.messages(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"]):
        message = mailbox.read(one)
        if str(message["Subject"]).startswith("Credit note"):
            came[one["To"][0].partition("@")[0]] = message
    assert {who: diary.every_letter(who).count("credit_note") for who in ("ada", "bo")} == {"ada": 1, "bo": 1}
    for who, owed in (("ada", False), ("bo", True)):
        note, message = notes[diary.contacts[who]], came[who]
        assert str(message["Subject"]) == f"Credit note {note['number']} from Roaster: $5.00"
        text = message.get_body(("plain",)).get_content()
        assert ("It comes off what you still have to pay." in text) is owed
        [attached] = message.iter_attachments()
        document = world.call(
            "GET", f"/v1/credit_notes/{note['id']}/pdf", key=diary.key, Accept="application/pdf"
        )
        assert attached.get_filename() == f"{note['number']}.pdf"
        assert attached.get_content().decode(errors="replace") == document.body

    diary.post("/v1/account", letters_off=["credit_note"])
    diary.post("/v1/credit_notes", invoice=diary.every("/v1/invoices")[0]["id"])
    diary.world.settle()
    assert len(rows(diary, letter="credit_note")) == 2
    diary.sound()


def test_what_is_switched_off_is_not_sent(diary: Diary):
    """Neither to buyers nor to staff; and a letter that is off cannot be sent by hand either."""
    staff(diary, "uwe", Letter.STAFF_PAYMENT)
    off = ["subscribed", "first_payment", "staff_payment", "payment_method"]
    assert diary.post("/v1/account", letters_off=off)["letters_off"] == off
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-11")
    assert rows(diary) == []
    path = f"/v1/subscriptions/{diary.subscriptions['ada']}/payment_method_link"
    answer = diary.world.call("POST", path, {"send": True}, diary.key)
    assert (answer.status, answer.body["code"]) == (409, "letter_off")


def test_overdue_as_often_as_the_account_says(diary: Diary):
    """On the first, seventh and fourteenth day after it was due, until it is paid; none beyond."""
    diary.post("/v1/account", overdue_days=[1, 7, 14])
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", days_until_due=3, **SENT)
    diary.it_is("2026-01-13")
    assert diary.every_letter("ada") == ["subscribed", "invoice"]
    diary.it_is("2026-01-19")
    assert diary.every_letter("ada")[2:] == ["overdue"]
    diary.it_is("2026-01-20")
    assert diary.every_letter("ada")[2:] == ["overdue"] * 2
    diary.it_is("2026-02-08")
    assert diary.every_letter("ada")[2:] == ["overdue"] * 3
    diary.sound()


class Away:
    """A mail server that takes nothing just now."""

    def send(self, mail: Mail) -> str:
        raise MailRefused("The mail server is away.")


class Ends:
    """The process ends as it sends: before the mail server has the letter, or after."""

    def __init__(self, inner: Mailer, *, after: bool) -> None:
        self.inner, self.after = inner, after

    def send(self, mail: Mail) -> str:
        if self.after:
            self.inner.send(mail)
        raise Killed(mail.id)


def overdue(diary: Diary, world: World, who: str = "ada") -> str:
    """Somebody's invoice is overdue, and the letter about it waits for the mail server; the invoice's name."""
    diary.saves_a_card(who)
    diary.subscribes(who, "coffee-1kg", on="2026-01-10", days_until_due=1, **SENT)
    diary.it_is("2026-01-11")
    world.restart(lambda service: replace(service, mailer=Away()))
    diary.it_is("2026-01-12", hour=6)
    [row] = rows(diary, letter="overdue", contact=diary.contacts[who])
    assert (row["status"], row["reason"]) == ("pending", "The mail server is away.")
    world.restart()
    return str(row["about"]["invoice"])


def test_a_letter_of_what_is_settled_is_not_sent(diary: Diary, world: World):
    """While the mail server is away the invoice is voided: the letter is skipped, with the reason, and again if it is sent by hand."""
    invoice = overdue(diary, world)
    diary.post(f"/v1/invoices/{invoice}/void")
    diary.it_is("2026-01-12")
    assert "overdue" not in diary.every_letter("ada")
    [row] = rows(diary, letter="overdue")
    assert (row["status"], row["reason"]) == ("skipped", "It is not overdue any more.")
    again = diary.post(f"/v1/deliveries/{row['id']}/resend")
    world.settle()
    assert diary.get(f"/v1/deliveries/{again['id']}")["status"] == "skipped"
    assert "overdue" not in diary.every_letter("ada")


def test_what_is_settled_as_its_letter_is_read_is_not_told(diary: Diary, world: World):
    """A race: the invoice is voided between the reading of a letter and the record of its sending. That is refused, read again, skipped."""
    invoice = overdue(diary, world)
    service = world.service()
    store = service.store

    class Slow(Store):
        """Somebody voids the invoice as soon as the letter's matter has been read."""

        voided = False

        def commit(self, changes: Changeset) -> Reading:
            if not self.voided and any(isinstance(one, Delivery) for one in changes.changed.values()):
                self.voided = True
                void.invoice(replace(service, store=store), diary.account, invoice)
            return super().commit(changes)

    slow = Slow(Dynamo(service.settings), service.settings.table, service.settings.wake_shards)
    world.set_clock(world.now + timedelta(minutes=10))
    [row] = rows(diary, letter="overdue")
    name = keys.key(Delivery, diary.account, row["id"])
    deliver.deliveries(replace(service, store=slow), diary.account, [name])
    assert slow.voided
    assert diary.get(f"/v1/deliveries/{row['id']}")["status"] == "skipped"
    assert "overdue" not in diary.every_letter("ada")


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_between_the_record_and_the_mail_server(diary: Diary, world: World, after: bool):
    """It was maybe sent: it is listed, is never sent again by itself, and goes once more for each request to."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-09")
    world.restart(lambda service: replace(service, mailer=Ends(service.mailer, after=after)))
    diary.it_is("2026-01-10", hour=6)
    world.restart()
    diary.it_is("2026-01-12")
    [maybe] = rows(diary, status="sending")
    assert (maybe["letter"], maybe["send_at"]) == ("first_payment", None)
    assert diary.every_letter("ada").count("first_payment") == int(after)

    path = f"/v1/deliveries/{maybe['id']}/resend"
    first = diary.world.call("POST", path, {}, diary.key, **{"Idempotency-Key": "once"})
    twice = diary.world.call("POST", path, {}, diary.key, **{"Idempotency-Key": "once"})
    assert (first.status, first.body["resends"]) == (201, maybe["id"])
    assert twice.body["id"] == first.body["id"]
    world.settle()
    assert diary.every_letter("ada").count("first_payment") == int(after) + 1
    assert diary.get(f"/v1/deliveries/{first.body['id']}")["status"] == "sent"
    assert [row["id"] for row in rows(diary, status="sending")] == [maybe["id"]]
    diary.sound()


def test_nothing_is_sent_to_an_address_that_bounced(diary: Diary, world: World):
    """It is skipped, with the reason; where that is lifted, the next one goes."""
    service = world.service()
    stopped = Suppression(
        account=diary.account,
        id=name_of("ADA@perennial.example"),
        address="ada@perennial.example",
        reason=SuppressionReason.BOUNCE,
        since=service.real(),
        delivery="dlv_1",
    )
    put(diary, stopped)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-11")
    assert diary.every_letter("ada") == []
    reasons = {row["reason"] for row in rows(diary)}
    assert reasons == {"Nothing is sent to ada@perennial.example: bounce of 2026-01-01."}
    assert {row["status"] for row in rows(diary)} == {"skipped"}
    kept = service.store.get(Suppression, diary.account, stopped.id)
    changes = Changeset(diary.account, service.store.load(diary.account, [keys.key_of(kept)]))
    changes.put(kept.lifted(service.real()))
    service.store.commit(changes)
    diary.it_is("2026-01-28")
    assert diary.every_letter("ada") == ["upcoming_payment"]


def expiring(diary: Diary, world: World, who: str, month: int) -> None:
    """A customer's card is good until the end of a month of 2026."""
    kept = world.service().store.get(PaymentMethod, diary.account, diary.methods[who]["id"])
    changes = Changeset(diary.account, world.service().store.load(diary.account, [keys.key_of(kept)]))
    told = replace(kept, exp_year=2026, exp_month=month)
    changes.put(told.expiring(world.now, "America/New_York", 6))
    world.service().store.commit(changes)


def test_a_card_that_expires_is_told_of_once(diary: Diary, world: World):
    """On the first of the month before its last, and only where something is charged on it; who has given another gets nothing."""
    for who in ("ada", "bea", "cy"):
        diary.saves_a_card(who)
        expiring(diary, world, who, 4)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.subscribes("cy", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-02-28")
    assert not rows(diary, letter="card_expiring")
    diary.gives_another_card("cy")
    diary.it_is("2026-05-02")
    assert diary.every_letter("ada").count("card_expiring") == 1
    [row] = rows(diary, letter="card_expiring")
    assert row["created_at"][:10] == "2026-03-01"
    assert (row["about"]["expires"], row["status"]) == ("2026-04", "sent")
    assert diary.parked() == []
    diary.sound()


def test_a_card_that_its_bank_renewed_is_not_told_of(diary: Diary, world: World):
    """It was saved again with a later month: what was to be told in March is told before that one."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    expiring(diary, world, "ada", 4)
    diary.it_is("2026-02-28")
    method = diary.methods["ada"]
    again = diary.post("/v1/payment_methods", contact=diary.contacts["ada"], payment_method=method["id"])
    assert (again["id"], again["exp_year"]) == (method["id"], method["exp_year"])
    diary.it_is("2026-05-02")
    assert not rows(diary, letter="card_expiring")
