"""The audit, told by breaking what it looks after: the table by hand, and Stripe."""



from chalicelib.billing.audits import Audit, Code
from chalicelib.operations import audit
from tests.stories.diary import Diary


def audited(diary: Diary) -> Audit:
    return audit.account(diary.world.service(), diary.account)


def found(diary: Diary) -> list[tuple[Code, str]]:
    return [(one.code, one.subject) for one in audited(diary).findings]


def test_a_life_with_everything_in_it_is_found_whole(diary: Diary):
    """Renewals, declines, arrears, a pause, a cancellation, a credit: nothing is found, and all was looked at."""
    for who in ("ada", "bo", "eve"):
        diary.subscribes(who, "coffee-250g")
    diary.saves_a_card("cy")
    diary.card("cy", "insufficient_funds", "insufficient_funds")
    diary.subscribes("cy", "coffee-250g")
    diary.it_is("2026-01-02")
    diary.post(f"/v1/subscriptions/{diary.subscriptions['ada']}/pause")
    diary.post(f"/v1/subscriptions/{diary.subscriptions['bo']}/cancel")
    invoice = diary.every(f"/v1/invoices?subscription={diary.subscriptions['eve']}")[0]["id"]
    diary.post("/v1/credit_notes", invoice=invoice)
    diary.it_is("2026-03-02")
    told = audited(diary)
    assert told.findings == ()
    assert told.holds
    assert told.looked["subscriptions"] == 4
    assert told.looked["charges"] >= 6
