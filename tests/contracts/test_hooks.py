"""What a stranger's address cannot make us do: reach our own machines, wait for ever, read without end, or believe a redirect."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.adapters.hooks import LOOKUPS, GuardedHooks, is_public
from chalicelib.billing.errors import Invalid
from chalicelib.crm.hooks import Answered, target
from tests.contracts.tls import HERE, HOST, Tls, here

PUBLIC = "93.184.215.14"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

# Each would reach this machine, a network of ours or a cloud's metadata, if it were taken as some parser takes it.
BYPASSES = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://0/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://foo.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://hooks.example.com./",
    "https://good@127.0.0.1/",
    "https://good.example.com@127.0.0.1:443/",
    "https://good.example.com:443@127.0.0.1/",
    "https://127.0.0.1\\@good.example.com/",
    "https://good.example.com\\.evil.example.com/",
    "https://good.example.com#@127.0.0.1/",
    "https://good.example.com/#frag",
    "https://good.example.com/\r\nX-Injected: 1",
    "https://good.example.com\r\nHost: 127.0.0.1\r\n\r\n/",
    "https://good.example.com/ HTTP/1.1\nX: y",
    "https://good.example.com\t/",
    " https://good.example.com/",
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "https://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/",
    "https://b\u00fccher.example/",
    "https://good\u3002example\u3002com/",
    "https://a_b.example.com/",
    "https://-a.example.com/",
    "https://a..example.com/",
    "https:///path",
    "https://:443/",
    "https:good.example.com/",
    "//good.example.com/",
    "http://good.example.com/",
    "file:///etc/passwd",
    "gopher://good.example.com:443/_x",
    "https://good.example.com:22/",
    "https://good.example.com:0/",
    "https://good.example.com:6379/",
    "https://good.example.com:99999/",
    "https://good.example.com:443:443/",
    "https://" + "a" * 64 + ".example.com/",
    "https://good.example.com/" + "a" * 500,
    "",
]


@pytest.mark.parametrize("url", BYPASSES)
def test_no_spelling_gets_past(url: str):
    """An address in any spelling, a name of a private network, a user name, a fragment or a control character is refused as `url`, in words."""
    with pytest.raises(Invalid) as refused:
        target(url)
    assert refused.value.param == "url"
    assert refused.value.detail.endswith(".")
    answer = hooks(lambda *_: pytest.fail("It was looked up.")).post(url, b"{}", {})
    assert answer.status == 0
    assert answer.said


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/"),
        ("https://Hooks.Example.COM/a/b?c=d&e=%20", "hooks.example.com", 443, "/a/b?c=d&e=%20"),
        ("https://hooks.example.com:8443?x", "hooks.example.com", 8443, "/?x"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/"),
    ],
)
def test_an_honest_url_is_taken_as_it_stands(url: str, host: str, port: int, path: str):
    """A host by its public name, a port of web servers, a path and a query."""
    found = target(url)
    assert (found.host, found.port, found.path, found.secure) == (host, port, path, True)


INNER = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.127.255.254", "192.0.0.192", "192.0.2.1"),
    *("198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14"),
    *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "3fff::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "5f00::1"),
    *("2001:20::1", "4000::1", "not an address", "127.1", "0x7f.1"),
]


@pytest.mark.parametrize("address", INNER)
def test_a_name_that_leads_inside_is_not_followed(address: str):
    """A name of the public DNS (as nip.io gives for any address) is refused where any of its addresses is not a public one."""
    assert not is_public(address)
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        answer = hooks(lambda *_, found=found: found).post(f"https://{HOST}/", b"{}", {})
        assert answer.status == 0
        assert answer.said == "The host's name leads to an address that is not on the public internet."


@pytest.mark.parametrize(
    "address", [PUBLIC, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::5"]
)
def test_public_addresses_are_public(address: str):
    """What is on the internet may be posted to."""
    assert is_public(address)


def test_the_address_that_was_looked_at_is_the_one_posted_to(tls: Tls):
    """A name that means something else a moment later leads nowhere: it is resolved once, and the certificate is its own."""
    asked: list[str] = []

    def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return [HERE] if len(asked) == 1 else ["169.254.169.254"]

    with tls.answering(OK) as server:
        answer = server.hooks(rebinding).post(
            f"https://{HOST}:{server.port}/in?a=b", b'{"a": 1}', {"webhook-id": "evt_1"}
        )
    assert (answer.status, answer.said, asked) == (200, "ok", [HOST])
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /in?a=b HTTP/1.1"
    assert f"Host: {HOST}:{server.port}".encode() in head
    assert b"webhook-id: evt_1" in head
    assert b"Accept-Encoding: identity" in head
    assert body == b'{"a": 1}'
    assert server.names == [HOST]


def test_another_names_certificate_is_not_believed(tls: Tls):
    """Whoever answers at the address must prove to be the host."""
    with tls.answering(OK) as server:
        answer = server.hooks().post(f"https://other.example.com:{server.port}/", b"{}", {})
    assert answer.status == 0
    assert answer.said.startswith("TLS failed")
    assert server.heard == []


def test_a_certificate_of_nobody_is_not_believed(tls: Tls):
    """With the certificates of the system a test's own authority proves nothing."""
    with tls.answering(OK) as server:
        answer = GuardedHooks(resolve=lambda *_: [HERE], public=here, open_=True).post(
            f"https://{HOST}:{server.port}/", b"{}", {}
        )
    assert (answer.status, server.heard) == (0, [])
    assert answer.said.startswith("TLS failed")


def test_a_redirect_is_an_answer_and_not_a_way(tls: Tls):
    """A redirect to the cloud's metadata is told as it came; nothing else is asked."""
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 5\r\n\r\nmoved"
    with tls.answering(moved) as server:
        answer = server.hooks().post(f"https://{HOST}:{server.port}/", b"{}", {})
    assert (answer.status, answer.said, len(server.heard)) == (307, "moved", 1)


def test_no_proxy_of_the_environment_is_used(tls: Tls, monkeypatch: pytest.MonkeyPatch):
    """The connection goes to the address that was looked at, whatever the environment says."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with tls.answering(OK) as server:
        assert server.hooks().post(f"https://{HOST}:{server.port}/", b"{}", {}).status == 200


@pytest.mark.parametrize("part", ["head", "status", "body", "continue"])
def test_a_drip_gains_no_time(tls: Tls, part: str):
    """An answer that comes byte by byte ends with the time an endpoint has, whatever part of it drips."""
    drips = {
        "status": (b"", b"H"),
        "head": (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"a"),
        "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    }
    begin, drop = drips[part]

    def dripping(connection: socket.socket) -> None:
        connection.sendall(begin)
        for _ in range(100):
            connection.sendall(drop)
            time.sleep(0.05)

    with tls.serving(dripping) as server:
        began = time.monotonic()
        answer = server.hooks(seconds=0.5).post(f"https://{HOST}:{server.port}/", b"{}", {})
        assert time.monotonic() - began < 1.5
    assert answer.status == (200 if part == "body" else 0)


def test_an_endpoint_that_takes_nothing_gains_no_time(tls: Tls):
    """A body that is not read by the other side is not waited for without end."""

    def deaf(_: socket.socket) -> None:
        time.sleep(2)

    with tls.serving(deaf, listens=False) as server:
        began = time.monotonic()
        answer = server.hooks(seconds=0.5).post(f"https://{HOST}:{server.port}/", b"x" * 20_000_000, {})
        assert time.monotonic() - began < 1.5
    assert answer.status == 0
    assert "within 0.5 seconds" in answer.said


@pytest.mark.parametrize("length", [b"Content-Length: 100000000\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_little_is_read_of_a_flood(tls: Tls, length: bytes):
    """Of an answer without end the begin is kept, and the rest is not read."""
    sent: list[int] = []

    def flooding(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        block = b"a" * 65536
        for _ in range(400):
            connection.sendall(b"10000\r\n" + block + b"\r\n" if b"chunked" in length else block)
            sent.append(len(block))

    with tls.serving(flooding) as server:
        answer = server.hooks().post(f"https://{HOST}:{server.port}/", b"{}", {})
    assert (answer.status, answer.said) == (200, "a" * 500)
    assert sum(sent) < 20_000_000


def test_heads_without_end_are_no_answer(tls: Tls):
    """Headers beyond 64 KB in all are read no further."""

    def bragging(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for n in range(90):
            connection.sendall(f"X-{n}: ".encode() + b"a" * 60_000 + b"\r\n")

    with tls.serving(bragging) as server:
        assert server.hooks().post(f"https://{HOST}:{server.port}/", b"{}", {}).status == 0


def test_nothing_is_unpacked(tls: Tls):
    """A compressed answer is kept as the bytes it came in: no bomb goes off."""
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
    with tls.answering(packed) as server:
        answer = server.hooks().post(f"https://{HOST}:{server.port}/", b"{}", {})
    assert answer.status == 200
    assert answer.said.isprintable()


@pytest.mark.parametrize("chunk", [b"-5", b"-1", b"zz", b""])
def test_an_answer_whose_body_is_nonsense_is_an_answer(tls: Tls, chunk: bytes):
    """A chunk of less than nothing, or of no number, raises nothing: the status was said, and counts."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with tls.answering(head + chunk + b"\r\nhello\r\n") as server:
        assert server.hooks().post(f"https://{HOST}:{server.port}/", b"{}", {}).status == 200


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"\x00" * 100,
        b"SSH-2.0-x\r\n",
    ],
)
def test_nonsense_is_no_answer(tls: Tls, said: bytes):
    """Whatever is at the other end, nothing is raised: it did not answer."""
    with tls.answering(said) as server:
        answer = server.hooks().post(f"https://{HOST}:{server.port}/", b"{}", {})
    assert (answer.status, bool(answer.said)) == (0, True)


def test_what_is_not_there_is_no_answer():
    """A port nobody listens at, a name without an address, one that cannot be resolved, or not in time."""

    def missing(*_: object) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    def slow(*_: object) -> list[str]:
        time.sleep(1)
        return [HERE]

    with socket.create_server((HERE, 0)) as closed:
        port = closed.getsockname()[1]
    refused = GuardedHooks(open_=True).post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert refused == Answered(status=0, said="No answer: ConnectionRefusedError.", millis=refused.millis)
    url = f"https://{HOST}/"
    assert hooks(missing).post(url, b"{}", {}).said == "The host's name cannot be resolved."
    assert hooks(lambda *_: []).post(url, b"{}", {}).said == "The host's name has no address."
    late = GuardedHooks(resolve=slow, seconds=0.2).post(url, b"{}", {})
    assert late.said == "The host's name was not resolved in time."


def test_lookups_that_nobody_waits_for_are_not_made():
    """Names that are resolved too slowly hold up later ones no longer than they are waited for."""
    free, asked = threading.Event(), list[str]()

    def stuck(host: str, _: int) -> list[str]:
        asked.append(host)
        free.wait(5)
        return []

    guard = GuardedHooks(resolve=stuck, seconds=0.3)
    with ThreadPoolExecutor(LOOKUPS + 8) as pool:
        answers = list(pool.map(lambda _: guard.post(f"https://{HOST}/", b"{}", {}), range(LOOKUPS + 8)))
    free.set()
    assert {one.said for one in answers} == {"The host's name was not resolved in time."}
    time.sleep(0.2)
    assert len(asked) <= LOOKUPS


def test_the_guard_that_is_open_is_open_for_this_machine_alone():
    """In a rehearsal http and loopback are taken; a private network and the metadata are not."""
    assert target("http://127.0.0.1:8000/x", open_=True).port == 8000
    for url in ("http://10.0.0.1/", "http://169.254.169.254/", "https://[::1]/", "http://good@127.0.0.1/"):
        with pytest.raises(Invalid):
            target(url, open_=True)
    inside = GuardedHooks(open_=True, resolve=lambda *_: ["10.0.0.1"])
    assert inside.post("http://hooks.example.com/", b"{}", {}).said.endswith("not on the public internet.")


def hooks(resolve: Callable[..., list[str]]) -> GuardedHooks:
    """The guard as it is deployed, with another DNS."""
    return GuardedHooks(resolve=resolve)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"))
