"""The refusals of an operation, as responses of OpenAPI."""

from collections.abc import Mapping

from banking.api.openapi.examples import PROBLEM
from banking.api.openapi.types import Schema
from banking.api.problems import MEDIA_TYPE

#: The refusals that every operation has. A view's method lists its further ones.
_ALWAYS = {
    400: "The request is malformed.",
    401: "The token is missing, expired, revoked, or too weak for this (RFC 9470).",
    403: "The token does not allow this operation.",
    404: "There is nothing here for this token: unknown, somebody else's, or not shared with the app.",
    405: "The method is not allowed here.",
    406: "The requested format is not available.",
    429: "Too many requests; wait for Retry-After.",
    503: "Not available at the moment; repeat the same request after Retry-After.",
}
_WITH_BODY = {413: "The body is larger than 64 KiB.", 415: "The body is not application/json."}
_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


def refusals(own: Mapping[int, str], schema: Schema, *, has_body: bool) -> Schema:
    """The responses by status. `schema` is the schema of a problem document."""
    meanings = {**_ALWAYS, **(_WITH_BODY if has_body else {}), **own}
    return {str(status): _refusal(status, meaning, schema) for status, meaning in sorted(meanings.items())}


def _refusal(status: int, meaning: str, schema: Schema) -> Schema:
    refusal: Schema = {
        "description": meaning,
        "content": {MEDIA_TYPE: {"schema": schema, "example": PROBLEM[status]}},
    }
    if header := _HEADERS.get(status):
        refusal["headers"] = {header: {"required": True, "schema": {"type": "string"}}}
    return refusal
