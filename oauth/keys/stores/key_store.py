"""The base class of stores of private keys."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from oauth.algorithms import SIGNING_ALGORITHMS

#: The name for no store: the private key is in the database, encrypted.
DATABASE = ""
#: The label of DATABASE for staff.
DATABASE_NAME = "database"


class KeyStoreError(Exception):
    """The store is unreachable, or an operation has failed. The message is for operators."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """`public_jwk` has the members of the public key (RFC 7518 §6.2, §6.3, RFC 8037 §2). `reference` identifies the
    private key in the store, in at most 500 characters.
    """

    public_jwk: dict[str, Any]
    reference: str


class KeyStore(ABC):
    """Each process creates one instance, with OPTIONS as keyword arguments, which many threads use."""

    #: The algorithms that the store supports.
    algorithms: ClassVar[tuple[str, ...]] = tuple(SIGNING_ALGORITHMS)

    @abstractmethod
    def generate(self, algorithm: str) -> NewKey:
        """Generates a key that cannot leave the store. Raises KeyStoreError."""

    @abstractmethod
    def sign(self, reference: str, algorithm: str, content: bytes) -> bytes:
        """The signature as in JWS: for ECDSA, R and S concatenated (RFC 7518 §3.4). Raises KeyStoreError."""

    @abstractmethod
    def forget(self, reference: str) -> None:
        """Deletes a retired private key. Does nothing if it does not exist. Raises KeyStoreError."""
