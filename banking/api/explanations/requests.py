"""Requests that the API cannot process. Nothing was done, and the same request would be refused again."""

from banking.api.explanations.explanation import Explanation

_PAY = "POST /api/v1/transfers"

EXPLANATIONS = {
    "malformed_request": Explanation(
        400,
        "The body or the query string does not match the OpenAPI document: a member is missing, has another type, or "
        "breaks a pattern. A body that is not JSON in UTF-8, repeats a member or contains a float gets this code, too.",
        "Read `errors`: each entry points at a member and says what it must be. Money is an integer in minor units.",
        f'{_PAY}\n\n{{"source_account_id": "…", "destination": {{…}}, "amount": {{"currency": "gbp", "minor_units": '
        f"1}}, …}}",
        "Must be a code of ISO 4217: three capital letters.",
        pointer="/amount/currency",
    ),
    "unknown_member": Explanation(
        400,
        "The body has a member that this operation does not have. The request is refused, so that a mistyped name is "
        "never ignored.",
        "Remove the member that `errors` points at, or correct its name.",
        f'{_PAY}\n\n{{"source_account_id": "…", "refernce": "INV 7", …}}',
        "This member is unknown.",
        pointer="/refernce",
    ),
    "unknown_parameter": Explanation(
        400,
        "The query string has a parameter that this operation does not have. Otherwise, a filter with a mistyped name "
        "would be ignored. An access token in the URL is refused in the same way (RFC 6750 §2.3).",
        "Use the parameters that the detail lists. Send the token in the Authorization header.",
        "GET /api/v1/accounts?limitt=10",
        "A query parameter is unknown. Known here: limit, cursor.",
    ),
    "invalid_cursor": Explanation(
        400,
        "The cursor was edited, or belongs to another list, user, client or set of filters. Cursors are signed, so "
        "this is noticed.",
        "Start again without `cursor`. Send `next_cursor` unchanged, with the same filters as the request that "
        "returned it.",
        "GET /api/v1/transfers?cursor=abc",
        "The cursor does not belong to this list.",
    ),
    "idempotency_key_missing": Explanation(
        400,
        "A request that moves money must have an Idempotency-Key header. Without it a retry could pay twice.",
        "Make a random key for each new order, store it with the order before you send it, and send the same key with "
        "each "
        "retry.",
        _PAY,
        "Send an Idempotency-Key header with a new random key.",
    ),
    "idempotency_key_invalid": Explanation(
        400,
        "The key is shorter than 16 or longer than 255 characters, or has a space or a character outside of visible "
        "ASCII.",
        "Send a UUID or another random text of this form, with or without quotes around it.",
        f"{_PAY}\nIdempotency-Key: 1",
        "The Idempotency-Key must be 16 to 255 visible ASCII characters.",
    ),
    "idempotency_key_reused": Explanation(
        422,
        "The key was used for an order with another body. The first order stands, and this one was not made.",
        "Send a new key with a new order. For a retry, send exactly the body of the first request.",
        f"{_PAY}\nIdempotency-Key: 0b1c0a54-6f0e-4b69-9e0e-1f1d5b5a7c11",
        "This key was used with another body. A new order needs a new key.",
    ),
    "request_in_progress": Explanation(
        409,
        "Another request with this Idempotency-Key is still running.",
        "Wait for the number of seconds in Retry-After, then repeat the same request with the same key. You then get "
        "the response to the first request.",
        f"{_PAY}\nIdempotency-Key: 0b1c0a54-6f0e-4b69-9e0e-1f1d5b5a7c11",
        "The first request with this key is still running.",
        headers={"Retry-After": "2"},
    ),
    "not_found": Explanation(
        404,
        "This token gives access to nothing at this URL. The response is the same for an id that does not exist, that "
        "belongs to somebody else, or that the user did not share with this app.",
        "Use ids that this API listed for the same token. GET /consent says which accounts the user shared.",
        "GET /api/v1/accounts/01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d21",
        "Unknown, not this user's, or not shared with this app.",
    ),
    "method_not_allowed": Explanation(
        405,
        "The resource does not support this method.",
        "Use a method of the Allow header.",
        "PUT /api/v1/accounts",
        'Method "PUT" not allowed.',
        headers={"Allow": "GET, HEAD, OPTIONS"},
    ),
    "not_acceptable": Explanation(
        406,
        "The resource is not available in a format that the Accept header allows.",
        "Send `Accept: application/json`, or no Accept header. Statements also exist as text/csv.",
        "GET /api/v1/accounts\nAccept: application/xml",
        "Could not satisfy the request Accept header.",
    ),
    "too_large": Explanation(
        413,
        "The body has more than 64 KiB.",
        "Send one order in each request. No operation needs a larger body.",
        _PAY,
        "The body is larger than 64 KiB.",
    ),
    "unsupported_media_type": Explanation(
        415,
        "The Content-Type of the body is not that of JSON. Forms are not accepted.",
        "Send `Content-Type: application/json` and a JSON object.",
        f"{_PAY}\nContent-Type: application/x-www-form-urlencoded",
        'Unsupported media type "application/x-www-form-urlencoded" in request.',
    ),
}
