"""Letters over HTTP: which there are, their words, the business's own, and how each looks."""

from datetime import UTC, datetime

import pytest

from chalicelib.billing.deliveries import Letter
from chalicelib.crm.accounts import Account
from chalicelib.crm.parties import LANGUAGES
from chalicelib.crm.wordings import Wording
from tests.web.conftest import Api
from tests.web.test_openapi import fits

WORDS = "/v1/letters/receipt/words/de"


def test_every_letter_is_listed_with_what_it_tells(api: Api):
    """Its placeholders, those that own words must have, whether it is sent, and in which languages it has own words."""
    api.post("/v1/account", {"letters_off": ["receipt"]})
    api.post(WORDS, {"title": "Danke!"})
    told = api.get("/v1/letters")
    fits(told, "GET", "/v1/letters")
    by = {one["letter"]: one for one in told["data"]}
    assert list(by) == [letter.value for letter in Letter]
    assert by["receipt"]["required"] == ["amount", "day"]
    assert {"amount", "business", "day", "invoices", "method"} <= set(by["receipt"]["placeholders"])
    assert (by["receipt"]["sent"], by["receipt"]["own"], by["receipt"]["staff"]) == (False, ["de"], False)
    assert by["staff_dispute"]["staff"]


def test_own_words_stand_in_place_of_ours(api: Api):
    """Of the part that was said, in the one language; the rest stays ours, and what is put in is put in."""
    body = "Servus! {business} hat {amount} am {day} bekommen.\n\nBis bald."
    told = api.post(WORDS, {"subject": "Danke für {amount}", "body": body})
    fits(told, "POST", "/v1/letters/{letter}/words/{language}")
    assert told["own"] == {"subject": "Danke für {amount}", "title": "", "body": body, "button": ""}
    assert told["ours"]["title"] == "Zahlung erhalten"
    text = api.get("/v1/letters/receipt/preview?language=de&format=text").text
    assert text.startswith("Danke für 55,00\u00a0$\n")
    assert "Servus! Roaster hat 55,00\u00a0$ am " in text
    assert "Bis bald." in text
    assert "Zahlung erhalten" in text
    assert "Servus" not in api.get("/v1/letters/receipt/preview?language=en&format=text").text


def test_own_words_are_written_with_the_account_and_taken_back_with_it(api: Api):
    """Who sends a letter sees from the account alone whether there are any; each change is kept, with who made it."""

    def known() -> tuple[str, ...]:
        return api.service.store.get(Account, api.account.id, api.account.id).wordings

    api.post(WORDS, {"title": "Danke!"})
    assert known() == ("receipt_de",)
    before = api.marks()
    api.post(WORDS, {"title": "Danke!"})
    assert api.marks() == before
    told = api.post(f"{WORDS}/reset")
    assert told["own"] == {"subject": "", "title": "", "body": "", "button": ""}
    assert known() == ()
    assert not api.service.store.get(Wording, api.account.id, "receipt_de").says
    changes = [one["fields_changed"] for one in api.get("/v1/account/changes")["data"]]
    assert changes == [
        [{"field": "letters.receipt_de.title", "before": "Danke!", "after": ""}],
        [{"field": "letters.receipt_de.title", "before": "", "after": "Danke!"}],
    ]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"body": "Danke für {amount} am {day}, {iban}"}, "placeholder_unknown", "body"),
        ({"body": "Danke für {amount}."}, "placeholder_missing", "body"),
        ({"body": "{{7*7}} {amount} {day}"}, "placeholder_unknown", "body"),
        ({"title": "{"}, "placeholder_unknown", "title"),
        ({"subject": "a\r\nBcc: all@example.com"}, None, "subject"),
        ({"subject": "x" * 251}, None, "subject"),
        ({"body": "{amount} {day}" + "x" * 2000}, None, "body"),
        ({"greeting": "Hi"}, None, "greeting"),
    ],
)
def test_own_words_that_could_not_be_sent_are_refused(api: Api, body, code, param):
    """A placeholder the letter does not have, one it must tell, more than one line, too much: the part is named."""
    before = api.marks()
    told = api.post(WORDS, body)
    assert told.status in (400, 422)
    assert told["param"] == param
    assert code is None or told["code"] == code
    assert api.get(WORDS)["own"]["body"] == ""
    assert api.marks() == before


def test_markup_of_own_words_is_text(api: Api):
    """Nothing but the placeholders is interpreted, and what is put in is not looked at again."""
    api.post("/v1/account", {"name": "{amount} <i>& Co</i>"})
    told = api.post(
        WORDS, {"body": "<b>{business}</b> {amount} {day} https://x.example", "title": "<script>x</script>"}
    )
    assert told.status == 200, told.text
    shown = api.get("/v1/letters/receipt/preview?language=de")
    assert shown.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert "&lt;b&gt;{amount} &lt;i&gt;&amp; Co&lt;/i&gt;&lt;/b&gt;" in shown.text
    assert "<script>" not in shown.text


def test_any_letter_is_previewed_in_any_language(api: Api):
    """Before anything was sold, as HTML, which says its language, and as text."""
    for n, letter in enumerate(Letter):
        for language in LANGUAGES if not n else LANGUAGES[n % 7 :][:2]:
            html = api.get(f"/v1/letters/{letter}/preview?language={language}")
            assert html.status == 200, html.text
            assert f'lang="{language}"' in html.text
            text = api.get(f"/v1/letters/{letter}/preview?language={language}&format=text")
            assert text.headers["Content-Type"].startswith("text/plain")


def test_a_made_up_letter_tells_of_today(api: Api):
    """Its invoice is of the day the account lives in, as its payment is."""
    api.now = datetime(2031, 7, 9, 12, tzinfo=UTC)
    text = api.get("/v1/letters/receipt/preview?format=text").text
    assert "Date: July 9, 2031" in text
    assert "Period: July 9 – August 8, 2031" in text


def test_a_preview_of_a_subscription_tells_of_it(api: Api):
    """Its lines, its buyer's name, their language where none is asked for."""
    sold = api.sells()
    api.post(f"/v1/contacts/{sold['contact']}", {"language": "da", "name": "Søren"})
    text = api.get(f"/v1/letters/upcoming_payment/preview?subscription={sold['id']}&format=text").text
    assert "Hej Søren" in text
    assert sold["lines"][0]["name"] in text
    for letter in Letter:
        told = api.get(f"/v1/letters/{letter}/preview?subscription={sold['id']}&language=ja")
        assert told.status == 200, told.text


def test_what_there_is_not_is_refused(api: Api):
    """A letter, a language, a locale or a subscription that nobody knows."""
    for path, status in (
        ("/v1/letters/love/preview", 404),
        ("/v1/letters/receipt/words/xx", 404),
        ("/v1/letters/receipt/preview?language=xx", 400),
        ("/v1/letters/receipt/preview?locale=xx-YY", 400),
        ("/v1/letters/receipt/preview?subscription=sub_none", 404),
        ("/v1/letters/receipt/preview?format=pdf", 400),
    ):
        assert api.get(path).status == status
