"""A letter as a message: what strangers call themselves stays a name, and every mail program reads the same."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.mime import address, message
from chalicelib.crm.mail import Attachment, Mail, MailRefused

AT = datetime(2026, 1, 15, 11, 0, 5, tzinfo=UTC)
HEADERS = [
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
    *("X-Auto-Response-Suppress", "Content-Language", "Content-Type", "MIME-Version"),
]


def mail(**more: Any) -> Mail:
    """A letter with something of it chosen."""
    words = {
        "id": "dlv_pay_1_receipt",
        "account": "acct_1",
        "letter": "receipt",
        "to": "ada@example.com",
        "sender": "Perennial <billing@perennial.example>",
        "called": "Roaster",
        "reply_to": "hello@roaster.example",
        "subject": "Receipt from Roaster: $25.00, INV-000001",
        "text": "Thank you.\n",
        "html": "<p>Thank you.</p>\n",
        "at": AT,
    }
    return Mail(**{**words, **more})


def read(sent: Mail) -> EmailMessage:
    """The message as a mail program reads it."""
    return cast(EmailMessage, message_from_bytes(message(sent), policy=default))


def decoded(raw: bytes, header: str) -> str:
    """A header as RFC 2047 has it read: what stands between two encoded words is nothing. (The parser's own names keep a blank.)"""
    folded = message_from_bytes(raw, policy=compat32)[header]
    return str(make_header(decode_header(folded)))


INJECTIONS = [
    "Roaster\r\nBcc: all@example.com",
    "Roaster\nBcc: all@example.com",
    "Roaster\rBcc: all@example.com",
    "Roaster\r\n\r\n<h1>Another letter</h1>",
    "Roaster%0d%0aBcc: all@example.com",
    "Roaster\u2028Bcc: all@example.com",
    "Roaster\u2029Bcc: all@example.com",
    "Roaster\x85Bcc: all@example.com",
    "Roaster\x0bBcc: all@example.com",
    "Roaster\x0cBcc: all@example.com",
    "Roaster\x1cBcc: all@example.com",
    "Roaster\x00Bcc: all@example.com",
    '"Roaster" <evil@example.com>, ',
    "Roaster <evil@example.com>",
    "evil@example.com, Roaster",
    'Roaster" <evil@example.com> "',
    "Roaster\\",
    "Roaster; evil@example.com:",
    "(comment) Roaster (",
    "=?utf-8?q?Roaster=0D=0ABcc:=20all=40example.com?=",
    "=?utf-8?b?Um9hc3Rlcg0KQmNjOiBhbGxAZXhhbXBsZS5jb20=?=",
    "=?utf-8?q?Roaster=2C_evil=40example.com?=",
    "Röster, evil@example.com",
    "Röster <evil@example.com>",
    "Röster\r\n Bcc: all@example.com",
    "😀" * 100 + "\r\nBcc: all@example.com",
    "\u202eretsaoR <evil@example.com>",
    "محمصة\u2066, evil@example.com",
    "\ud800Roaster\udfff",
    "x" * 1000 + "\r\nBcc: all@example.com",
]


@pytest.mark.parametrize("words", INJECTIONS, ids=range(len(INJECTIONS)))
def test_no_name_and_no_subject_ends_its_header(words: str):
    """However a name is written, it is one name of one sender, and the headers are those that we wrote."""
    sent = mail(called=words, subject=words)
    raw, found = message(sent), read(sent)
    assert sorted(found.keys()) == sorted(HEADERS)
    [sender] = found["From"].addresses
    assert sender.addr_spec == "billing@perennial.example"
    assert [one.addr_spec for one in found["To"].addresses] == ["ada@example.com"]
    assert "Bcc" not in found
    assert found.get_body(("plain",)).get_content() == "Thank you.\r\n"
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert b"\n" not in head.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "name",
    [
        "Roaster",
        "Rösterei Müller & Söhne, GmbH",
        "珈琲焙煎所",
        "محمصة القهوة",
        "Café “L’Été”",
        "O'Brien, Inc.",
        'The "Best"',
        "☕😀",
    ],
)
def test_a_name_is_read_as_it_was_given(name: str):
    """Quotes, commas, accents, other scripts and emoji arrive in the name of the sender and in the subject."""
    found = read(mail(called=name, subject=f"Receipt from {name}"))
    assert found["From"].addresses[0].display_name == name
    assert str(found["Subject"]) == f"Receipt from {name}"


def test_a_name_of_200_characters_is_folded_not_broken():
    """200 characters of three bytes each: every line of the header is short, and the name is whole."""
    name = "珈琲" * 100
    raw = message(mail(called=name, subject=name))
    head = raw.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 78
    assert decoded(raw, "Subject") == name
    assert decoded(raw, "From") == f"{name} <billing@perennial.example>"


@given(words=st.text(max_size=300))
def test_any_text_is_a_name(words: str):
    """Of whatever characters, there is one sender, one reader and our own headers."""
    found = read(mail(called=words, subject=words))
    assert sorted(found.keys()) == sorted(HEADERS)
    assert [one.addr_spec for one in found["From"].addresses] == ["billing@perennial.example"]
    assert [one.addr_spec for one in found["Reply-To"].addresses] == ["hello@roaster.example"]


@given(text=st.text(max_size=2000))
def test_the_letter_itself_arrives_as_it_was_written(text: str):
    """Long lines, dots at their beginning, other scripts: both parts are read as they were, but for line ends."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n") + "\n"
    found = read(mail(text=whole, html=f"<p>{whole}</p>\n"))
    plain = found.get_body(("plain",)).get_content()
    assert plain.replace("\r\n", "\n") == whole
    assert found.get_body(("html",)).get_content().replace("\r\n", "\n") == f"<p>{whole}</p>\n"


@pytest.mark.parametrize("end", [" ", "\t", "é ", "= \t", "  ", "é", "=", ".", "\n.\n", " \r"])
def test_no_line_of_a_letter_is_longer_than_76_characters(end: str):
    """Nor ends in a blank, whatever its length (RFC 2045, 6.7): what a mail server would break or strip arrives whole."""
    text = "".join(f"{'a' * length}{end}\n" for length in range(60, 160))
    sent = mail(text=text)
    lines = message(sent).split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not [one for one in lines if one.endswith((b" ", b"\t"))]
    came = read(sent).get_body(("plain",)).get_content()
    assert came.replace("\r\n", "\n") == text.replace("\r\n", "\n").replace("\r", "\n")


def test_text_html_picture_and_document_are_where_mail_programs_look():
    """mixed(alternative(text, related(html, logo)), pdf): the best of the alternatives is last, the document is attached."""
    logo = Attachment(name="logo", type="image/png", data=b"\x89PNG")
    document = Attachment(name="INV-000001.pdf", type="application/pdf", data=b"%PDF-1.7")
    found = read(mail(html='<img src="cid:logo">', pictures=(logo,), attachments=(document,)))
    kinds = [part.get_content_type() for part in found.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    [attached] = found.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("INV-000001.pdf", b"%PDF-1.7")
    [picture] = [part for part in found.walk() if part["Content-ID"]]
    assert (picture["Content-ID"], picture.get_payload(decode=True)) == ("<logo>", b"\x89PNG")


def test_every_line_ends_as_mail_servers_want_it():
    """With carriage return and line feed, both of them: in letters, in documents of many lines, and between the parts."""
    logo = Attachment(name="logo", type="image/png", data=bytes(range(256)))
    document = Attachment(name="INV-000001.pdf", type="application/pdf", data=b"%PDF-1.7\n" * 100)
    raw = message(mail(text="one\ntwo\rthree\r\n", pictures=(logo,), attachments=(document,)))
    lines = raw.split(b"\r\n")
    assert not [one for one in lines if b"\r" in one or b"\n" in one]
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 76


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("../../etc/passwd.pdf", "-..-etc-passwd.pdf"),
        ("INV/2026-0001.pdf", "INV-2026-0001.pdf"),
        ('a"; filename="b.exe.pdf', "a-- filename--b.exe.pdf"),
        ("a\r\nContent-Type: text/html.pdf", "a Content-Type- text-html.pdf"),
        ("請求書-1.pdf", "請求書-1.pdf"),
        ("...", "document.pdf"),
    ],
)
def test_a_document_has_a_name_without_folders(name: str, saved: str):
    """Slashes, quotes and line ends of a number's prefix do not get into where it is saved."""
    document = Attachment(name=name, type="application/pdf", data=b"%PDF")
    found = read(mail(attachments=(document,)))
    [attached] = found.iter_attachments()
    assert attached.get_filename() == saved


def test_what_answers_by_itself_is_told_not_to():
    """It is from no person, named by its delivery, and in the reader's language."""
    found = read(mail(language="de"))
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Message-ID"] == "<dlv_pay_1_receipt@perennial.example>"
    assert found["Content-Language"] == "de"
    assert found["Date"].datetime == AT


def test_a_domain_of_other_letters_is_found_in_ascii():
    """As mail servers look it up."""
    assert address("ada@bücher.example") == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "text",
    [
        *("ada", "@example.com", "ada@", "größe@example.com", "ada@example.com\r\nBcc: x@example.com"),
        *("ada@exa mple.com", "ada@example.com, bo@example.com", "<ada@example.com>", '"a b"@example.com'),
        *("ada@example.com\0", "ada@" + "x" * 64 + ".com", "a(b)@example.com", "ada@example..com"),
    ],
)
def test_what_is_no_address_is_not_sent_to(text: str):
    """It is refused before the mail server sees it, so nothing of it reaches a header."""
    with pytest.raises(MailRefused):
        message(mail(to=text))
