"""What a reading with fresh eyes found about money that goes back, about what Stripe tells, and about the audit."""

from typing import Any

from chalicelib import wiring
from chalicelib.billing.audits import Code
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.operations import heed
from chalicelib.store import keys
from sandbox.crashes import Crashes
from sandbox.world import Killed
from tests.stories.diary import Diary
from tests.stories.test_audit import Hand, audited, found
from tests.stories.test_credits import balance, entries, newest, usd
from tests.stories.test_found import bent, owes
from tests.stories.test_refunds import given_back, last_payment, pays, refunds, refused


class Dying(Crashes):
    """Ends the thread that comes to a point of this name first."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def point(self, name: str) -> None:
        if self.struck is None and name == self.where:
            self.struck = name
            raise Killed(name)


def kwd(amount: int) -> dict[str, Any]:
    """Fils, a thousand to the dinar."""
    return {"amount": amount, "currency": "kwd"}


def test_what_stripe_cannot_give_back_is_refused_before_anything_is_written(diary: Diary):
    """Stripe takes dinars in multiples of 10 fils: 1.005 is refused; of a note of 1.005 1.000 goes back, and 0.005 is the customer's."""
    lines = [{"name": "Coffee", "unit_amount": "25000"}]
    paid = pays(diary, currency="kwd", lines=lines)
    wrong = {"payment": paid, "amount": kwd(1005)}
    assert refused(diary, "/v1/refunds", **wrong) == (400, "amount_not_chargeable", "amount")
    assert (diary.every("/v1/credit_notes"), refunds(diary, paid)) == ([], [])
    invoice = newest(diary, "ada")["id"]
    diary.post("/v1/credit_notes", invoice=invoice, lines=[{"line": 0, "amount": kwd(1005)}], refund=True)
    assert refunds(diary, paid) == [("succeeded", 1000)]
    assert diary.get(f"/v1/contacts/{diary.contacts['ada']}")["balances"] == [kwd(5)]
    assert diary.post("/v1/refunds", invoice=invoice)["amount"] == kwd(23990)
    diary.post("/v1/refunds", payment=paid, amount=kwd(5), invoice=invoice, to="balance")
    assert diary.parked() == []
    assert audited(diary).holds


def test_a_refund_that_cannot_be_looked_for_has_not_failed(diary: Diary):
    """Its answer is lost, and Stripe, asked with another key, refuses to look: it waits for a person, and no money is given twice."""
    paid = pays(diary)
    for method, fault, times in (("POST", "500_after", 1), ("GET", "tax_inactive", 99)):
        where = {"method": method, "path": "/v1/refunds"}
        diary.world.stripe("POST", "faults", {"match": where, "fault": fault, "times": times})
    diary.post("/v1/refunds", payment=paid, amount=usd(1000))
    diary.it_is("2026-01-21")
    assert (refunds(diary, paid), balance(diary, "ada")) == ([("pending", 1000)], 0)
    [refund] = diary.parked()
    diary.world.stripe("DELETE", "faults")
    diary.post(f"/v1/parked/refund/{refund}/release")
    diary.it_is("2026-01-22")
    assert (refunds(diary, paid), given_back(diary)) == ([("succeeded", 1000)], 1000)
    diary.sound()


def test_a_credit_note_that_was_altered_is_named(diary: Diary):
    """One that gives what its lines do not come to stops no audit: it is what the audit finds."""
    pays(diary)
    note = diary.post("/v1/credit_notes", invoice=newest(diary, "ada")["id"])["id"]
    with Hand(diary).told("credit_note", note, to_balance=usd(1)):
        assert (Code.BOOKS_BROKEN, note) in found(diary)
    with Hand(diary).told("credit_note", note, currency="eur"):
        assert Code.BOOKS_BROKEN in {code for code, _ in found(diary)}


def test_a_subscription_that_is_gone_is_named_though_nothing_is_owed(diary: Diary):
    """All its invoices are paid, and nobody will ever be asked again: its row is missed by them."""
    pays(diary)
    invoice = newest(diary, "ada")["id"]
    with Hand(diary).without("subscription", diary.subscriptions["ada"]):
        assert (Code.INVOICE_FORGOTTEN, invoice) in found(diary)
    assert audited(diary).holds


def test_who_asks_whose_an_event_is_may_die_asking(diary: Diary):
    """The process ends before, or after, Stripe says which payment a refund from its dashboard is of: it is heard of all the same."""
    world, paid = diary.world, pays(diary)
    intent = last_payment(diary, "ada")["reference"]
    for n, where in enumerate(("before gateway.metadata", "after gateway.metadata"), start=1):
        dying = Dying(where)
        world.stripe("POST", "refunds", {"payment_intent": intent, "amount": 100})
        world.restart(dying.around)
        world.settle()
        assert dying.struck == where
        world.restart()
        diary.it_is(f"2026-01-2{n}")
        assert given_back(diary) == 100 * n
        assert refunds(diary, paid) == [("succeeded", 100)] * n
    assert balance(diary, "ada") == 0
    diary.sound()


def test_a_refund_at_stripe_of_more_invoices_than_can_be_credited_at_once_is_adopted(diary: Diary):
    """One payment of 22 months goes back whole: twenty are credited, what the other two had is goodwill, and nothing is parked."""
    diary.subscribes("cy", "coffee-250g", on="2026-06-01")
    owes(diary, "cy", 22)
    diary.gives_another_card("cy")
    diary.world.settle()
    paid = last_payment(diary, "cy")
    assert (paid["amount"], len(paid["allocations"])) == (usd(22 * 1250), 22)
    assert refused(diary, "/v1/refunds", payment=paid["id"])[1] == "too_many_invoices"
    diary.world.stripe("POST", "refunds", {"payment_intent": paid["reference"], "amount": 22 * 1250})
    diary.world.settle()
    assert diary.parked() == []
    assert refunds(diary, paid["id"]) == [("succeeded", 22 * 1250)]
    assert len(diary.every("/v1/credit_notes")) == 20
    assert (balance(diary, "cy"), entries(diary)["goodwill"]) == (0, 2 * 1250)


def test_an_older_word_about_a_dispute_does_not_undo_a_newer_one(diary: Diary):
    """Stripe's answer that it is open is on its way while another worker writes down that it is won: won it stays."""
    paid, other, seen = pays(diary), wiring.wired(diary.world.app.settings), []

    def event(name: str, what: str) -> StripeEvent:
        now = {"created_at": other.real(), "received_at": other.real()}
        told = {"id": f"evt_{what}", "type": f"charge.dispute.{what}", "object": name, "livemode": False}
        return StripeEvent(account=diary.account, payment=paid, **told, **now)

    def slowly(true: Any, name: str) -> Any:
        told = true(name)
        if not seen:
            diary.world.stripe("POST", "disputes/win", {"dispute": name})
            closed = event(name, "closed")
            heed.arrivals(other, [closed])
            heed.stripe_events(other, diary.account, [keys.key_of(closed)])
            seen.append(diary.get(f"/v1/disputes/{name}")["status"])
        return told

    diary.world.restart(bent(fetch_dispute=slowly))
    intent = diary.get(f"/v1/payments/{paid}")["reference"]
    name = diary.world.stripe("POST", "disputes", {"payment_intent": intent})["id"]
    opened = event(name, "created")
    heed.arrivals(diary.world.service(), [opened])
    heed.stripe_events(diary.world.service(), diary.account, [keys.key_of(opened)])
    assert seen == ["won"]
    assert diary.get(f"/v1/disputes/{name}")["status"] == "won"
    diary.world.settle()
    diary.sound()


def test_an_audit_asks_stripe_by_the_page_and_not_for_each(diary: Diary):
    """Payments of months, each with a refund: a look through them takes a few listings, whatever they are in number."""
    for who in ("ada", "bea"):
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-04-20")
    for row in diary.every("/v1/payments"):
        diary.post("/v1/refunds", payment=row["id"], amount=usd(100))
    diary.world.settle()
    intent = last_payment(diary, "ada")["reference"]
    diary.world.stripe("POST", "refunds", {"payment_intent": intent, "amount": 100})
    diary.world.settle()

    def asked() -> dict[str, int]:
        told = diary.world.stripe("GET", "summary")["requests"]
        return {path: n for path, n in told.items() if path.startswith("GET /v1/payment_intents")}

    before = asked()
    assert audited(diary).holds
    assert {path: n - before.get(path, 0) for path, n in asked().items() if n != before.get(path, 0)} == {
        "GET /v1/payment_intents": 2
    }
