"""Letters over HTTP: the list and its filters, and a letter that is sent again."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.billing.deliveries import Delivery, DeliveryStatus, Letter
from chalicelib.store.changes import Changeset
from tests.web.conftest import Api

STATUSES = (DeliveryStatus.SENT, DeliveryStatus.SENDING, DeliveryStatus.SKIPPED)


@pytest.fixture
def letters(api: Api) -> list[Delivery]:
    """Thirty letters to two contacts, of three statuses and two kinds, a minute apart."""
    account = api.get("/v1/account")["id"]
    made = [
        Delivery(
            account=account,
            id=f"dlv_{n:02d}",
            event=f"evt_{n:02d}",
            letter=Letter.RECEIPT if n % 2 else Letter.OVERDUE,
            contact="con_a" if n % 5 else "con_b",
            about={"contact": "con_a" if n % 5 else "con_b"},
            created_at=api.now + timedelta(minutes=n),
            send_at=None,
            status=STATUSES[n % 3],
        )
        for n in range(30)
    ]
    changes = Changeset(account)
    changes.put(*made)
    api.service.store.commit(changes)
    return list(reversed(made))


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"status": "sending"},
        {"letter": "overdue"},
        {"contact": "con_b"},
        {"status": "skipped", "letter": "receipt", "contact": "con_a"},
        {"status": "failed"},
    ],
)
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_filters_hold_together_page_by_page(
    api: Api, letters: list[Delivery], wanted: dict[str, str], limit: int
):
    """All pages together are what is asked for, newest first, each once."""
    query, found, after = "&".join(f"{k}={v}" for k, v in wanted.items()), [], ""
    while True:
        page = api.get(f"/v1/deliveries?limit={limit}&{query}{after}")
        assert len(page["data"]) <= limit
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        after = f"&after={page['next']}"
    fits = [one for one in letters if all(str(getattr(one, k)) == v for k, v in wanted.items())]
    assert found == [one.id for one in fits]


@pytest.mark.parametrize("query", ["status=lost", "letter=love", "contact=", "sort=up"])
def test_what_is_no_filter_is_refused(api: Api, query: str):
    """A status or a letter that there is not, and fields that are unknown."""
    assert api.get(f"/v1/deliveries?{query}").status == 400


def test_a_letter_is_sent_again_once_a_request(api: Api, letters: list[Delivery]):
    """Another delivery of the same letter, that names the one it repeats; the same request makes no second."""
    [first] = [one for one in letters if one.id == "dlv_01"]
    told = api.post(f"/v1/deliveries/{first.id}/resend", {}, Idempotency_Key="a")
    assert (told.status, told["status"], told["resends"]) == (201, "pending", first.id)
    assert told["letter"] == first.letter
    assert api.post(f"/v1/deliveries/{first.id}/resend", {}, Idempotency_Key="a").text == told.text
    other = api.post(f"/v1/deliveries/{first.id}/resend", {}, Idempotency_Key="b")
    assert other["id"] != told["id"]
    again = api.post(f"/v1/deliveries/{told['id']}/resend", {}, Idempotency_Key="c")
    assert (again.status, again["code"]) == (409, "delivery_pending")
    assert api.post("/v1/deliveries/dlv_none/resend", {}, Idempotency_Key="d").status == 404


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("größe@example.com", "email_not_ascii"),
        ("ada@example.com, bo@example.com", "email_malformed"),
        ("Ada <ada@example.com>", "email_malformed"),
        ('"a b"@example.com', "email_malformed"),
        ("ada@exam..ple.com", "email_malformed"),
    ],
)
def test_an_address_no_letter_could_go_to_is_refused_at_once(api: Api, email: str, code: str):
    """When the contact is made, not when the first letter fails."""
    told: Any = api.post("/v1/contacts", {"name": "Ada", "email": email})
    assert (told.status, told["code"], told["param"]) == (400, code, "email")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"overdue_days": [7, 1]}, "overdue_days_out_of_range"),
        ({"overdue_days": [1, 1]}, "overdue_days_out_of_range"),
        ({"overdue_days": [0]}, "overdue_days_out_of_range"),
        ({"overdue_days": [366]}, "overdue_days_out_of_range"),
    ],
)
def test_notices_that_cannot_be_are_refused(api: Api, given: dict[str, Any], code: str):
    """Days out of order, twice, before it is overdue or after a year."""
    told = api.post("/v1/account", given)
    assert (told.status, told["code"], told["param"]) == (400, code, next(iter(given)))


def test_letters_are_switched_and_the_switch_is_kept(api: Api):
    """What was switched off, by whom, stands among the changes of the account; an unknown letter is refused."""
    told = api.post(
        "/v1/account", {"letters_off": ["receipt", "receipt"], "attach_pdf": False, "overdue_days": []}
    )
    assert (told["letters_off"], told["attach_pdf"], told["overdue_days"]) == (["receipt"], False, [])
    [change] = api.get("/v1/account/changes")["data"]
    assert {"letters_off", "attach_pdf", "overdue_days"} <= {one["field"] for one in change["fields_changed"]}
    assert api.post("/v1/account", {"letters_off": ["love"]}).status == 400
