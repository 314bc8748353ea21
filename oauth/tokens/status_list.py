"""The format of the Token Status List (draft-ietf-oauth-status-list): one bit per authorization, 1 if it has ended.

Used by the server that publishes a list and by resource servers that read it.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from jwt.utils import base64url_decode, base64url_encode

# The number of bits of a list. Before compression, these are 8 KiB, so a list is small to fetch and cheap to build.
STATUS_LIST_SIZE = 65_536
TYP = "statuslist+jwt"
MEDIA_TYPE = "application/statuslist+jwt"
_PATH = "/oauth/status/"


def uri(number: int, *, issuer: str) -> str:
    return f"{issuer}{_PATH}{number}"


def number_of(uri: object, *, issuer: str) -> int:
    """The number of the issuer's list at this URL. Raises ValueError for any other URL, which must not be fetched."""
    prefix = f"{issuer}{_PATH}"
    if not isinstance(uri, str) or not uri.startswith(prefix) or not uri.removeprefix(prefix).isdecimal():
        raise ValueError("not a status list of this issuer")
    return int(uri.removeprefix(prefix))


def reference(index: int, *, issuer: str) -> dict[str, Any]:
    """The claim `status_list` of a token (§6.1)."""
    return {"idx": index % STATUS_LIST_SIZE, "uri": uri(index // STATUS_LIST_SIZE, issuer=issuer)}


def index_of(claim: Mapping[str, Any], *, issuer: str) -> int | None:
    """The index in a claim made by `reference`; None for any other claim."""
    try:
        index = number_of(claim.get("uri"), issuer=issuer) * STATUS_LIST_SIZE + int(claim["idx"])
    except (KeyError, TypeError, ValueError):
        return None
    return index if reference(index, issuer=issuer) == claim else None


def bits(indexes: Iterable[int]) -> bytes:
    """A list with these bits set (§4.1: the lowest bit of a byte comes first)."""
    array = bytearray(STATUS_LIST_SIZE // 8)
    for index in indexes:
        array[index % STATUS_LIST_SIZE // 8] |= 1 << index % 8
    return bytes(array)


def is_set(array: bytes, index: int) -> bool:
    """Whether the bit is set. Raises IndexError for an index beyond the list, whose token must be refused."""
    if index < 0:
        raise IndexError(index)
    return bool(array[index // 8] >> index % 8 & 1)


def to_claim(array: bytes) -> dict[str, Any]:
    """§4.2: the bits compressed with zlib, in base64url."""
    return {"bits": 1, "lst": base64url_encode(zlib.compress(array, 9)).decode()}


def from_claim(claim: Mapping[str, Any]) -> bytes:
    """The bits of a list. Raises ValueError for another format. Never decompresses more than the size of a list."""
    try:
        inflater = zlib.decompressobj()
        array = inflater.decompress(base64url_decode(str(claim["lst"])), STATUS_LIST_SIZE // 8 + 1)
    except (zlib.error, KeyError, ValueError) as error:
        raise ValueError("not a status list") from error
    if claim.get("bits") != 1 or len(array) != STATUS_LIST_SIZE // 8:
        raise ValueError("not a status list of 1 bit per token")
    return array
