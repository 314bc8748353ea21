"""Signed authorization requests (RFC 9101): the parameters in a JWT that the client signed.

Request objects are accepted by value only, pushed or in the query. They must be signed and must not be encrypted. Only
the parameters inside the request object are used (§6.3).
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
from django.utils import timezone

from oauth import parameters
from oauth.clients.authentication import keys
from oauth.conf import conf
from oauth.errors import InvalidRequest, InvalidRequestObject, RequestNotSupported
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.tokens import media_type
from oauth.tokens.verification import decode_by_any, is_canonical_jws, unverified_header

# §10.8: distinguishes a request object from other JWTs of the client. Older libraries send `JWT` or no typ.
TYP = "oauth-authz-req+jwt"
TYPES = (TYP, "JWT", None)
# FAPI 2.0 Message Signing §5.3.1.
LONGEST_LIFETIME = timedelta(minutes=60)
LONGEST_JTI = 255
_ABOUT_THE_JWT = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})


@dataclass(frozen=True, slots=True)
class Rules:
    """The claims that a request object must contain, besides `aud` and `exp`."""

    required: tuple[str, ...] = ()
    #: Whether the lifetime is limited and `aud` may also name others.
    is_bounded: bool = False


# FAPI 2.0 Message Signing §5.3.1.
OF_FAPI = Rules(required=("nbf", "iss"), is_bounded=True)
# CIBA §7.1.1.
OF_BACKCHANNEL = Rules(required=("iss", "iat", "nbf", "jti"), is_bounded=True)


def opened(params: Parameters, client: Client, *, rules: Rules | None = None) -> Parameters:
    """The parameters inside the request object, or `params` if there is none. `rules` default to those for an
    authorization request of this client.

    Raises RequestNotSupported, InvalidRequestObject, or InvalidRequest if the client must sign and did not.
    """
    if "request" not in params:
        if client.must_sign_requests:
            raise InvalidRequest("This client must sign its requests: send a request object (RFC 9101).")
        return params
    if client.client_jwks is None and not client.client_jwks_uri:
        raise RequestNotSupported(
            "The parameter request is not supported for this client, because it has no registered keys."
        )
    claims = _verified(params["request"], client, rules or (OF_FAPI if client.is_fapi else Rules()))
    if claims.get("client_id", client.client_id) != client.client_id:
        raise InvalidRequestObject("client_id of the request object must be the client_id of the request.")
    if "request" in claims or "request_uri" in claims:
        raise InvalidRequestObject("A request object must not contain request or request_uri (RFC 9101 §4).")
    try:
        return parameters.parse(urlencode(_pairs(claims)).encode())
    except (InvalidRequest, UnicodeEncodeError) as error:
        raise InvalidRequestObject("The request object has an invalid parameter.", detail=str(error)) from error


def _verified(token: str, client: Client, rules: Rules) -> dict[str, Any]:
    """Returns the claims. §6.1, §6.2, RFC 8725: the client must have signed the request object for this server, and it
    must not have expired.
    """
    if not is_canonical_jws(token):
        raise InvalidRequestObject("request must be a JWS in compact serialization.")
    try:
        header = unverified_header(token)
        algorithm, kid = str(header.get("alg")), header.get("kid")
        if not media_type.fits(header, *TYPES):
            raise InvalidRequestObject(f"typ of request must be {TYP}.")
        if "crit" in header or "b64" in header:
            raise InvalidRequestObject("The header of request must not contain crit or b64.")
        # ASVS 5.0 9.1.2: an allow-list of algorithms.
        allowed = client.request_object_algorithms
        if algorithm not in allowed:
            raise InvalidRequestObject(f"alg of request must be {' or '.join(allowed)}.")
        fitting = keys.fitting(client, kid=kid if isinstance(kid, str) else None, algorithm=algorithm)
        if not fitting:
            raise InvalidRequestObject(
                "request must be signed with a registered key of this client that matches kid and alg."
            )
        # RFC 9101 §4: without exp, a request could be replayed forever.
        claims: dict[str, Any] = decode_by_any(
            token,
            fitting,
            algorithms=[algorithm],
            audience=conf.ISSUER,
            leeway=conf.CLOCK_SKEW.total_seconds(),
            options={"require": ["aud", "exp", *rules.required]},
        )
    except jwt.MissingRequiredClaimError as error:
        raise InvalidRequestObject(f"request must have {error.claim}.") from error
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidRequestObject("The signature or a claim of request is invalid.", detail=str(error)) from error
    if claims.get("iss", client.client_id) != client.client_id:
        raise InvalidRequestObject("iss of request must be the client_id.")
    if "sub" in claims:
        # §10.8: a request object with the client as `sub` could be used as a client assertion, here or at another
        # server.
        raise InvalidRequestObject("A request object must not have sub (RFC 9101 §10.8).")
    jti = claims.get("jti", "x")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise InvalidRequestObject(f"jti of request must be a string of 1 to {LONGEST_JTI} characters.")
    # FAPI 2.0 Message Signing §5.3.1 and CIBA §7.1.1 allow an `aud` array that contains the issuer. Otherwise `aud`
    # must name the issuer alone.
    if rules.is_bounded:
        _check_lifetime(claims)
    elif claims["aud"] not in (conf.ISSUER, [conf.ISSUER]):
        raise InvalidRequestObject(f"aud of request must be {conf.ISSUER} alone.")
    return claims


def _check_lifetime(claims: dict[str, Any]) -> None:
    """FAPI 2.0 Message Signing §5.3.1: nbf must be at most 60 minutes ago, and exp at most 60 minutes after nbf."""
    longest, now = LONGEST_LIFETIME.total_seconds(), timezone.now().timestamp()
    if now - claims["nbf"] > longest or claims["exp"] - claims["nbf"] > longest:
        raise InvalidRequestObject(
            "exp of request must be at most 60 minutes after nbf, and nbf at most 60 minutes ago."
        )


def _pairs(claims: dict[str, Any]) -> list[tuple[str, str]]:
    """The claims as form parameters: objects as JSON, each resource as a parameter, other values as text."""
    pairs: list[tuple[str, str]] = []
    for name, value in claims.items():
        if name in _ABOUT_THE_JWT or value is None:
            continue
        if name in parameters.REPEATABLE and isinstance(value, list):
            pairs.extend((name, str(one)) for one in value)
        elif isinstance(value, (dict, list)):
            pairs.append((name, json.dumps(value)))
        else:
            pairs.append((name, str(value)))
    return pairs
