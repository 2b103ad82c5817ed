"""Where a transfer goes, in rows: on a document, on a page, in a letter."""

from chalicelib.crm.parties import Parties
from chalicelib.views import formats
from chalicelib.views.reading import Reader

Rows = tuple[tuple[str, str], ...]


def rows(reader: Reader, to: Parties, number: str) -> Rows:
    """Labels, and what the business wrote, for an invoice of a number; none where it has named no account."""
    bank = to.profile.bank
    if bank is None:
        return ()
    said = (
        ("holder", bank.holder or to.seller_name),
        ("iban", _in_fours(bank.iban)),
        ("bic", bank.bic),
        ("bank", bank.bank),
        ("transfer_reference", number),
    )
    return tuple((reader.word(f"document.{name}"), value) for name, value in said if value)


def facts(reader: Reader, to: Parties, number: str) -> Rows:
    """The same on one line each, harmless, with the account of a country without IBAN as the last one."""
    found = [(label, formats.name(value)) for label, value in rows(reader, to, number)]
    lines = to.profile.bank.lines.splitlines() if to.profile.bank else []
    if said := ", ".join(formats.name(line) for line in lines if line.strip()):
        found.append((reader.word("document.transfer"), said))
    return tuple(found)


def _in_fours(iban: str) -> str:
    plain = "".join(iban.split())
    return " ".join(plain[n : n + 4] for n in range(0, len(plain), 4))
