"""Every letter in every language: whole, harmless, and the same in text and HTML."""

# ruff: noqa: RUF001 - other scripts are what it is about

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from time import perf_counter

import pytest

from chalicelib.billing import issuing
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.statuses import Status
from chalicelib.crm.parties import LANGUAGES
from chalicelib.crm.wordings import Wording
from chalicelib.views import letter_looks, letter_samples, letters, own_words
from chalicelib.views.catalogs import catalog
from chalicelib.views.letter_cases import Case
from chalicelib.views.reading import Reader
from tests.views.posting import Reader as Seen
from tests.views.situations import PROFILE, account, all_situations, by_transfer, case, charged, on_balance

EVERY = [(letter, language) for letter in Letter for language in LANGUAGES]
HOSTILE = [
    "☕️👩‍👩‍👧 Ltd",
    "N" * 200,
    "שלום עולם",
    "{{7*7}} {amount} {% raw %} ${7*7}",
    "<script>alert(1)</script>",
    "Ada\r\nBcc: all@example.com",
    "\u202eevil\u2066\u2069\x00\x1b[31m",
    "</td></table><img src=x onerror=alert(1)>\"'&amp;",
]
AMOUNT = re.compile(r"[\d٠-٩][\d٠-٩.,\u202f٫٬]*[.,٫][\d٠-٩]{2,3}")


def hostile(letter: Letter, language: str, words: str) -> Case:
    """The same with hostile words wherever a stranger, or the business, may write any."""
    made = case(letter, language)
    sold = made.subscription
    rows = tuple(replace(line, name=words, description=words) for line in sold.lines)
    bad = replace(sold, name=words, lines=rows, method=sold.method and replace(sold.method, label=words))
    issued = tuple(
        replace(issuing.invoice_of(bad, words, letter_samples.NOW), id=one.id, due_on=one.due_on)
        for one in made.invoices
    )
    parties = replace(
        made.parties,
        account=replace(made.parties.account, name=words, email=words),
        contact=replace(made.parties.contact, name=words, email=words),
        profile=replace(PROFILE, legal_name=words, registration=words, website=words, color=words),
    )
    payment = made.payment and replace(made.payment, method_label=words, reference=words)
    return replace(
        made,
        parties=parties,
        subscription=bad,
        invoices=issued,
        payment=payment,
        user=made.user and replace(made.user, name=words),
        method=made.method and replace(made.method, label=words),
        dispute=made.dispute and replace(made.dispute, reason=words),
        more={
            **made.more,
            **({"quote": words} if "quote" in made.more else {}),
            **({"endpoint": words} if "endpoint" in made.more else {}),
        },
    )


@pytest.mark.parametrize(("letter", "language"), EVERY)
def test_a_letter_is_whole_in_its_language(letter, language):
    """Subject, title, greeting, a body and a closing; its language and direction are told to the mail client."""
    words = letters.write(case(letter, language))
    seen = Seen(words["html"])
    assert seen.html == f"{language} {'rtl' if language == 'ar' else 'ltr'}"
    assert words["subject"]
    assert not re.search(r"[{}]", words["subject"] + words["text"])
    assert not {"img", "script", "link", "form", "iframe"} & seen.tags
    has_link = not letter.value.startswith("staff") and letter_samples.LINK in words["text"]
    assert seen.hrefs == ([letter_samples.LINK] if has_link else [])


@pytest.mark.parametrize(("letter", "language"), EVERY)
def test_text_and_html_say_the_same(letter, language):
    """Every line of the text, and every amount as often, stands in the HTML."""
    words = letters.write(case(letter, language))
    seen = Seen(words["html"]).text
    plain = re.sub(r"\s+", " ", words["text"])
    assert Counter(AMOUNT.findall(plain)) == Counter(AMOUNT.findall(seen))
    said = letters.told(case(letter, language))
    for _, value in said.facts:
        assert " ".join(value.split()) in seen
        assert value in words["text"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", HOSTILE)
def test_a_strangers_words_stay_words(language, words):
    """Emoji, length, direction, templates, markup and headers do nothing in any letter, in either form."""
    for letter in Letter:
        made = letters.write(hostile(letter, language, words))
        seen = Seen(made["html"])
        assert not {"img", "script", "link", "form", "iframe"} & seen.tags
        assert len(made["subject"].splitlines()) == 1
        assert len(made["subject"]) < 250
        assert made["subject"].count("\u2068") == made["subject"].count("\u2069")
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066\u2067]", made["text"] + made["html"])
        assert not re.search("^Bcc", made["text"], re.MULTILINE)
        assert "49" not in made["subject"].replace(words, "") or "7*7" not in words
        assert set(seen.hrefs) <= {letter_samples.LINK}


def test_every_word_of_the_catalog_is_used():
    """A text that no code asks for is translated for nothing."""
    asked = set()
    read = dict(catalog("en"))

    class Noted(dict):
        def __getitem__(self, key):
            asked.add(key)
            return super().__getitem__(key)

        def get(self, key, default=None):
            asked.add(key)
            return super().get(key, default)

    with pytest.MonkeyPatch.context() as patch:
        for module in ("reading", "letters"):
            patch.setattr(f"chalicelib.views.{module}.catalog", lambda _: Noted(read))
        for one in all_situations():
            letters.write(one)
    ours = {key for key in read if key.startswith("letter.")}
    assert {key for key in ours - asked if not key.startswith("letter.change.")} == set()


def test_no_payment_is_announced_that_does_not_come():
    """Whoever gives another card for what is paused, or ends before its next date, is told of no payment on that; nor is a card's end."""
    made = case(Letter.METHOD_UPDATED)
    sold = made.subscription
    assert "The next payment is on March 3, 2026; it will be taken from Visa" in letters.write(made)["text"]
    paused = replace(sold, paused_on=date(2026, 2, 4))
    for other, said in (
        (paused, "It is paused: nothing is taken until it goes on."),
        (replace(paused, cancel_on=date(2026, 2, 20)), "There are no further payments."),
        (replace(sold, cancel_at_period_end=True), "There are no further payments."),
        (replace(sold, cancel_on=date(2026, 2, 20)), "There are no further payments."),
        (replace(sold, payments=sold.cycle), "There are no further payments."),
    ):
        text = letters.write(replace(made, subscription=other))["text"]
        assert said in text
        assert "March 3" not in text
        expiring = letters.write(replace(case(Letter.CARD_EXPIRING), subscription=other))["text"]
        assert "March 3" not in expiring


@pytest.mark.parametrize("letter", [Letter.INVOICE, Letter.OVERDUE])
def test_who_pays_by_transfer_is_told_where_to(letter: Letter):
    """The account, its holder and the reference, under no button that promises a page to pay on; without an account, as it was."""
    made = by_transfer(letter)
    text = letters.write(made)["text"]
    assert (
        "Account holder: Harbour Coffee GmbH\nIBAN: DE89 3704 0044 0532 0130 00\nBIC: COBADEFFXXX\n" in text
    )
    assert f"Payment reference: {made.invoices[0].number}\n" in text
    assert f"See the invoice:\n{letter_samples.LINK}" in text
    bare = letters.write(replace(made, parties=replace(made.parties, profile=PROFILE)))["text"]
    assert "IBAN" not in bare
    assert ("Harbour Coffee will tell you how to pay it" in bare) is (letter is Letter.INVOICE)


def test_an_invoice_is_said_to_be_charged_only_where_it_is():
    """Without a method, with one that was refused, or for a subscription nothing is asked for any more, it is to be paid."""
    made = charged()
    sold = made.subscription
    assert "It is charged to Visa •••• 4242" in letters.write(made)["text"]
    for other in (
        replace(sold, method=None),
        replace(sold, method=replace(sold.method, refused=True)),
        replace(sold, status=Status.UNPAID),
    ):
        text = letters.write(replace(made, subscription=other))["text"]
        assert "please pay it on the page below" in text
        assert "nothing you need to do" not in text
        assert f"See the invoice and pay it:\n{letter_samples.LINK}" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_money_that_pays_no_invoice_is_told_of_without_one(language):
    """No hole is left where a subscription would stand: the letter says that it is on the customer's balance."""
    told = letters.told(on_balance(language))
    assert (told.texts, told.values["subscription"]) == ("staff_payment.balance", "")
    ours = catalog(language)
    assert "subscription" not in ours["letter.staff_payment.balance.body"].placeholders
    assert "balance" in letters.write(on_balance())["text"]


def test_own_words_leave_no_hole():
    """Where a letter has nothing to put in, ours stand in place of own words that have room for it; else own words do."""
    made = case(Letter.INVOICE)
    own = Wording(
        account="acct_1",
        id="invoice_en",
        letter=Letter.INVOICE,
        language="en",
        created_at=letter_samples.NOW,
        subject="Your invoice, please pay by {day}",
        title="Invoice {invoice} at last",
    )
    asked, taken = (letters.write(replace(one, own=own)) for one in (made, charged()))
    assert asked["subject"] == "Your invoice, please pay by February 17, 2026"
    assert taken["subject"] == "Invoice INV-000042 from Harbour Coffee: €55.00"
    assert "Invoice INV-000042 at last" in taken["text"]
    assert "next" not in own_words.placeholders(Letter.SUBSCRIPTION_SENT)
    assert all(own_words.required(letter, "body") <= own_words.placeholders(letter) for letter in Letter)


def test_a_german_letter_is_german():
    """Sie, the dot of the day, the comma of the cents, the sign behind them and kept on the line."""
    text = letters.write(case(Letter.RECEIPT, "de"))["text"]
    assert "Harbour Coffee hat Ihre Zahlung über 55,00\u00a0€ am 3.\u00a0Februar 2026 erhalten." in text
    assert "40 × 0,125\u00a0€ = 5,00\u00a0€" in text
    assert "Zeitraum: 3.\u00a0Februar – 2.\u00a0März 2026" in text
    assert "20457 Hamburg" in text
    assert " du " not in text


def test_a_japanese_letter_is_japanese():
    """様 behind the name, year before month before day, no decimals of the yen, full-width punctuation."""
    made = case(Letter.RECEIPT, "ja", account(currency="jpy"))
    text = letters.write(made)["text"]
    assert "山田 花子 様" in text
    assert "2026年2月3日にお支払い￥5,500を受領いたしました。" in text
    assert "対象期間：2026年2月3日～3月2日" in text
    assert "。。" not in text


def test_a_letter_is_in_the_readers_own_country_too():
    """Swiss German money, American dates in an American's letter."""
    made = case(Letter.RECEIPT, "de", account(currency="chf"))
    swiss = letters.write(replace(made, reader=Reader(language="de", locale="de-CH")))
    assert "CHF\u00a055.00" in swiss["text"]
    assert "February 3, 2026" in letters.write(case(Letter.RECEIPT))["text"]


def test_who_the_sender_is_by_law_stands_below():
    """Legal name, address, register, tax number and the footer; not in letters to the business itself."""
    text = letters.write(case(Letter.RECEIPT))["text"]
    below = text.split("\n-- \n")[1].splitlines()
    assert below == [
        "Harbour Coffee GmbH, Hafenstr. 1, 20457 Hamburg, Germany",
        "HRB 1234, Amtsgericht Hamburg, DE123456789",
        "Fairly traded.",
        "Since 2019.",
    ]
    assert "HRB" not in letters.write(case(Letter.STAFF_PAYMENT))["text"]


@pytest.mark.parametrize(
    "color", ["#000000", "#ffffff", "#ffd400", "#1f4fbf", "#808080", "#7a1020", "red;}", ""]
)
def test_a_button_can_be_read_in_any_color(color):
    """Whatever color the business chose, its words have the contrast WCAG asks for, by day and by night."""
    made = letter_looks.color(color)
    assert letter_looks.contrast(made.ground, made.ink) >= 4.5
    assert letter_looks.contrast(made.dark_ground, made.dark_ink) >= 4.5
    assert letter_looks.contrast(made.dark_ground, letter_looks.DARK_SHEET) >= 3


def test_a_logo_stands_in_place_of_the_name():
    """With its name as what is read where pictures are not shown."""
    html = letters.write(case(Letter.RECEIPT, logo="cid:logo.png"))["html"]
    assert 'src="cid:logo.png"' in html
    assert 'alt="Harbour Coffee"' in html


def test_a_letter_is_written_in_five_milliseconds():
    """Once its template and its language are there."""
    made = [case(letter, "ar") for letter in Letter]
    for one in made:
        letters.write(one)

    def each() -> float:
        began = perf_counter()
        for one in made:
            letters.write(one)
        return (perf_counter() - began) / len(made)

    assert min(each() for _ in range(5)) < 0.005
