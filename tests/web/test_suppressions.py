"""What SES tells of letters stops mail to an address, of one account, until a person lifts it."""

from itertools import permutations
from typing import Any

import pytest

from chalicelib.billing.deliveries import Delivery, DeliveryStatus, Letter
from chalicelib.crm.suppressions import name_of
from chalicelib.operations import stop_mail
from chalicelib.store.changes import Changeset
from sandbox.mail_events import SOFT, bounce, complaint
from tests.web.conftest import Api

ADA = "ada@example.com"


@pytest.fixture
def letter(api: Api) -> dict[str, Any]:
    """A receipt that the mail server took, as the API shows it."""
    return sent(api, api.account.id)


def sent(
    api: Api, account: str, key: str | None = None, name: str = "dlv_1", to: str = ADA
) -> dict[str, Any]:
    made = Delivery(
        account=account,
        id=name,
        event="evt_1",
        letter=Letter.RECEIPT,
        contact="con_1",
        about={},
        created_at=api.now,
        send_at=None,
        status=DeliveryStatus.SENT,
        to=to,
        message_id="0100017",
        sent_at=api.now,
    )
    changes = Changeset(account)
    changes.put(made)
    api.service.store.commit(changes)
    return api.get(f"/v1/deliveries/{name}", key=key).body


def stopped(api: Api, key: str | None = None) -> list[tuple[str, str]]:
    return [(one["address"], one["reason"]) for one in api.get("/v1/suppressions", key=key)["data"]]


def facts(api: Api) -> list[str]:
    return [one["type"] for one in api.get("/v1/events?type=contact.*&order=desc")["data"]]


def test_a_bounce_for_good_stops_mail_to_the_address(api: Api, letter: Any):
    """The address is kept with what was said of it, in one line; the letter is bounced; the fact shows it."""
    stop_mail.hear(api.service, bounce(letter, api.account.id, api.now))
    [kept] = api.get("/v1/suppressions")["data"]
    assert kept == {
        "object": "suppression",
        "id": name_of(ADA),
        "address": ADA,
        "reason": "bounce",
        "since": "2026-01-31T12:00:00Z",
        "delivery": "dlv_1",
        "contact": "con_1",
        "detail": "Permanent bounce, General: smtp; 550 5.1.1 user unknown X: 1",
        "lifted_at": None,
    }
    told = api.get("/v1/deliveries/dlv_1")
    assert (told["status"], told["reason"]) == ("bounced", kept["detail"])
    [fact] = api.get("/v1/events")["data"]
    assert (fact["type"], fact["data"]["object"]) == ("contact.mail_stopped", kept)
    assert fact["about"] == {"contact": "con_1", "delivery": "dlv_1"}


def test_a_bounce_for_now_is_only_noted(api: Api, letter: Any):
    """A full mailbox may have room tomorrow: the letter says why, and nothing is stopped."""
    stop_mail.hear(api.service, bounce(letter, api.account.id, api.now, SOFT))
    told = api.get("/v1/deliveries/dlv_1")
    assert told["status"] == "sent"
    assert told["reason"].startswith("Transient bounce, MailboxFull")
    assert stopped(api) == facts(api) == []


def test_a_complaint_stops_mail_to_the_address(api: Api, letter: Any):
    """Who says that a letter is spam is not written to any more."""
    stop_mail.hear(api.service, complaint(letter, api.account.id, api.now))
    assert stopped(api) == [(ADA, "complaint")]
    assert api.get("/v1/deliveries/dlv_1")["status"] == "complained"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_is_told_twice_and_in_any_order_is_the_same(api: Api, letter: Any, order: tuple[int, ...]):
    """A late bounce, one for good and a complaint, each twice and in any order, leave one suppression, for the complaint, and one fact."""
    account, at = api.account.id, api.now
    told = [bounce(letter, account, at, SOFT), bounce(letter, account, at), complaint(letter, account, at)]
    for which in (*order, *order):
        stop_mail.hear(api.service, told[which])
    assert stopped(api) == [(ADA, "complaint")]
    assert api.get("/v1/deliveries/dlv_1")["status"] == "complained"
    assert facts(api) == ["contact.mail_stopped"]


def test_one_account_is_not_stopped_for_another(api: Api, letter: Any):
    """Several accounts of a deployment may write to one address; a bounce concerns whose letter it was."""
    other, key = api.open("Bakery")
    sent(api, other.id, key)
    stop_mail.hear(api.service, bounce(letter, other.id, api.now))
    assert stopped(api) == []
    assert stopped(api, key) == [(ADA, "bounce")]


def test_an_address_is_the_same_in_any_case(api: Api, letter: Any):
    """Mail servers do not tell cases apart, and may tell an address with a name beside it."""
    told = bounce(letter, api.account.id, api.now, to=["Ada <ADA@Example.COM>", "ada@example.com"])
    stop_mail.hear(api.service, told)
    assert stopped(api) == [(ADA, "bounce")]


def test_a_domain_is_the_same_in_either_spelling():
    """The mail server tells of a domain as it stands on the wire; contacts have it as people write it."""
    assert name_of("ada@Käse.example") == name_of("ada@xn--kse-qla.example")
    assert name_of("ada@käse.example") != name_of("ada@kase.example")
    assert name_of("no address") != name_of(f"ada@{'a' * 64}.example")


def test_lifted_it_is_written_to_until_the_next_bounce(api: Api, letter: Any):
    """A person may lift it, once; the bounce that stopped it, told again, does not stop it again, a new one does."""
    account, first = api.account.id, api.now
    stop_mail.hear(api.service, bounce(letter, account, first))
    api.wait(hours=1)
    for _ in range(2):
        assert api.post(f"/v1/suppressions/{name_of(ADA)}/lift")["lifted_at"] == "2026-01-31T13:00:00Z"
    assert stopped(api) == []
    assert api.get(f"/v1/suppressions/{name_of(ADA)}")["lifted_at"] == "2026-01-31T13:00:00Z"
    stop_mail.hear(api.service, bounce(letter, account, first))
    assert stopped(api) == []
    api.wait(hours=1)
    stop_mail.hear(api.service, bounce(sent(api, account, name="dlv_2"), account, api.now))
    assert stopped(api) == [(ADA, "bounce")]
    assert facts(api) == ["contact.mail_stopped", "contact.mail_resumed", "contact.mail_stopped"]
    assert api.post("/v1/suppressions/sup_none/lift").status == 404


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "",
        "[]",
        '{"eventType": "Bounce", "mail": {"tags": {}}}',
        '{"eventType": "Delivery", "mail": {"tags": {"account": ["acct_1"], "delivery": ["dlv_1"]}}}',
        '{"eventType": "Bounce", "mail": {"tags": {"account": "acct_1"}}, "bounce": 1}',
    ],
)
def test_what_is_about_no_letter_is_left(api: Api, letter: Any, text: str):
    """SES's greeting, deliveries, and what is told of other letters change nothing, and are not asked for again."""
    before = api.written()
    stop_mail.hear(api.service, text)
    stop_mail.hear(api.service, bounce(letter, "acct_none", api.now))
    stop_mail.hear(api.service, bounce({**letter, "id": "dlv_none"}, api.account.id, api.now))
    assert api.written() == before


def test_a_bounce_before_the_answer_is_not_overwritten(api: Api, letter: Any):
    """SES may tell of a bounce before the worker has written down that the letter was sent."""
    bounced = api.service.store.get(Delivery, api.account.id, "dlv_1").came_back(
        DeliveryStatus.BOUNCED, "No."
    )
    assert bounced.sent(ADA, "0100017", api.now).status is DeliveryStatus.BOUNCED
