"""What beancount itself makes of our books."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from beancount import loader
from beancount.core import data


def accepted(text: str, folder: Path) -> list[Any]:
    """What beancount reads from a text that bean-check has nothing against."""
    file = folder / "books.beancount"
    file.write_text(text, encoding="utf-8")
    check = Path(sys.executable).with_name("bean-check")
    told = subprocess.run([check, str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    return list(entries)


def sums(entries: list[Any]) -> dict[str, Decimal]:
    """What the transactions come to, by account and currency, without zeros."""
    found: dict[str, Decimal] = {}
    for entry in entries:
        for posting in entry.postings if isinstance(entry, data.Transaction) else ():
            name = f"{posting.account} {posting.units.currency}"
            found[name] = found.get(name, Decimal(0)) + posting.units.number
    return {name: amount for name, amount in found.items() if amount}
