"""Keys in AWS Key Management Service (https://docs.aws.amazon.com/kms/latest/APIReference/). Needs `boto3`.

OPTIONS are those of `boto3.client`, such as `region_name` or `endpoint_url`; boto3 finds the credentials. The role
needs kms:CreateKey, kms:GetPublicKey, kms:Sign and kms:ScheduleKeyDeletion. Each signature is a request to AWS.
"""

import hashlib
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwcrypto.jwk import JWK
from jwt.utils import der_to_raw_signature

from oauth.keys.stores.key_store import KeyStore, KeyStoreError, NewKey

# JWS algorithm -> KeySpec and SigningAlgorithm.
_KINDS = {
    "ES256": ("ECC_NIST_P256", "ECDSA_SHA_256"),
    "PS256": ("RSA_2048", "RSASSA_PSS_SHA_256"),
    "RS256": ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
}
# KMS hashes content up to this length. For longer content, we send the digest.
_MAX_RAW_BYTES = 4096
# AWS requires a waiting period of 7 to 30 days, in which the deletion can be cancelled.
_DELETED_AFTER_DAYS = 30
# Short timeouts, because a request to our token endpoint waits for the signature.
_PATIENCE = {"connect_timeout": 1, "read_timeout": 2, "retries": {"total_max_attempts": 2}}


class AWSKMS(KeyStore):
    algorithms: ClassVar[tuple[str, ...]] = tuple(_KINDS)

    def __init__(self, **options: Any) -> None:
        config = Config(**_PATIENCE).merge(options.pop("config", Config()))
        self._client = boto3.client("kms", config=config, **options)

    def generate(self, algorithm: str) -> NewKey:
        made = self._call(
            "create_key", KeySpec=_KINDS[algorithm][0], KeyUsage="SIGN_VERIFY", Description=f"Signs {algorithm} tokens"
        )
        reference = made["KeyMetadata"]["KeyId"]
        public = load_der_public_key(self._call("get_public_key", KeyId=reference)["PublicKey"])
        return NewKey(JWK.from_pyca(public).export_public(as_dict=True), reference)

    def sign(self, reference: str, algorithm: str, content: bytes) -> bytes:
        is_raw = len(content) <= _MAX_RAW_BYTES
        answer = self._call(
            "sign",
            KeyId=reference,
            Message=content if is_raw else hashlib.sha256(content).digest(),
            MessageType="RAW" if is_raw else "DIGEST",
            SigningAlgorithm=_KINDS[algorithm][1],
        )
        signature: bytes = answer["Signature"]
        return der_to_raw_signature(signature, SECP256R1()) if algorithm == "ES256" else signature

    def forget(self, reference: str) -> None:
        if self._call("describe_key", KeyId=reference)["KeyMetadata"]["KeyState"] != "PendingDeletion":
            self._call("schedule_key_deletion", KeyId=reference, PendingWindowInDays=_DELETED_AFTER_DAYS)

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise KeyStoreError(f"AWS KMS, {operation}: {error}") from error
        return answer
