"""SES's no, in its words over HTTP: what is tried again at once, what later, and what is the letter's own fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from chalicelib.adapters import mail as adapter
from chalicelib.adapters.mail import SesMailer
from chalicelib.aws import Aws
from chalicelib.crm.mail import Mail, MailRefused

MAIL = Mail(
    id="dlv_1",
    account="acct_1",
    letter="receipt",
    to="ada@example.com",
    sender="mail@example.com",
    called="Roaster",
    reply_to="roaster@example.com",
    subject="Receipt",
    text="Thanks",
    html="<p>Thanks</p>",
    at=datetime(2026, 1, 1, tzinfo=UTC),
)
FULL = (429, b'{"__type": "TooManyRequestsException", "message": "Maximum sending rate exceeded."}')
TAKEN = (200, b'{"MessageId": "msg_1"}')


@contextmanager
def ses(*answers: tuple[int, bytes]) -> Iterator[SesMailer]:
    """A mail server that answers so, in order, and goes on with the last."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield SesMailer(Aws("email", "ses", "us-east-1", f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "PAUSES", (0.01, 0.01))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def test_a_second_that_is_full_is_waited_for():
    """Letters go side by side, more than SES takes in a second: those of the next go in the next."""
    with ses(FULL, FULL, TAKEN) as mailer:
        assert mailer.send(MAIL) == "msg_1"


@pytest.mark.parametrize(
    ("answer", "busy"), [(FULL, True), ((503, b"{}"), True), ((400, b'{"__type": "MessageRejected"}'), False)]
)
def test_whose_fault_a_no_is(answer: tuple[int, bytes], busy: bool):
    """What is full or away stays so for any letter; what is refused is this one."""
    with ses(answer) as mailer, pytest.raises(MailRefused) as refused:
        mailer.send(MAIL)
    assert refused.value.busy is busy


def test_nobody_there_is_no_fault_of_the_letters():
    """Nothing listens where SES should be: it is surely not taken, and goes later."""
    with ses(TAKEN) as mailer:
        pass
    with pytest.raises(MailRefused) as refused:
        mailer.send(MAIL)
    assert refused.value.busy
