"""Access tokens that are missing, invalid, or insufficient. WWW-Authenticate tells libraries the same."""

from banking.api.explanations.explanation import Explanation

_PAY = "POST /api/v1/transfers\nAuthorization: Bearer eyJhbGciOiJFUzI1NiIs…"
_READ = "GET /api/v1/accounts"
_TOKEN = "Authorization: Bearer eyJhbGciOiJFUzI1NiIs…"

EXPLANATIONS = {
    "not_authenticated": Explanation(
        401,
        "The request has no access token.",
        "Send `Authorization: Bearer` and a token, or `Authorization: DPoP` and a proof. The metadata at "
        "`resource_metadata` of "
        "WWW-Authenticate name the authorization server (RFC 9728).",
        _READ,
        "An access token is required.",
        headers={"WWW-Authenticate": 'Bearer resource_metadata="…/.well-known/oauth-protected-resource/api/v1"'},
    ),
    "invalid_token": Explanation(
        401,
        "The token has expired, was revoked, is malformed, or is for another API. Tokens are valid for minutes.",
        "Get a new one with the refresh token and repeat the request once. If the token endpoint answers "
        "`invalid_grant`, ask "
        "the user to log in again.",
        f"{_READ}\n{_TOKEN}",
        "The access token is not valid.",
        headers={
            "WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token is not valid."'
        },
    ),
    "invalid_request": Explanation(
        400,
        "The Authorization header cannot be read: a scheme without a token, or several tokens.",
        "Send one Authorization header: the scheme, a space, and the token.",
        f"{_READ}\nAuthorization: Bearer",
        "The Authorization header must be a scheme, a space and one access token.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_request"'},
    ),
    "invalid_dpop_proof": Explanation(
        401,
        "The token is bound to a key, and the DPoP proof is missing or is not for this request. It names another "
        "method or URL, has an old `iat` or a `jti` that was used before, or is signed with another key (RFC 9449 §7).",
        "Make a new proof for each request, also for a retry. `htm` is the method, `htu` the URL without its query, "
        "and `ath` the hash of the token.",
        f"{_READ}\nAuthorization: DPoP eyJhbGciOiJFUzI1NiIs…\nDPoP: eyJ0eXAiOiJkcG9wK2p3dCIs…",
        "This proof was already used; make a new one for each request.",
        headers={"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"'},
    ),
    "use_dpop_nonce": Explanation(
        401,
        "The proof must contain a nonce of this server, or its nonce has expired (RFC 9449 §9).",
        "Repeat the request with a new proof that has the value of the DPoP-Nonce header as `nonce`.",
        f"{_READ}\nAuthorization: DPoP eyJhbGciOiJFUzI1NiIs…\nDPoP: eyJ0eXAiOiJkcG9wK2p3dCIs…",
        "DPoP nonce expired; retry with the value of the DPoP-Nonce header.",
        headers={"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "eyJ7S_zG.eyJH0-Z.HX4w-7v"},
    ),
    "insufficient_user_authentication": Explanation(
        401,
        "The user must have just logged in, or logged in with a stronger method. Large amounts, new payees and "
        "transactions older than 90 days need this (RFC 9470).",
        "Start an authorization request with the `max_age` and `acr_values` of WWW-Authenticate, and repeat the "
        "request with "
        "the new token. Keep the Idempotency-Key.",
        _PAY,
        "The user must log in again, or with a stronger method.",
        headers={"WWW-Authenticate": 'Bearer error="insufficient_user_authentication", max_age="300"'},
    ),
    "insufficient_scope": Explanation(
        403,
        "The user did not allow what this operation needs.",
        "Start an authorization request with the scopes of WWW-Authenticate. The OpenAPI document lists the scopes of "
        "each operation.",
        _PAY,
        "The access token must have the scope transfers:write.",
        headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="transfers:write"'},
    ),
    "insufficient_authorization": Explanation(
        403,
        "The user allowed one specific transfer (RFC 9396). This request has another amount, payee, reference or "
        "account.",
        "Send exactly what the user saw. For anything else, ask for new authorization_details of type `transfer`.",
        _PAY,
        "The user allowed another transfer: account, payee, amount and reference must be the same.",
    ),
    "authorization_already_used": Explanation(
        409,
        "The user allowed one transfer, and it was made. A consent to a transfer can be used only once.",
        "Ask the user to allow the next transfer. To see what happened to the first one, read it with GET /transfers.",
        _PAY,
        "The user allowed this transfer once, and it was made.",
    ),
    "permission_denied": Explanation(
        403,
        "The token does not allow this operation. For example, a token that was narrowed or exchanged cannot end the "
        "app's access.",
        "Use a token that was issued to the app itself, with all its scopes.",
        f"DELETE /api/v1/consent\n{_TOKEN}",
        "You do not have permission to perform this action.",
    ),
    "confidential_clients_only": Explanation(
        403,
        "Webhooks are sent to a server, and a public client cannot prove that it has one.",
        "Register a confidential client for your server, and let it manage the webhooks.",
        f"POST /api/v1/webhooks\n{_TOKEN}",
        "Webhooks need a confidential client, which has a server and its own credentials.",
    ),
    "account_holder_inactive": Explanation(
        403,
        "The bank has disabled the user account, so the user cannot log in and no money can be moved for them.",
        "Tell the user to contact the bank. Do not retry.",
        _PAY,
        "The user account is disabled; no money can be moved.",
    ),
}
