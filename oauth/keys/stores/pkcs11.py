"""Keys in a hardware security module with a PKCS#11 interface (OASIS PKCS #11 v3.1). Needs `python-pkcs11`.

    {"BACKEND": "oauth.keys.stores.pkcs11.PKCS11", "OPTIONS": {
        "module": "/usr/lib/softhsm/libsofthsm2.so", "token_label": "countersign", "pin": env("HSM_PIN")}}

Private keys are generated in the module as sensitive and not extractable. All machines of a site must use the same
module, or tokens with the same keys.
"""

import hashlib
import os
import secrets
import threading
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwcrypto.jwk import JWK
from jwt.utils import base64url_encode
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from oauth.keys.stores.key_store import KeyStore, KeyStoreError, NewKey

_ED25519 = "1.3.101.112"  # RFC 8410 §3
_PRIVATE = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}


class PKCS11(KeyStore):
    """Threads sign one at a time, because a session can compute only one signature at a time."""

    def __init__(self, *, module: str, token_label: str, pin: str) -> None:
        self._module, self._token_label, self._pin = module, token_label, pin
        self._lock = threading.Lock()
        self._session: Any = None
        self._keys: dict[str, Any] = {}
        self._process = 0

    def generate(self, algorithm: str) -> NewKey:
        reference = secrets.token_hex(16)
        with self._lock:
            try:
                return NewKey(self._generate(self._opened(), algorithm, bytes.fromhex(reference)), reference)
            except pkcs11.PKCS11Error as error:
                raise self._failed(error) from error

    def sign(self, reference: str, algorithm: str, content: bytes) -> bytes:
        with self._lock:
            try:
                return self._sign(reference, algorithm, content)
            except pkcs11.PKCS11Error:
                self._session = None  # open a new session next time: the module may have been restarted
            try:
                return self._sign(reference, algorithm, content)
            except pkcs11.PKCS11Error as error:
                raise self._failed(error) from error

    def forget(self, reference: str) -> None:
        with self._lock:
            try:
                for one in list(self._opened().get_objects({Attribute.ID: bytes.fromhex(reference)})):
                    one.destroy()
            except pkcs11.PKCS11Error as error:
                raise self._failed(error) from error
            self._keys.pop(reference, None)

    def _opened(self) -> Any:
        """The session of this process. A forked process must initialize the module again (PKCS #11 v3.1 §5.4)."""
        if self._session is None or self._process != os.getpid():
            library = pkcs11.lib(self._module)
            library.reinitialize()
            self._session = library.get_token(token_label=self._token_label).open(rw=True, user_pin=self._pin)
            self._process, self._keys = os.getpid(), {}
        return self._session

    def _failed(self, error: Exception) -> KeyStoreError:
        self._session = None
        return KeyStoreError(f"PKCS#11, token {self._token_label!r}: {type(error).__name__} {error}".strip())

    def _generate(self, session: Any, algorithm: str, key_id: bytes) -> dict[str, Any]:
        options = {"id": key_id, "label": f"Signs {algorithm} tokens", "store": True, "private_template": _PRIVATE}
        public: Any
        if algorithm in ("PS256", "RS256"):
            rsa, _ = session.generate_keypair(KeyType.RSA, 2048, **options)
            numbers = {"n": rsa[Attribute.MODULUS], "e": rsa[Attribute.PUBLIC_EXPONENT]}
            return {"kty": "RSA", **{name: base64url_encode(value).decode() for name, value in numbers.items()}}
        if algorithm == "EdDSA":
            ed25519 = self._curve(session, KeyType.EC_EDWARDS, _ED25519)
            point, _ = ed25519.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, **options)
            # PKCS #11 v3.1 §6.3.5: the point is a DER octet string of 32 bytes.
            public = Ed25519PublicKey.from_public_bytes(point[Attribute.EC_POINT][-32:])
        else:
            pair, _ = self._curve(session, KeyType.EC, "secp256r1").generate_keypair(**options)
            public = load_der_public_key(encode_ec_public_key(pair))
        members: dict[str, Any] = JWK.from_pyca(public).export_public(as_dict=True)
        return members

    def _curve(self, session: Any, key_type: Any, name: str) -> Any:
        parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters(name)}
        return session.create_domain_parameters(key_type, parameters, local=True)

    def _sign(self, reference: str, algorithm: str, content: bytes) -> bytes:
        session = self._opened()
        key = self._keys.get(reference)
        if key is None:
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=bytes.fromhex(reference))
            self._keys[reference] = key
        if algorithm == "ES256":
            content = hashlib.sha256(content).digest()
        signature: bytes = key.sign(content, **_MECHANISMS[algorithm])
        return signature


# RFC 7518 §3.5: PS256 has a salt as long as the hash.
_MECHANISMS: dict[str, dict[str, Any]] = {
    "ES256": {"mechanism": Mechanism.ECDSA},
    "EdDSA": {"mechanism": Mechanism.EDDSA},
    "RS256": {"mechanism": Mechanism.SHA256_RSA_PKCS},
    "PS256": {
        "mechanism": Mechanism.SHA256_RSA_PKCS_PSS,
        "mechanism_param": (Mechanism.SHA256, MGF.SHA256, 32),
    },
}
