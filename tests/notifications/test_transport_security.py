"""Mail servers that want encryption and a password, with a real certificate."""

from __future__ import annotations

import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.notifications.test_transport import letter
from tests.peers.smtp import SmtpPeer
from webapp.core.clock import now
from webapp.notifications.errors import MailDeferred, MailRefused
from webapp.notifications.mail.transport import SmtpTransport

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts the certificate, as it would one that an authority signed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def deliver(url: str, *, times: int = 1) -> None:
    sender = SmtpTransport(url)
    try:
        for _ in range(times):
            sender.send(letter())
    finally:
        sender.close()


@pytest.mark.usefixtures("trusted")
def test_starttls_and_a_password_with_odd_letters(tls: ssl.SSLContext) -> None:
    with SmtpPeer(tls=tls, sign_in=("robot@studio", "p@ss:w/rd%")) as peer:
        deliver(f"smtp+starttls://robot%40studio:p%40ss%3Aw%2Frd%25@127.0.0.1:{peer.port}", times=3)
        assert (peer.signed_in, len(peer.messages), peer.connections) == (["robot@studio"], 3, 1)


@pytest.mark.usefixtures("trusted")
def test_tls_from_the_first_byte(tls: ssl.SSLContext) -> None:
    with SmtpPeer(tls=tls, implicit_tls=True) as peer:
        deliver(f"smtps://127.0.0.1:{peer.port}", times=2)
        assert (len(peer.messages), peer.connections) == (2, 1)


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_puts_the_message_off_and_names_the_setting(tls: ssl.SSLContext) -> None:
    with SmtpPeer(tls=tls, sign_in=("robot", "right")) as peer:
        with pytest.raises(MailDeferred, match="user name or password in SMTP_URL: 535"):
            deliver(f"smtp+starttls://robot:wrong@127.0.0.1:{peer.port}")
        assert peer.messages == []


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tls: ssl.SSLContext) -> None:
    with SmtpPeer(tls=tls) as peer:
        with pytest.raises(MailDeferred, match=r"cannot be used: .*certificate"):
            deliver(f"smtp+starttls://127.0.0.1:{peer.port}")
        assert peer.messages == []


def test_a_server_without_starttls_gets_no_message_in_the_clear() -> None:
    with SmtpPeer() as peer:
        with pytest.raises(MailDeferred, match="STARTTLS"):
            deliver(f"smtp+starttls://127.0.0.1:{peer.port}")
        assert peer.messages == []


def test_an_address_beyond_ascii_goes_to_a_server_that_can_write_it() -> None:
    with SmtpPeer() as peer:
        sender = SmtpTransport(peer.url)
        sender.send(letter(to="åsa@xn--exmple-cua.com"))
        sender.close()
        assert peer.recipients == ["åsa@xn--exmple-cua.com"]
        assert "To: åsa@xn--exmple-cua.com".encode() in peer.raw[0]


def test_an_address_beyond_ascii_is_refused_where_no_server_can_write_it() -> None:
    with SmtpPeer(international=False) as peer:
        sender = SmtpTransport(peer.url)
        with pytest.raises(MailRefused, match=r"åsa@.*use another address"):
            sender.send(letter(to="åsa@example.com"))
        sender.send(letter(to="gus@example.com"))
        sender.close()
        assert (peer.recipients, peer.connections) == (["gus@example.com"], 1)
