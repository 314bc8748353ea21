"""Errors that are not caused by the content of the request. The same request may succeed later."""

from banking.api.explanations.explanation import Explanation

_PAY = "POST /api/v1/transfers\nIdempotency-Key: 0b1c0a54-6f0e-4b69-9e0e-1f1d5b5a7c11"

EXPLANATIONS = {
    "rate_limited": Explanation(
        429,
        "The client has sent more requests for this user than RateLimit-Policy allows. Checks of payees have a "
        "separate limit.",
        "Wait for the number of seconds in Retry-After. Read the RateLimit header to stay below the limit, and poll "
        "with If-None-Match.",
        "GET /api/v1/accounts",
        "Request was throttled. Expected available in 12 seconds.",
        headers={"Retry-After": "12"},
    ),
    "temporarily_unavailable": Explanation(
        503,
        "The bank cannot be reached at the moment, for example while its database moves to another machine.",
        "Wait for Retry-After and repeat the same request. With the same Idempotency-Key no payment is made twice, "
        "even if the first one was made and only its response was lost.",
        _PAY,
        "The bank cannot be reached at the moment. Repeat the same request.",
        headers={"Retry-After": "2"},
    ),
    "server_error": Explanation(
        500,
        "An error occurred on our side. We log it under the error id.",
        "Repeat a payment with the same Idempotency-Key. If the error persists, send us the error id "
        "from `detail` or X-Error-Id.",
        _PAY,
        "Something went wrong on our side.",
    ),
}
