"""The document of an invoice stays what it was when it was issued, whatever happens afterwards; its buyer finds it on their page."""

import io
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from pypdf import PdfReader

from sandbox.gateway import Gateway
from tests.stories.diary import Diary

SENT = {"collection_method": "send_invoice", "payment_method": None, "days_until_due": 14}


def fetched(url: str, key: str = "") -> tuple[bytes, str]:
    """What an address gives, and of which type, over a real connection."""
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read(), answer.headers["Content-Type"]


def pdf(diary: Diary, path: str) -> bytes:
    data, type_ = fetched(diary.world.gateway.url + path, diary.key)
    assert type_ == "application/pdf"
    return data


def words(data: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def invoices(diary: Diary) -> list[str]:
    """Oldest first."""
    rows = diary.every(f"/v1/invoices?subscription={diary.subscriptions['ada']}")
    return [row["id"] for row in sorted(rows, key=lambda row: row["number"])]


def test_a_document_shows_what_was_issued_though_everything_changed_since(diary: Diary):
    """Name, address, seller, language, balance, payment, credit and void come later: the bytes stay, and a late one shows the same."""
    diary.post(
        "/v1/account", attach_pdf=False
    )  # no letter asks for documents: the first one who does is the test
    diary.post("/v1/profile", legal_name="Roaster LLC", color="#0b6e4f")
    diary.saves_a_card("ada")
    diary.post(
        f"/v1/contacts/{diary.contacts['ada']}/balance",
        amount={"amount": 1000, "currency": "usd"},
        reason="Sorry",
    )
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", **SENT)
    diary.it_is("2026-02-11")
    first, second = invoices(diary)
    before = pdf(diary, f"/v1/invoices/{first}/pdf")
    assert "Ada" in words(before)
    assert "Roaster LLC" in words(before)
    assert "-$10.00" in words(before)

    diary.post("/v1/profile", legal_name="Beans Inc.", color="#aa0000")
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", name="Countess Lovelace", language="de")
    note = diary.post(
        "/v1/credit_notes", invoice=first, lines=[{"line": 0, "amount": {"amount": 500, "currency": "usd"}}]
    )
    diary.post(f"/v1/invoices/{second}/void")
    diary.it_is("2026-02-20")

    assert pdf(diary, f"/v1/invoices/{first}/pdf") == before
    late = words(pdf(diary, f"/v1/invoices/{second}/pdf"))
    assert "Roaster LLC" in late
    assert "Countess" not in late
    corrected = words(pdf(diary, f"/v1/credit_notes/{note['id']}/pdf"))
    assert "Roaster LLC" in corrected
    assert "$5.00" in corrected
    diary.it_is("2026-03-11")
    newest = words(pdf(diary, f"/v1/invoices/{invoices(diary)[-1]}/pdf"))
    assert "Beans Inc." in newest
    assert "Countess Lovelace" in newest
    assert "Rechnung" in newest
    diary.sound()


def test_many_who_ask_at_once_get_one_document(diary: Diary):
    """Nobody has asked before: each makes one, one is kept, and all are given that."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-11")
    name, world = invoices(diary)[0], diary.world

    def asks(_: int) -> bytes:
        from chalicelib.operations import documents

        return documents.pdf(world.service(), diary.account, name)

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(asks, range(6)))) == 1


def test_a_buyer_finds_the_document_on_their_page(diary: Diary):
    """The page links it under a token of its own, which opens the file; a token of another purpose, or a broken one, does not."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", **SENT)
    diary.it_is("2026-01-11")
    name = invoices(diary)[0]
    note = diary.post(
        "/v1/credit_notes", invoice=name, lines=[{"line": 0, "amount": {"amount": 500, "currency": "usd"}}]
    )
    here = diary.world.gateway.url
    link = diary.post(f"/v1/invoices/{name}/link")["url"].replace("http://127.0.0.1:8000", here)
    page = fetched(link)[0].decode()
    own, credited = re.findall(r'href="([^"]+/pdf)"', page)
    found = {fetched(f"{here}/b/{path}")[0] for path in (own, credited)}
    assert found == {pdf(diary, f"/v1/invoices/{name}/pdf"), pdf(diary, f"/v1/credit_notes/{note['id']}/pdf")}
    owed = diary.post(f"/v1/subscriptions/{diary.subscriptions['ada']}/link")["url"].rpartition("/")[2]
    for token in (owed, own.removesuffix("/pdf")[:-3] + "abc"):
        answer = Gateway.answer(diary.world.gateway, "GET", f"/b/{token}/pdf", {}, b"")
        assert answer[0] == 404
        assert answer[1]["Content-Type"].startswith("text/html")
