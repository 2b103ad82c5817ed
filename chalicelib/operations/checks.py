"""What may be said of a business or a person: names, mailboxes, languages, addresses, colors, banks."""

import re
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from chalicelib.billing.addresses import Address, check_address
from chalicelib.billing.errors import Invalid
from chalicelib.crm.parties import LANGUAGES
from chalicelib.crm.profiles import Bank

_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?")
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_PHONE: Final = re.compile(r"[+0-9(][0-9 ()./x+-]{4,30}")
MAX_TEXT: Final = 250
MOST_BANK_LINES: Final = 12
CONTRAST: Final = 3
"""Against white, the least of WCAG 2 for headings, lines and buttons: what a document does with the color."""


def text(given: str, param: str) -> str:
    """A text of one line that says something. Raises Invalid."""
    if not given.strip():
        raise Invalid("text_missing", f"Give a {param.rpartition('.')[2]}.", param)
    return line(given, param)


def line(given: str, param: str) -> str:
    """A text that may be empty, and is one line. Raises Invalid."""
    if len(given) > MAX_TEXT:
        raise Invalid("text_too_long", f"At most {MAX_TEXT} characters.", param)
    if any(ord(character) < 32 or ord(character) == 127 for character in given):
        raise Invalid("control_character", "Line breaks and control characters are not allowed here.", param)
    return given


def email(given: str, param: str) -> str:
    """A mailbox, as mail servers take it: one @, something on both sides, no blanks. Raises Invalid."""
    local, at, domain = given.rpartition("@")
    blank = any(character.isspace() or ord(character) < 33 for character in given)
    if not local.isascii():
        detail = "Give an address with plain letters before the @: the mail server takes no other ones there."
        raise Invalid("email_not_ascii", detail, param)
    if (
        not at
        or not local
        or any(one in '<>(),;:"\\[]' for one in given)
        or not _in_ascii(domain)
        or "." not in domain
        or "@" in local
        or blank
        or len(given) > 254
        or domain.endswith(".")
    ):
        raise Invalid("email_malformed", f"{given[:80]!r} is not an e-mail address.", param)
    return given


def _in_ascii(domain: str) -> bool:
    """Whether a domain can be written in ASCII, as mail servers find it: one of other letters is encoded (IDNA)."""
    try:
        return bool(domain.encode("idna"))
    except UnicodeError:
        return False


def language(tag: str, param: str) -> str:
    """A language that documents and letters are written in, as BCP 47 writes it; empty says nothing. Raises Invalid."""
    if not tag:
        return ""
    known = _canonical(tag)
    if known is None or known.partition("-")[0] not in LANGUAGES:
        detail = f"{tag[:40]!r} is no language letters are written in; send one of {', '.join(LANGUAGES)}."
        raise Invalid("unknown_language", detail, param)
    return known


def locale(tag: str, param: str) -> str:
    """A locale that dates, money and addresses can be written by; empty says nothing. Raises Invalid."""
    if not tag:
        return ""
    from babel import Locale, UnknownLocaleError

    known = _canonical(tag)
    try:
        if known is not None:
            Locale.parse(known, sep="-")
            return known
    except (UnknownLocaleError, ValueError):
        pass
    detail = f"{tag[:40]!r} is no locale CLDR knows; send a language and a country of BCP 47, such as de-AT."
    raise Invalid("unknown_locale", detail, param)


def _canonical(tag: str) -> str | None:
    """A tag as BCP 47 recommends to write it: de-AT, zh-Hant-TW."""
    if not _TAG.fullmatch(tag):
        return None
    first, *rest = tag.split("-")
    return "-".join([first.lower(), *(one.title() if len(one) == 4 else one.upper() for one in rest)])


def address(given: Address | None, param: str) -> Address | None:
    """An address in a country of ISO 3166-1. Raises Invalid."""
    if given is not None:
        check_address(given, param)
    return given


def phone(number: str, param: str) -> str:
    """A telephone number as it is printed. Raises Invalid."""
    if number and not _PHONE.fullmatch(number):
        raise Invalid(
            "phone_malformed", "Send digits, with + and blanks as it is printed: +49 30 555 0100.", param
        )
    return number


def website(url: str, param: str) -> str:
    """An address of the web. Raises Invalid."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and "." in (parts.hostname or "") and not parts.username
    except ValueError:
        fine = False
    if not fine or any(one.isspace() or one in "\"'<>`\\" for one in url):
        raise Invalid("url_malformed", "Send it with its scheme: https://example.com.", param)
    return url


def color(given: str, param: str) -> str:
    """#rrggbb that can be read on white, in small letters. Raises Invalid."""
    if not given:
        return ""
    if not _COLOR.fullmatch(given):
        raise Invalid("color_malformed", "Send six hexadecimal digits behind a #, such as #0a5c36.", param)
    if (contrast := 1.05 / (_luminance(given) + 0.05)) < CONTRAST:
        detail = f"{given} has a contrast of {contrast:.1f} to white, too little to be read; take a darker one, from {CONTRAST} on."
        raise Invalid("color_too_light", detail, param)
    return given.lower()


def _luminance(color_: str) -> float:
    """Relative luminance, by WCAG 2."""
    parts = [int(color_[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def bank(given: Bank | None, param: str) -> Bank | None:
    """Where a transfer goes, the IBAN and BIC without blanks. Raises Invalid."""
    if given is None:
        return None
    if given == Bank():
        return None
    if given.lines.count("\n") >= MOST_BANK_LINES:
        raise Invalid("text_too_long", f"At most {MOST_BANK_LINES} lines.", f"{param}.lines")
    from stdnum import bic, iban
    from stdnum.exceptions import InvalidChecksum, ValidationError

    known = given
    try:
        known = replace(known, iban=iban.validate(given.iban) if given.iban else "")
    except InvalidChecksum:
        detail = "Its check digits are wrong: one of its characters is not as the bank gave it."
        raise Invalid("iban_invalid", detail, f"{param}.iban") from None
    except ValidationError:
        detail = "It has not the form of an IBAN: two letters of the country, two check digits, the account."
        raise Invalid("iban_invalid", detail, f"{param}.iban") from None
    try:
        return replace(known, bic=bic.validate(given.bic) if given.bic else "")
    except ValidationError:
        detail = "A BIC has 8 or 11 characters: bank, country, place and, if it has one, branch."
        raise Invalid("bic_invalid", detail, f"{param}.bic") from None
