"""Certificates of clients and their authority, for tests of mutual TLS."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

SANS = {
    "san_dns": lambda name: x509.DNSName(name),
    "san_uri": lambda name: x509.UniformResourceIdentifier(name),
    "san_ip": lambda name: x509.IPAddress(ip_address(name)),
    "san_email": lambda name: x509.RFC822Name(name),
}


@dataclass(frozen=True)
class KeyPair:
    key: Any
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def header(self) -> str:
        """RFC 9440 §2.1."""
        return f":{base64.b64encode(self.der).decode()}:"


def make(
    subject: str = "CN=client,O=Example", *, by: KeyPair | None = None, is_authority: bool = False, days: int = 30,
    sans: tuple[x509.GeneralName, ...] = (), usage: Any = ExtendedKeyUsageOID.CLIENT_AUTH, rsa_bits: int = 0,
) -> KeyPair:  # fmt: skip
    """A certificate signed by `by`, or self-signed. With negative `days`, it has expired."""
    key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    begins = datetime.now(UTC) - timedelta(days=60)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.certificate.subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    authority = by.key if by else key
    if is_authority:
        usage_bits = {name: name in ("key_cert_sign", "crl_sign") for name in (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")}  # fmt: skip
        builder = builder.add_extension(x509.KeyUsage(**usage_bits), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(sans)), critical=False)
    return KeyPair(key, builder.sign(authority, hashes.SHA256()))


def of_localhost(authority: KeyPair, subject: str = "CN=localhost") -> KeyPair:
    """A certificate for a server that a test starts."""
    localhost = SANS["san_dns"]("localhost")
    return make(subject, by=authority, sans=(localhost,), usage=ExtendedKeyUsageOID.SERVER_AUTH)


def authority(name: str = "CN=Example Authority,O=Example") -> KeyPair:
    return make(name, is_authority=True)
