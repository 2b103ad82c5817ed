"""Letters to buyers and to people of the business: what each tells is put in order once, then set as text and as HTML.

Both come from the same `Sheet`, so they cannot say different things. Words are the catalog's of the reader's language, or
the business's own in their place. Facts are those of the records at the moment of writing: a letter that comes late tells
what is true by then.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypedDict, TypeVar

from chalicelib.billing.deliveries import Letter
from chalicelib.crm.profiles import Profile
from chalicelib.views import (
    comments,
    formats,
    letter_looks,
    letters_kept,
    letters_paid,
    letters_sent,
    letters_staff,
)
from chalicelib.views.catalogs import Text, catalog, text
from chalicelib.views.letter_cases import Case
from chalicelib.views.letter_sheets import Sheet, Told, business

MOST_OF_A_NAME: Final = 60
"""Characters of a name that a subject has room for."""
_BREAKS: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_T = TypeVar("_T")


class Words(TypedDict):
    """A letter as it is sent: the subject is one line, `text` and `html` say the same."""

    subject: str
    text: str
    html: str


def write(case: Case) -> Words:
    """The letter of a case in the words of its reader; AssertionError where a record that it tells of is missing."""
    said = told(case)
    subject = _line(_filled(case, said, "subject", _shortened(said.values)))
    sheet = _sheet(case, said)
    return Words(
        subject=subject,
        text=letter_looks.as_text(sheet, case.reader),
        html=letter_looks.as_html(sheet, subject),
    )


def told(case: Case) -> Told:
    """What a letter tells, before it is put into words."""
    return _TOLD[case.letter](case)


def _there(record: _T | None) -> _T:
    if record is None:
        raise AssertionError("a letter needs the records that it tells of")
    return record


_TOLD: Final[dict[Letter, Callable[[Case], Told]]] = {
    Letter.FIRST_PAYMENT: lambda at: letters_paid.receipt(at, _there(at.subscription), _there(at.payment)),
    Letter.RECEIPT: lambda at: letters_paid.receipt(at, _there(at.subscription), _there(at.payment)),
    Letter.PAYMENT_FAILED: lambda at: letters_paid.not_paid(at, _there(at.subscription), _there(at.payment)),
    Letter.ACTION_REQUIRED: lambda at: letters_paid.not_paid(at, _there(at.subscription), _there(at.payment)),
    Letter.UPCOMING_PAYMENT: lambda at: letters_paid.upcoming(at, _there(at.subscription)),
    Letter.INVOICE: lambda at: letters_sent.invoice(at, _there(at.subscription), at.invoices[0]),
    Letter.OVERDUE: lambda at: letters_sent.overdue(at, _there(at.subscription), at.invoices[0]),
    Letter.CREDIT_NOTE: lambda at: letters_sent.credit_note(at, at.invoices[0], at.notes[0]),
    Letter.PAYMENT_METHOD: lambda at: letters_kept.method_asked(at, _there(at.subscription)),
    Letter.METHOD_UPDATED: lambda at: letters_kept.method_updated(at, _there(at.subscription)),
    Letter.SUBSCRIPTION_SENT: lambda at: letters_kept.sent(at, _there(at.subscription)),
    Letter.SUBSCRIBED: lambda at: letters_kept.subscribed(at, _there(at.subscription)),
    Letter.CHANGED: lambda at: letters_kept.changed(at, _there(at.subscription)),
    Letter.CANCELED: lambda at: letters_kept.canceled(at, _there(at.subscription)),
    Letter.CARD_EXPIRING: lambda at: letters_kept.card_expiring(
        at, _there(at.subscription), _there(at.method)
    ),
    Letter.QUOTE_EXPIRING: letters_kept.quote_expiring,
    Letter.STAFF_PAYMENT: lambda at: letters_staff.paid(at, _there(at.payment)),
    Letter.STAFF_PAYMENT_FAILED: lambda at: letters_staff.not_paid(
        at, _there(at.subscription), _there(at.payment)
    ),
    Letter.STAFF_DISPUTE: lambda at: letters_staff.disputed(at, _there(at.dispute)),
    Letter.STAFF_ENDPOINT_DISABLED: letters_staff.endpoint_disabled,
}


def _sheet(case: Case, said: Told) -> Sheet:
    reader, parties = case.reader, case.parties
    body = _filled(case, said, "body", said.values)
    paragraphs = tuple(_line(one) for one in body.split("\n\n") if one.strip())
    return Sheet(
        language=reader.language,
        direction="rtl" if reader.right_to_left else "ltr",
        business=business(case),
        preview=paragraphs[0] if paragraphs else "",
        greeting=_greeting(case),
        title=_line(_filled(case, said, "title", said.values)),
        amount=said.amount,
        paragraphs=paragraphs,
        bills=said.bills,
        facts=said.facts,
        link=said.link,
        asks=_line(_filled(case, said, "button", said.values)) if said.link else "",
        closing=_closing(case),
        legal=_legal(case),
        logo=case.logo,
        color=letter_looks.color(parties.profile.color),
        total=reader.word("bill.total"),
        to_pay=reader.word("bill.to_pay"),
    )


def _filled(case: Case, said: Told, part: str, values: Mapping[str, str]) -> str:
    """A part of the letter's words with its values: the situation's, or the letter's own, or the business's in its place."""
    letter, _, situation = said.texts.partition(".")
    words = catalog(case.reader.language)
    found = words.get(f"letter.{said.texts}.{part}") if situation else None
    own = own_words(case, letter, part, values) if found is None else None
    found = found or own or words[f"letter.{letter}.{part}"]
    if not isinstance(found, Text):
        raise KeyError(f"{said.texts}.{part} is by number")
    return case.reader.filled(found, dict(values))


def own_words(case: Case, letter: str, part: str, values: Mapping[str, str]) -> Text | None:
    """The business's words for a part of a letter, if it has some and all that they have room for is told here."""
    if case.own is None or case.own.letter.value != letter:
        return None
    words = getattr(case.own, part)
    own = text(words) if words else None
    return own if own and all(values.get(name) for name in own.placeholders) else None


def _greeting(case: Case) -> str:
    called = formats.name(case.user.name if case.user else case.parties.contact.name)
    if not called:
        return case.reader.word("letter.greeting_nameless")
    return case.reader.word("letter.greeting", name=called)


def _closing(case: Case) -> str:
    if case.user is not None:
        return case.reader.word("letter.closing_staff", business=business(case))
    email = formats.name(case.parties.account.email)
    return case.reader.word("letter.closing", business=business(case), email=email)


def _legal(case: Case) -> tuple[str, ...]:
    """Who the sender is by law, and what they say at the end of everything they send."""
    reader, parties, profile = case.reader, case.parties, case.parties.profile
    if case.user is not None:
        return ()
    home = parties.bill_to.country if parties.bill_to else ""
    where = reader.address(profile.address, home=home) if profile.address else []
    ids = [one.value for one in parties.seller_tax_ids]
    lines = (
        reader.row([formats.name(parties.seller_name), *where]) if where else "",
        reader.row([one for one in map(formats.name, (profile.registration, *ids)) if one]),
        reader.row([one for one in map(formats.name, (profile.website, profile.phone)) if one]),
        *(reader.isolated(formats.name(line)) for line in _footer(profile)),
    )
    return tuple(line for line in lines if line)


def _footer(profile: Profile) -> list[str]:
    snippets = {one.name: one.text for one in profile.snippets}
    return comments.plain(comments.parsed(profile.footer, snippets)).splitlines() if profile.footer else []


def _shortened(values: Mapping[str, str]) -> dict[str, str]:
    """The values as a subject has room for them."""
    return {
        name: value if len(value) <= MOST_OF_A_NAME else formats.shortened(value, MOST_OF_A_NAME)
        for name, value in values.items()
    }


def _line(words: str) -> str:
    """On one line, whatever stood between the words; spaces that keep a number together stay."""
    return _BREAKS.sub(" ", words).strip(" ")
