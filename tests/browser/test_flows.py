"""What buyers come for, from the letter to the end, in a browser that runs no script."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.crm.accounts import Account
from chalicelib.operations import books
from chalicelib.web import buyer_answers
from sandbox import mailbox
from sandbox.world import World
from tests.browser.conftest import DESKTOP, Buyer
from tests.stories.diary import Diary

SENT = {"collection_method": "send_invoice", "payment_method": None, "days_until_due": 14}
VISA, MASTERCARD, POOR, ACCOUNT = "4242424242424242", "5555555555554444", "4000000000009995", "000123456789"


@pytest.fixture
def diary(world: World) -> Iterator[Diary]:
    """A business whose buyers have names of their own; in the end its books and Stripe agree."""
    made = Diary(world)
    yield made
    world.settle()
    service = world.service()
    assert books.audit(service, service.store.get(Account, made.account, made.account)) == []
    assert made.parked() == []


def letter(diary: Diary, who: str, subject: str) -> str:
    """The link in the newest letter to somebody whose subject has these words."""
    diary.world.settle()
    env = diary.world.env
    found = [
        one
        for one in mailbox.messages(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"])
        if one["To"][0].startswith(f"{who}@") and subject in one["Subject"]
    ]
    link = re.search(rf"{re.escape(env['PERENNIAL_BASE_URL'])}/b/\S+", found[-1]["BodyText"])
    assert link, found[-1]["BodyText"]
    return link[0]


def types_a_card(buyer: Buyer, number: str, button: str = "Pay") -> None:
    """On Stripe's page: fill in a card, and press its button."""
    page = buyer.page
    if page.locator("#method-new-card").count():
        page.locator("#method-new-card").check()
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 34")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on the card").fill("Ada Lovelace")
    page.get_by_role("button", name=button).click()


def at_stripe(buyer: Buyer, world: World) -> bool:
    """Whether the browser shows a page of Stripe's."""
    return buyer.page.url.startswith(world.stripe_url)


def test_an_invoice_is_seen_and_paid(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """From the letter: every amount is explained, one card is declined on Stripe's page, another pays, and the receipt is there at once."""
    diary.saves_a_card("ann")
    diary.subscribes("ann", "coffee-1kg", **SENT)
    ann = buyer().opens(letter(diary, "ann", "Invoice"))
    ann.page.get_by_text("How each amount came to be").click()
    assert "1 × 25.00 USD = 25.00 USD" in ann.looks("the invoice, explained").reads
    ann.presses("Pay $25.00")
    assert at_stripe(ann, world)
    types_a_card(ann, POOR)
    assert at_stripe(ann, world)
    assert "insufficient funds" in ann.reads
    types_a_card(ann, VISA)
    assert ann.title == "Payment received"
    assert "Thank you" in ann.looks("paid").reads
    ann.presses("See the invoice")
    assert "This invoice is paid" in ann.looks("the invoice, paid").reads
    ann.presses("See the receipt")
    assert "with Visa •••• 4242" in ann.looks("the receipt").reads
    assert ann.opens(letter(diary, "ann", "Receipt")).title == "Payment received"
    assert diary.payments("ann") == [("succeeded", 2500)]


def test_what_is_not_finished_is_gone_on_with(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """Who comes back without paying is told that nothing was taken; the button leads to the same page of Stripe's; an old form does nothing."""
    diary.saves_a_card("ben")
    diary.subscribes("ben", "coffee-1kg", **SENT)
    ben = buyer(DESKTOP).opens(letter(diary, "ben", "Invoice")).presses("Pay $25.00")
    first = ben.page.url
    ben.presses("Back to")
    assert ben.title == "Payment not finished"
    assert "Nothing has been taken" in ben.looks("not finished").reads
    old = ben.page.url
    ben.presses("Pay $25.00")
    assert ben.page.url == first
    types_a_card(ben, VISA)
    assert ben.title == "Payment received"

    late = buyer(DESKTOP).opens(old)
    assert late.title == "Payment received"
    ben.page.go_back()
    ben.page.go_back()
    diary.world.settle()
    assert diary.payments("ben") == [("succeeded", 2500)]


def test_a_bank_asks_for_confirmation(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """3-D Secure: from the letter to the bank's page and back, where what waited is paid; who fails there is told, and pays in another way."""
    for who in ("cat", "dan"):
        diary.saves_a_card(who, "pm_card_authenticationRequired")
        diary.subscribes(who, "coffee-1kg")
    cat = buyer().opens(letter(diary, "cat", "asks you to confirm"))
    assert cat.looks("to confirm").title == "Confirm your payment"
    cat.presses("Confirm $25.00")
    assert "/3d_secure/" in cat.page.url
    cat.presses("Complete authentication")
    assert cat.title == "Payment received"
    assert "Thank you" in cat.looks("confirmed").reads

    dan = buyer(DESKTOP).opens(letter(diary, "dan", "asks you to confirm")).presses("Confirm $25.00")
    dan.presses("Fail authentication")
    assert dan.title == "Payment did not go through"
    assert "You can pay in another way" in dan.looks("not confirmed").reads
    dan.presses("Pay $25.00")
    types_a_card(dan, MASTERCARD)
    assert dan.title == "Payment received"
    diary.world.settle()
    assert diary.payments("cat") == [("succeeded", 2500)]
    assert diary.payments("dan") == [("declined", 2500), ("succeeded", 2500)]


def test_another_method_pays_the_arrears(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """A card was declined: from its letter another is left on Stripe's page, and all that is owed is paid with it at once."""
    diary.saves_a_card("eli")
    diary.card("eli", "insufficient_funds")
    diary.subscribes("eli", "coffee-1kg")
    eli = buyer().opens(letter(diary, "eli", "did not go through"))
    assert "not enough money" in eli.looks("arrears").reads
    eli.presses("Update payment method").presses("Back to")
    assert "Nothing has been changed" in eli.looks("no other method").reads
    eli.presses("Update payment method")
    assert at_stripe(eli, world)
    types_a_card(eli, MASTERCARD, "Save")
    assert eli.title == "Nothing is owed"
    assert "Mastercard •••• 4444 is used from now on" in eli.looks("another method").reads
    assert "What was owed has been paid with it" in eli.reads
    diary.world.settle()
    assert diary.payments("eli") == [("declined", 2500), ("succeeded", 2500)]
    assert diary.subscription("eli")["status"] == "active"


def test_what_pays_the_arrears_is_kept(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """With the box ticked, as it is after a decline, the card that pays is charged from then on; unticked, it pays once."""
    for who in ("fay", "gus"):
        diary.saves_a_card(who)
        diary.card(who, "insufficient_funds")
        diary.subscribes(who, "coffee-1kg")
    for who, keeps in (("fay", True), ("gus", False)):
        person = buyer(DESKTOP).opens(letter(diary, who, "did not go through"))
        person.page.get_by_role("checkbox").set_checked(keeps)
        person.presses("Pay $25.00")
        types_a_card(person, MASTERCARD)
        assert person.title == "Payment received"
        diary.world.settle()
    kept = {who: diary.subscription(who)["payment_method"]["label"] for who in ("fay", "gus")}
    assert kept == {"fay": "Mastercard •••• 4444", "gus": "Visa •••• 4242"}


def test_a_bank_debit_takes_days(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """An account is debited: the pages say that it takes days and offer no second payment, until it has arrived."""
    diary.saves_a_card("hal")
    types: dict[str, Any] = {"accepted_types": ["card", "us_bank_account"]}
    diary.subscribes("hal", "coffee-1kg", **SENT, **types)
    link = letter(diary, "hal", "Invoice")
    hal = buyer().opens(link)
    assert "by card or US bank account" in hal.reads
    hal.presses("Pay $25.00")
    hal.page.locator("#method-new-us_bank_account").check()
    hal.page.get_by_label("Routing number").fill("110000000")
    hal.page.get_by_label("Account number").fill(ACCOUNT)
    hal.page.get_by_label("Name on the card").fill("Hal")
    hal.page.get_by_role("button", name="Pay").click()
    assert hal.title == "Payment on its way"
    assert "This takes some days" in hal.looks("on its way").reads
    assert hal.page.locator("button").count() == 0
    assert "That takes some days" in hal.opens(link).looks("the invoice meanwhile").reads
    assert hal.page.locator("button").count() == 0


def test_a_letter_leads_from_the_mailbox(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """./dev up's mailbox shows the letter as it was sent, and its button opens the page beside it."""
    diary.saves_a_card("ida")
    diary.subscribes("ida", "coffee-1kg", **SENT)
    link = letter(diary, "ida", "Invoice")
    env = world.env
    world.gateway.pages["/mailbox"] = lambda: mailbox.page(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"])
    ida = buyer(DESKTOP).opens(f"{env['PERENNIAL_BASE_URL']}/mailbox")
    ida.page.locator("summary").filter(has_text="Invoice INV-000001").first.click()
    button = ida.page.frame_locator("details[open] iframe").get_by_role(
        "link", name="See the invoice and pay it"
    )
    with ida.page.context.expect_page() as opened:
        button.click()
    assert opened.value.url == link
    assert opened.value.locator("h1").inner_text() == "Invoice INV-000001"


def test_who_presses_an_old_button(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """A page from before the payment is pressed afterwards: it says that there is nothing left to do, and nothing is taken twice."""
    diary.saves_a_card("jon")
    diary.subscribes("jon", "coffee-1kg", **SENT)
    link = letter(diary, "jon", "Invoice")
    early, jon = buyer(), buyer(DESKTOP)
    early.opens(link)
    types_a_card(jon.opens(link).presses("Pay $25.00"), VISA)
    assert jon.title == "Payment received"
    early.presses("Pay $25.00")
    assert early.status == 409
    assert "There is nothing left to do" in early.looks("pressed too late").reads
    diary.world.settle()
    assert diary.payments("jon") == [("succeeded", 2500)]


def test_a_double_click_opens_one_page(diary: Diary, world: World):
    """Several presses at one moment: one payment, one page of Stripe's; whoever lost the race is told to press again, or is led to the same page."""
    diary.saves_a_card("lea")
    diary.subscribes("lea", "coffee-1kg", **SENT)
    link = letter(diary, "lea", "Invoice")
    service, token = world.service(), link.rsplit("/", 1)[1]
    html = buyer_answers.look(service, token, {}).html
    form = re.search('name="form" value="([^"]+)"', html)
    assert form
    sent = {"content-type": "application/x-www-form-urlencoded"}

    def press(_: int) -> Any:
        return buyer_answers.press(service, token, "pay", sent, f"form={form[1]}".encode())

    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(press, range(4)))
    answers.append(press(5))
    places = {answer.headers.get("Location") for answer in answers if answer.status == 303}
    assert len(places) == 1
    assert {answer.status for answer in answers} <= {303, 409}
    for answer in answers:
        assert answer.status == 303 or "Press the button again" in answer.html
    rows = diary.every("/v1/payments")
    assert [row["status"] for row in rows] == ["checkout"]


def test_stripe_cannot_be_reached(diary: Diary, world: World, buyer: Callable[..., Buyer]):
    """While Stripe is away the page says so, and the same button works when it is back."""
    diary.saves_a_card("kim")
    diary.subscribes("kim", "coffee-1kg", **SENT)
    kim = buyer().opens(letter(diary, "kim", "Invoice"))
    world.stripe("POST", "outage", {"answer": "503"})
    kim.presses("Pay $25.00")
    assert kim.status == 503
    assert "Stripe cannot be reached just now" in kim.looks("stripe is away").reads
    world.stripe("DELETE", "outage")
    kim.presses("Pay $25.00")
    assert at_stripe(kim, world)
    types_a_card(kim, VISA)
    assert kim.title == "Payment received"
