"""Parses the parameters of a protocol request once and strictly.

RFC 6749 §3.1, §3.2: a repeated parameter is refused, an empty one is treated as absent, and unknown ones are ignored.
Control characters and invalid UTF-8 are refused (appendix A), so that no NUL byte reaches the database.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote_plus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from oauth.errors import InvalidRequest, RequestTooLarge

MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 1000
# RFC 8707 §2, RFC 8693 §2.1: only these parameters may be repeated.
REPEATABLE = frozenset({"resource", "audience"})
# Parameters with credentials of a client or a user.
CREDENTIALS = frozenset(
    {
        "client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "access_token", "token",
        "device_code", "auth_req_id", "subject_token", "actor_token", "assertion", "password",
        "client_notification_token",
    }
)  # fmt: skip
# The maximum length of values in characters, because requests are stored and anybody can send one.
LONGEST = {
    "state": 2048, "nonce": 512, "login_hint": 320, "ui_locales": 256, "acr_values": 1024, "claims": 8192,
    "authorization_details": 16384, "redirect_uri": 2048, "grant_id": 64, "prompt": 64,
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[A-Za-z0-9._#-]{1,64}")


class Parameters(Mapping[str, str]):
    """An immutable mapping of name to value; `all(name)` returns all values of a repeatable parameter."""

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values  # faster than Mapping's, which catches a KeyError

    def all(self, name: str) -> tuple[str, ...]:
        return self._values.get(name, ())

    def require(self, name: str) -> str:
        """The value. Raises InvalidRequest, whose description names the parameter, if it is missing."""
        try:
            return self[name]
        except KeyError:
            raise InvalidRequest(f"The parameter {name} is missing.") from None


def from_body(request: HttpRequest, *, repeatable: frozenset[str] = REPEATABLE) -> Parameters:
    """The parameters in the form-encoded body of a POST. Raises InvalidRequest.

    Ignores the query (RFC 6749 §3.2), but refuses one with credentials.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise InvalidRequest("The parameters must be sent as application/x-www-form-urlencoded.")
    _refuse_credentials_in(request.META.get("QUERY_STRING", ""))
    return parse(read_body(request), repeatable=repeatable)


def _refuse_credentials_in(query: str) -> None:
    """RFC 6749 §2.3.1, ASVS 5.0 14.2.1: credentials must not be in the URL, which is logged."""
    if not query:
        return
    named = {unquote_plus(pair.partition("=")[0]) for pair in query.split("&")}
    if found := sorted(named & CREDENTIALS):
        raise InvalidRequest(f"The parameter {found[0]} must be sent in the body and not in the URL.")


def read_body(request: HttpRequest) -> bytes:
    """Reads the complete body, even of a chunked request. Raises RequestTooLarge or InvalidRequest."""
    try:
        return request.body
    except RequestDataTooBig:
        raise RequestTooLarge(f"The body must be at most {MAX_BODY_BYTES} bytes.") from None
    except UnreadablePostError:
        raise InvalidRequest("The connection ended before the whole body was received.") from None


def parse(encoded: bytes, *, repeatable: frozenset[str] = REPEATABLE) -> Parameters:
    """The parameters in a query or a body. Raises InvalidRequest, and RequestTooLarge above MAX_BODY_BYTES."""
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
    """Raises InvalidRequest if a parameter is longer than LONGEST allows."""
    for name, longest in LONGEST.items():
        if len(params.get(name, "")) > longest:
            raise InvalidRequest(f"The parameter {name} must be at most {longest} characters long.")
