"""private_key_jwt: a client authenticates with a JWT that it signs (RFC 7523 §2.2, §3; OpenID Connect Core §9)."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.utils import timezone

from oauth import addresses
from oauth.clients.authentication import keys
from oauth.conf import conf
from oauth.errors import InvalidClient
from oauth.models import Client, UsedAssertion
from oauth.models.client import SecurityProfile
from oauth.tokens import media_type
from oauth.tokens.verification import decode_by_any, is_canonical_jws, unverified_claims, unverified_header

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# RFC 7523 §3 item 4 leaves the limit to the server. This one accepts the defaults of client libraries.
LONGEST_LIFETIME = timedelta(hours=1)
# ASVS 5.0 10.4.16: the limit for FAPI clients.
LONGEST_FAPI_LIFETIME = timedelta(minutes=5)
LONGEST_JTI = 255
TYP = "client-authentication+jwt"
# Parameters of an authorization request (RFC 6749 §4.1.1, CIBA §7.1), which must not be in a client assertion.
_OF_A_REQUEST = frozenset(
    {"response_type", "redirect_uri", "scope", "code_challenge", "login_hint", "login_hint_token"}
)


class UsedBefore(InvalidClient):
    """The credentials are the client's, but they were already used."""


def client_id_of(assertion: str) -> str:
    """Returns the client_id of the unverified assertion. Raises InvalidClient if the assertion is malformed."""
    if not is_canonical_jws(assertion):
        raise InvalidClient("client_assertion must be a JWS in compact form.")
    try:
        claims = unverified_claims(assertion)
    except ValueError:
        raise InvalidClient("client_assertion is malformed.") from None
    client_id = claims.get("sub")
    # RFC 7523 §3 items 1, 2: the client must be both issuer and subject.
    if not isinstance(client_id, str) or claims.get("iss") != client_id or not client_id.isprintable():
        raise InvalidClient("client_assertion must name the client in both iss and sub.")
    return client_id


def verify(assertion: str, client: Client) -> None:
    """Raises InvalidClient unless this client signed the assertion for this server, and it has neither expired nor been
    used.
    """
    try:
        header = unverified_header(assertion)
    except ValueError:
        raise InvalidClient("The header of client_assertion is malformed.") from None
    # RFC 8725 §3.11, draft-ietf-oauth-rfc7523bis: `typ` must not be that of a request object, an access token or a DPoP
    # proof. Most libraries send `JWT` or no typ.
    if not media_type.fits(header, TYP, "JWT", None):
        raise InvalidClient(f"typ of client_assertion must be {TYP}.")
    algorithm, kid = header.get("alg"), header.get("kid")
    if "crit" in header or "b64" in header:
        raise InvalidClient("The header of client_assertion must not contain crit or b64.")
    # OpenID Connect Registration §2: if the client has registered an algorithm, only that one is accepted.
    if algorithm not in client.assertion_algorithms:
        raise InvalidClient(f"alg of client_assertion must be one of {', '.join(client.assertion_algorithms)}.")
    try:
        fitting = keys.fitting(client, kid=kid if isinstance(kid, str) else None, algorithm=algorithm)
    except ValueError:
        fitting = []
    if not fitting:
        raise InvalidClient(
            "No registered key of this client matches the kid and alg of client_assertion.", detail=f"kid {kid!r}"
        )
    try:
        claims = decode_by_any(
            assertion,
            fitting,
            algorithms=[algorithm],
            leeway=conf.CLOCK_SKEW.total_seconds(),
            options={"require": ["iss", "sub", "aud", "exp", "jti"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise InvalidClient("client_assertion has expired.") from None
    except jwt.MissingRequiredClaimError as error:
        raise InvalidClient(f"client_assertion must contain {error.claim}.") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
        raise InvalidClient("The signature or a claim of client_assertion is not valid.", detail=str(error)) from None
    if _OF_A_REQUEST & claims.keys():
        # RFC 9101 §10.8: this is a request object without typ, as older libraries send it.
        raise InvalidClient("client_assertion must not contain parameters of an authorization request.")
    _check_audience(claims["aud"], client)
    expires_at = _expiry(claims, LONGEST_FAPI_LIFETIME if client.is_fapi else LONGEST_LIFETIME)
    jti = claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
        raise InvalidClient(f"jti of client_assertion must be a string of 1 to {LONGEST_JTI} characters.")
    # RFC 7523 §3 item 7: of parallel requests with the same jti, only one succeeds. The jti is stored a little longer
    # than the assertion is accepted.
    if not UsedAssertion.use(client.pk, jti, expires_at=expires_at + 2 * conf.CLOCK_SKEW):
        raise UsedBefore("This client_assertion was already used. Send a new one with a new jti.")


def _check_audience(audience: Any, client: Client) -> None:
    """draft-ietf-oauth-rfc7523bis, FAPI 2.0 §5.3.2.1: `aud` must be the issuer, as a string. Another server could claim
    an endpoint URL or be one of several audiences, and replay the assertion here.

    For a library that cannot do this, an admin may allow a client the looser rule of RFC 7523 §3 item 3. CIBA also
    allows other values.
    """
    if audience == conf.ISSUER:
        return
    accepted = {conf.ISSUER, *_accepted_endpoints(client)}
    audiences = audience if isinstance(audience, list) else [audience]
    if len(accepted) == 1:
        raise InvalidClient(f"aud of client_assertion must be the string {conf.ISSUER}.")
    if not audiences or not all(isinstance(one, str) and one in accepted for one in audiences):
        raise InvalidClient(f"aud of client_assertion must be {conf.ISSUER}.")


def _accepted_endpoints(client: Client) -> Collection[str]:
    if client.security_profile == SecurityProfile.FAPI_CIBA:
        # CIBA §7.1: `aud` may be the issuer, the token endpoint or the backchannel authentication endpoint.
        named = ("token_endpoint", "backchannel_authentication_endpoint")
        return [url for name in named for url in addresses.of_endpoint(name)]
    if client.is_fapi or not client.accepts_endpoint_audience:
        return ()
    # The URL of any endpoint where clients authenticate (RFC 7523 §3 item 3, RFC 9126 §2).
    return addresses.of_client_authentication()


def _expiry(claims: dict[str, Any], longest: timedelta) -> datetime:
    """RFC 7523 §3 item 4: `exp`, which must be within `longest`."""
    expiry = claims["exp"]
    if isinstance(expiry, bool) or not isinstance(expiry, int | float):
        raise InvalidClient("exp of client_assertion must be a number of seconds.")
    latest = timezone.now() + longest + conf.CLOCK_SKEW
    if expiry > latest.timestamp():
        raise InvalidClient(f"exp of client_assertion must be at most {longest} from now.")
    return datetime.fromtimestamp(expiry, UTC)
