"""The TLS certificate that a client presented (RFC 8705), which a function of the site provides.

OAUTH["CLIENT_CERTIFICATE"] names a function (request) -> certificates in DER, the client's own first, or an empty
sequence. Without this setting, mutual TLS is off.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
from jwt.utils import base64url_encode

from oauth.infrastructure.dotted_path import resolve

MIN_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension)


@dataclass(frozen=True, slots=True)
class Certificate:
    """`chain` is the presented chain: the client's own certificate, then intermediate ones."""

    chain: tuple[bytes, ...]

    @property
    def thumbprint(self) -> str:
        """`x5t#S256` (RFC 8705 §3.1): the base64url-encoded SHA-256 hash of the certificate in DER."""
        return base64url_encode(hashlib.sha256(self.chain[0]).digest()).decode()

    def is_one_of(self, registered: Iterable[bytes]) -> bool:
        """Whether the certificate is equal to a registered one, has a strong key and is currently valid (§2.2)."""
        found = [secrets.compare_digest(self.chain[0], one) for one in registered]
        return any(found) and _is_usable(self.chain[0])

    def is_issued_by(self, authorities: str) -> bool:
        """Whether one of these authorities (PEM) issued the certificate for client authentication (RFC 8705 §2.1, RFC
        5280 §6).
        """
        store = _authorities(authorities)
        if store is None or not _is_usable(self.chain[0]):
            return False
        try:
            chain = [x509.load_der_x509_certificate(der) for der in self.chain]
            # RFC 8705 §2.1: a subjectAltName is optional, because the subject may be the only name.
            policy = ExtensionPolicy.webpki_defaults_ee().may_be_present(
                x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
            )
            builder = PolicyBuilder().store(store).time(datetime.now(UTC))
            builder = builder.extension_policies(ee_policy=policy, ca_policy=ExtensionPolicy.webpki_defaults_ca())
            builder.build_client_verifier().verify(chain[0], chain[1:])
        except (VerificationError, *_UNREADABLE):
            return False
        return True

    def is_named(self, kind: str, name: str) -> bool:
        """Whether the certificate has this name (§2.1.2). `kind`: subject_dn, san_dns, san_uri, san_ip or san_email."""
        with suppress(*_UNREADABLE, x509.ExtensionNotFound):
            certificate = x509.load_der_x509_certificate(self.chain[0])
            if kind == "subject_dn":
                return certificate.subject == x509.Name.from_rfc4514_string(name)
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            match kind:
                case "san_dns":
                    wanted = name.lower()
                    return any(one.lower() == wanted for one in names.get_values_for_type(x509.DNSName))
                case "san_uri":
                    return name in names.get_values_for_type(x509.UniformResourceIdentifier)
                case "san_ip":
                    return ipaddress.ip_address(name) in names.get_values_for_type(x509.IPAddress)
                case "san_email":
                    return name in names.get_values_for_type(x509.RFC822Name)
        return False


def presented_in(request: Any, source: str | None) -> Certificate | None:
    """The certificate that the client presented in TLS. It proves only that the client has the private key.

    `source` is OAUTH["CLIENT_CERTIFICATE"].
    """
    if source is None:
        return None
    chain: tuple[bytes, ...] = resolve(source)(request)
    return Certificate(tuple(chain)) if chain else None


def read_authorities(pem: str) -> list[x509.Certificate]:
    """Raises ValueError."""
    return x509.load_pem_x509_certificates(pem.encode()) if pem else []


@lru_cache(maxsize=4)
def _authorities(pem: str) -> Store | None:
    certificates = read_authorities(pem)
    return Store(certificates) if certificates else None


def _is_usable(der: bytes) -> bool:
    """Whether the certificate is currently valid and its key is strong (RFC 9700 §2.5, FAPI 2.0 §5.4.1)."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        is_in_time = certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc
    except _UNREADABLE:
        return False
    is_strong = (
        isinstance(key, ed25519.Ed25519PublicKey)
        or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS)
        or (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES))
    )
    return is_in_time and is_strong
