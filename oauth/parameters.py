"""The parameters of a protocol request: read once, strictly, before anything is looked up.

RFC 6749 §3.1, §3.2: a repeated parameter is refused, an empty one counts as absent, an unknown one is ignored. Control
characters and invalid UTF-8 are refused (appendix A allows none), so that no NUL byte reaches the database.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote_plus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from oauth.errors import InvalidRequest, RequestTooLarge

MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 1000
# RFC 8707 §2, RFC 8693 §2.1: a request may name several of these; nothing else may be repeated.
REPEATABLE = frozenset({"resource", "audience"})
# Parameters that authenticate a client or stand for a user.
CREDENTIALS = frozenset(
    {
        "client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "access_token", "token",
        "device_code", "auth_req_id", "subject_token", "actor_token", "assertion", "password",
        "client_notification_token",
    }
)  # fmt: skip
# The longest values, in characters: requests are stored, and anybody can send one.
LONGEST = {
    "state": 2048, "nonce": 512, "login_hint": 320, "ui_locales": 256, "acr_values": 1024, "claims": 8192,
    "authorization_details": 16384, "redirect_uri": 2048, "grant_id": 64, "prompt": 64,
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[A-Za-z0-9._#-]{1,64}")


class Parameters(Mapping[str, str]):
    """Immutable name -> value; `all(name)` for those that may be repeated."""

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values  # Mapping's own raises and catches a KeyError

    def all(self, name: str) -> tuple[str, ...]:
        return self._values.get(name, ())

    def require(self, name: str) -> str:
        """The value. Raises InvalidRequest naming what is missing."""
        try:
            return self[name]
        except KeyError:
            raise InvalidRequest(f"The parameter {name} is missing.") from None


def from_body(request: HttpRequest, *, repeatable: frozenset[str] = REPEATABLE) -> Parameters:
    """The parameters of a POST whose body is a form. Raises InvalidRequest.

    A query is ignored (RFC 6749 §3.2), unless it holds credentials.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise InvalidRequest("The parameters must be sent as application/x-www-form-urlencoded.")
    _refuse_credentials_in(request.META.get("QUERY_STRING", ""))
    return parse(read_body(request), repeatable=repeatable)


def _refuse_credentials_in(query: str) -> None:
    """RFC 6749 §2.3.1, ASVS 5.0 14.2.1: credentials must not be in the URL, where logs keep them."""
    if not query:
        return
    named = {unquote_plus(pair.partition("=")[0]) for pair in query.split("&")}
    if found := sorted(named & CREDENTIALS):
        raise InvalidRequest(f"The parameter {found[0]} must be sent in the body and not in the URL.")


def read_body(request: HttpRequest) -> bytes:
    """Reads the whole body, also of a chunked request. Raises RequestTooLarge or InvalidRequest."""
    try:
        return request.body
    except RequestDataTooBig:
        raise RequestTooLarge(f"The body must be at most {MAX_BODY_BYTES} bytes.") from None
    except UnreadablePostError:
        raise InvalidRequest("The connection ended before the whole body was received.") from None


def parse(encoded: bytes, *, repeatable: frozenset[str] = REPEATABLE) -> Parameters:
    """The parameters of a query or a body. Raises InvalidRequest, and RequestTooLarge above 64 KiB."""
    if len(encoded) > MAX_BODY_BYTES:
        raise RequestTooLarge(f"The parameters must be at most {MAX_BODY_BYTES} bytes.")
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except (UnicodeDecodeError, ValueError):
        raise InvalidRequest("The parameters must be a form in UTF-8.") from None
    values: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for name, value in pairs:
        shown = name if _NAME.fullmatch(name) else "with this name"
        if _CONTROL.search(name) or _CONTROL.search(value):
            raise InvalidRequest(f"The parameter {shown} must not contain a control character.")
        if name in seen and name not in repeatable:
            raise InvalidRequest(f"The parameter {shown} must not be repeated.")
        seen.add(name)
        if value:
            values[name] = (*values.get(name, ()), value)
    return Parameters(values)


def refuse_long(params: Parameters) -> None:
    """Raises InvalidRequest if a parameter is longer than any valid value."""
    for name, longest in LONGEST.items():
        if len(params.get(name, "")) > longest:
            raise InvalidRequest(f"The parameter {name} must be at most {longest} characters long.")
