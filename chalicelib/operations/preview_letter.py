"""Write a letter that nobody gets: how it looks, in any language, with facts made up or those of a subscription."""

import base64

from chalicelib.billing.deliveries import Letter
from chalicelib.billing.errors import Invalid
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.crm.parties import LANGUAGES, Parties
from chalicelib.crm.wordings import Wording, name_of
from chalicelib.operations import checks, enclose, parties, profile
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.views import letter_samples, letters
from chalicelib.views.letters import Words
from chalicelib.views.reading import Reader


def words(
    service: Service,
    account: Account,
    letter: Letter,
    *,
    language: str = "",
    locale: str = "",
    subscription: str | None = None,
) -> Words:
    """The letter as it would be written; raises Invalid of a language or a locale there is not, NotFound of the subscription."""
    if language and language not in LANGUAGES:
        raise Invalid("unknown_language", f"Send one of {', '.join(LANGUAGES)}.", "language")
    sold = service.store.get(Subscription, account.id, subscription) if subscription else None
    to = _parties(service, account, sold, language)
    reader = _reader(to, language, checks.locale(locale, "locale"))
    own = service.store.find(Wording, account.id, name_of(letter, reader.language))
    case = letter_samples.case(to, letter, reader, account.now(service.real()), sold)
    picture = _logo(service, account, to.profile.logo)
    return letters.write(letter_samples.shown(case, own, picture))


def _parties(service: Service, account: Account, sold: Subscription | None, language: str) -> Parties:
    if sold is None:
        said = profile.read(service, account)
        contact = letter_samples.contact(account, language or said.language or "en")
        return Parties(account=account, profile=said, contact=contact)
    wanted = [keys.key(Contact, account.id, sold.contact), *parties.wanted(sold)]
    found = service.store.load(account.id, wanted)
    return parties.assembled(found, account, found.get(Contact, account.id, sold.contact), sold)


def _reader(to: Parties, language: str, locale: str) -> Reader:
    tongue = language or to.language
    default = to.locale if tongue == to.language else "en-US" if tongue == "en" else tongue
    return Reader(language=tongue, locale=locale or default)


def _logo(service: Service, account: Account, name: str) -> str:
    picture = enclose.logo(service, account.id, name) if name else None
    if picture is None:
        return ""
    return f"data:{picture.type};base64,{base64.b64encode(picture.data).decode()}"
