"""A security key in software (WebAuthn, ES256), with or without user verification."""

import hashlib
import json
import secrets

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

HOST = "localhost"
_UP, _UV, _AT = 0x01, 0x04, 0x40


class SoftKey:
    def __init__(self, user):
        self.user = user
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        public = ES256.from_cryptography_key(self.key.public_key())
        self.credential = AttestedCredentialData.create(b"\0" * 16, self.id, public)

    def _client_data(self, kind, challenge):
        return CollectedClientData.create(kind, challenge, f"http://{HOST}")

    def register(self):
        """Stores the key as `WebAuthn.add` does, without the page that registers it."""
        data = AuthenticatorData.create(hashlib.sha256(HOST.encode()).digest(), _UP | _UV | _AT, 0, self.credential)
        credential = {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "clientDataJSON": websafe_encode(self._client_data("webauthn.create", b"x" * 32)),
                "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            },
        }
        return Authenticator.objects.create(
            user=self.user, type="webauthn", data={"name": "Key", "credential": credential}
        )

    def answer(self, challenge, *, is_user_verified):
        """The JSON of an assertion for the challenge in these request options."""
        data = AuthenticatorData.create(
            hashlib.sha256(HOST.encode()).digest(), _UP | (_UV if is_user_verified else 0), 0
        )
        client_data = self._client_data("webauthn.get", challenge)
        signed = bytes(data) + hashlib.sha256(bytes(client_data)).digest()
        return json.dumps(
            {
                "id": websafe_encode(self.id),
                "rawId": websafe_encode(self.id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {
                    "clientDataJSON": websafe_encode(client_data),
                    "authenticatorData": websafe_encode(data),
                    "signature": websafe_encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
                    "userHandle": websafe_encode(user_pk_to_url_str(self.user).encode()),
                },
            }
        )
