"""What people receive, by itself: the PDF of an invoice, its e-invoice, and a letter in each language."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from chalicelib.billing import issuing
from chalicelib.billing.collection import Collection, CollectionMethod
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.parties import LANGUAGES, Parties
from chalicelib.crm.profiles import Profile
from chalicelib.views import documents, letter_samples, letters, reading
from chalicelib.views.documents import Document
from chalicelib.views.einvoice import xml
from chalicelib.views.letter_cases import Case
from sandbox.bench.single import with_bytecode
from sandbox.gallery.logo import png
from sandbox.gallery.people import PEOPLE

AT = datetime(2026, 2, 3, 9, tzinfo=UTC)
ROUNDS = 10
# A fresh process, bytecode at hand: what the first document of a worker takes more than those after it.
FIRST = """
import json, time
from sandbox.bench.papers import document, picture
from chalicelib.views import documents
one, logo = document("de"), picture("de")
began, cpu = time.perf_counter(), time.process_time()
documents.pdf(one, logo=logo)
print(json.dumps({"ms": 1000 * (time.perf_counter() - began), "cpu": 1000 * (time.process_time() - cpu)}))
"""


def measured() -> dict[str, Any]:
    """Milliseconds of wall time, the best of some; the first PDF of a process by itself, and kilobytes of one."""
    one, logo = document("de"), picture("de")
    einvoice = xml.cii(one.invoice, None, one.parties)
    made = documents.pdf(one, logo=logo, einvoice=einvoice)
    return {
        "pdf_first_ms": _first(),
        "pdf_ms": _best(lambda: documents.pdf(one, logo=logo, einvoice=einvoice)),
        "pdf_kb": round(len(made) / 1000, 1),
        "einvoice_ms": _best(lambda: xml.cii(one.invoice, None, one.parties)),
        "letter_ms": {language: _letter_ms(language) for language in LANGUAGES},
    }


def _first() -> float:
    found = []
    for _ in range(4):
        command = [sys.executable, "-c", FIRST]
        done = subprocess.run(command, env=with_bytecode(), capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout)["ms"])
    return round(float(min(found[1:])), 1)


def _best(step: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        rounds.append(time.perf_counter() - began)
    return round(1000 * min(rounds), 2)


def _letter_ms(language: str) -> float:
    who = document(language).parties
    records = letter_samples.records(who.account, Letter.RECEIPT)
    case = Case(reader=reading.of(who), parties=who, letter=Letter.RECEIPT, **records)
    return _best(lambda: letters.write(case))


def picture(language: str) -> bytes:
    """The logo of a language's business."""
    return png(PEOPLE[language].color)


def document(language: str) -> Document:
    """An invoice of three lines with tax, sent to be paid, of a language's business to its customer."""
    who = _parties(language)
    people, account = PEOPLE[language], who.account
    name, percent = people.tax
    sold = Subscription(
        account=account.id,
        id="sub_sample",
        contact=who.contact.id,
        currency=account.currency,
        frequency=Frequency.MONTHLY,
        lines=tuple(
            Line(id=f"li_{n}", name=goods, unit_amount=Decimal(1250 * n), taxes=("tax",))
            for n, goods in enumerate(people.goods, 1)
        ),
        taxes=(Tax(id="tax", name=name, percent=Decimal(percent)),),
        anchor_on=date(2026, 2, 3),
        zone=account.zone,
        hour=6,
        status=Status.ACTIVE,
        created_at=AT,
        collection=Collection(way=CollectionMethod.SEND_INVOICE, days_until_due=14),
    )
    return Document(invoice=issuing.invoice_of(sold, "INV-000042", AT), parties=who)


def _parties(language: str) -> Parties:
    people = PEOPLE[language]
    account = Account(
        account="acct_sample",
        id="acct_sample",
        name=people.legal_name,
        email="billing@perennial.example",
        currency=people.currency,
        zone=people.zone,
        livemode=False,
        created_at=AT,
    )
    profile = Profile(
        account=account.id,
        id=account.id,
        created_at=AT,
        legal_name=people.legal_name,
        address=people.home,
        tax_ids=(people.tax_id,),
        bank=people.bank,
        registration=people.registration,
        color=people.color,
        language=language,
        locale=people.locale,
    )
    company = Company(
        account=account.id,
        id="com_sample",
        name=people.company,
        created_at=AT,
        address=people.address,
        tax_ids=(people.buyer_tax_id,),
    )
    contact = Contact(
        account=account.id,
        id="con_sample",
        name=people.buyer,
        email="buyer@perennial.example",
        created_at=AT,
        company=company.id,
    )
    return Parties(account=account, profile=profile, contact=contact, company=company)
