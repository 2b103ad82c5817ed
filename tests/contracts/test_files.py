"""The store of files: what is said to be kept is kept, whatever S3 answers, and what is not there is told from what cannot be read."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from chalicelib.adapters.files import S3Files
from chalicelib.aws import Aws
from chalicelib.crm.files import FilesAway

MISSING = b"<Error><Code>NoSuchKey</Code></Error>"
NOWHERE = b"<Error><Code>NoSuchBucket</Code></Error>"

Answers = list[tuple[str, int, bytes]]


@pytest.fixture
def answers() -> Answers:
    """What S3 answers next: to which method, with which status and body."""
    return []


@pytest.fixture
def files(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Files]:
    """A store over a real connection to a server that answers so."""

    class S3(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            method, status, body = answers.pop(0)
            assert method == self.command
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = answer  # noqa: N815  # as http.server calls them

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with ThreadingHTTPServer(("127.0.0.1", 0), S3) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield S3Files(Aws("s3", "s3", "us-east-1", f"http://127.0.0.1:{server.server_port}"), "files")
        server.shutdown()


def test_what_another_is_writing_just_now_is_waited_for(files: S3Files, answers: Answers):
    """S3 answers 409 while another writes the name: that one's bytes are the file, and ours are not given out as it."""
    answers += [("PUT", 409, b""), ("PUT", 412, b""), ("GET", 200, b"theirs")]
    assert files.keep("a", b"ours", "text/plain") == b"theirs"
    answers += [("PUT", 409, b""), ("PUT", 200, b"")]
    assert files.keep("a", b"ours", "text/plain") == b"ours"


@pytest.mark.parametrize(
    "told",
    [
        [("PUT", 404, NOWHERE), ("GET", 404, NOWHERE)],
        [("PUT", 412, b""), ("GET", 404, MISSING)],
        [("PUT", 403, b"")],
        [("PUT", 409, b"")] * 4,
        [("PUT", 503, b"")] * 4,
    ],
    ids=["no bucket", "gone again", "refused", "never done", "away"],
)
def test_what_is_not_kept_is_not_said_to_be(files: S3Files, answers: Answers, told: Answers):
    """Where S3 has kept nothing, nobody is given a file that the next one would not get."""
    answers += told
    with pytest.raises(FilesAway):
        files.keep("a", b"ours", "text/plain")
    assert not answers


def test_a_file_that_is_not_there_is_not_a_store_that_is_not(files: S3Files, answers: Answers):
    """A name without a file is nothing; a store without its bucket is away, and nothing is made anew for it."""
    answers += [("GET", 404, MISSING)]
    assert files.read("a") is None
    answers += [("GET", 404, NOWHERE)]
    with pytest.raises(FilesAway):
        files.read("a")
