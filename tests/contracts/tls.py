"""Servers that speak TLS as a host of the tests' own, by an authority that only their guard believes."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.adapters.hooks import GuardedHooks

HOST = "hooks.roaster.example"
HERE = "127.0.0.1"


def here(address: str) -> bool:
    """In these tests this machine stands for a public one, and nothing else does."""
    return address == HERE


class Server:
    """One that speaks TLS as HOST, and does with each connection what it was made to do."""

    def __init__(self, tls: "Tls", act: Callable[[socket.socket], None], *, listens: bool) -> None:
        self._tls, self._act, self._listens = tls, act, listens
        self.heard: list[bytes] = []
        self.names: list[str] = []
        self._server = socket.create_server((HERE, 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def hooks(
        self, resolve: Callable[..., list[str]] = lambda *_: [HERE], seconds: float = 10
    ) -> GuardedHooks:
        """A guard that believes the test's authority, and takes this machine for a public one; any port for one of the web's."""
        return GuardedHooks(resolve=resolve, public=here, trust=self._tls.trust, open_=True, seconds=seconds)

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(raw,), daemon=True).start()

    def _one(self, raw: socket.socket) -> None:
        context = self._tls.server_context()
        context.sni_callback = lambda _, name, __: self.names.append(name or "")
        try:
            with context.wrap_socket(raw, server_side=True) as connection:
                if self._listens:
                    self.heard.append(_request(connection))
                self._act(connection)
        except OSError:
            return

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(2)


def _request(connection: socket.socket) -> bytes:
    """A whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class Tls:
    """An authority of the tests' own, and a certificate of HOST by it."""

    def __init__(self, folder: Path) -> None:
        self._pem = folder / "server.pem"
        authority = ec.generate_private_key(ec.SECP256R1())
        root = _certificate("tests", authority, "tests", authority, authority=True)
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate("tests", authority, HOST, key, authority=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._pem.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
        self.trust = ssl.create_default_context(
            cadata=root.public_bytes(serialization.Encoding.PEM).decode("ascii")
        )

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._pem)
        return context

    def answering(self, answer: bytes) -> "contextmanager[Server]":
        return self.serving(lambda connection: connection.sendall(answer))

    @contextmanager
    def serving(self, act: Callable[[socket.socket], None], *, listens: bool = True) -> Iterator[Server]:
        server = Server(self, act, listens=listens)
        try:
            yield server
        finally:
            server.close()


def _certificate(
    by: str, signs: ec.EllipticCurvePrivateKey, of: str, key: ec.EllipticCurvePrivateKey, *, authority: bool
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .issuer_name(name(by))
        .subject_name(name(of))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signs.public_key()), critical=False)
    )
    if authority:
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        built = built.add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
    else:
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(of)]), critical=False)
    return built.sign(signs, hashes.SHA256())
