"""The class that each store of private keys subclasses."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from oauth.algorithms import SIGNING_ALGORITHMS

#: Means no store: the private key is in the database, encrypted.
DATABASE = ""
#: The label of DATABASE in the list from which staff choose.
DATABASE_NAME = "database"


class KeyStoreError(Exception):
    """The store cannot be reached, or has not carried out an operation. The text is for operators."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """`public_jwk` has the members that make up the public key (RFC 7518 §6.2, §6.3, RFC 8037 §2). `reference` is how
    the store finds the private key again; at most 500 characters."""

    public_jwk: dict[str, Any]
    reference: str


class KeyStore(ABC):
    """Subclass it. Each process makes one object, with OPTIONS as keyword arguments; many threads use it."""

    #: The algorithms of which the store can make keys.
    algorithms: ClassVar[tuple[str, ...]] = tuple(SIGNING_ALGORITHMS)

    @abstractmethod
    def generate(self, algorithm: str) -> NewKey:
        """Makes a key that cannot leave the store. Raises KeyStoreError."""

    @abstractmethod
    def sign(self, reference: str, algorithm: str, content: bytes) -> bytes:
        """The signature in the form that JWS needs; for ECDSA, R and S concatenated (RFC 7518 §3.4). Raises
        KeyStoreError."""

    @abstractmethod
    def forget(self, reference: str) -> None:
        """Deletes the private key, which has retired. Does nothing if it is gone already. Raises KeyStoreError."""
