"""The token exchange grant (RFC 8693): a service that received a token gets one to call another service for the same
user.

Scopes and lifetime of the new token are within those of the exchanged token and of the client. So is its audience,
unless the client exchanges a token of another client and an API that it calls is listed in its `allowed_resources`. An
admin decides which clients' tokens a client may exchange, and whether the new token names the client as the actor.
"""

from collections.abc import Mapping
from typing import Any

from oauth import authorization_details
from oauth.errors import InvalidRequest, OAuthError
from oauth.grants import entitlement, issuance
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.models import Client
from oauth.models.client import ExchangePolicy
from oauth.resource_server.authentication import verify_access_token
from oauth.status import liveness
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.verification import InvalidJWT

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
# The longest chain of actors. A longer one is probably a loop of services.
LONGEST_CHAIN = 5


def token_exchange(request: GrantRequest) -> Issuance:
    client, params = request.client, request.params
    if client.is_public:
        raise InvalidRequest("A client must authenticate to exchange tokens.")
    if params.get("requested_token_type", ACCESS_TOKEN) not in (ACCESS_TOKEN, JWT):
        raise InvalidRequest(f"requested_token_type must be {ACCESS_TOKEN}.")
    claims = _token(request, "subject_token")
    subject_client = Client.objects.filter(client_id=claims.client_id, is_active=True).first()
    if subject_client is None or not _may_exchange(client, subject_client):
        raise _unacceptable("subject_token", "This client is not allowed to exchange tokens of that client.")
    authority = liveness.authority(claims)
    if authority is None or authority.authorization is None:
        # RFC 9700 §4.15: a client_credentials token must not be exchanged, so that a client_id never takes the place of
        # a user.
        raise _unacceptable(
            "subject_token", "The token must be a user's, and its authorization must be live and unchanged."
        )
    authorization = authority.authorization
    if claims.confirmation:
        raise _unacceptable("subject_token", "The token is bound to a key of another client.")
    actor = _actor(client, claims, _actor_token(request))
    # ASVS 5.0 10.4.11: only what all these clients are still allowed and the user still allows.
    clients = (client, subject_client, authorization.client)
    allowed = claims.scopes.intersection(authorization.scopes, *(one.allowed_scopes for one in clients))
    scopes = entitlement.scopes(params.get("scope"), _or_fail(allowed, params.get("scope")))
    resources = _resources(request, claims)
    token, lifetime = issuance.access_token(
        client,
        request.policy,
        scopes=scopes,
        resources=resources,
        authorization=authorization,
        not_after=claims.expires_at,
        actor=actor,
        confirmation=request.confirmation,
        # The details of the exchanged token, or fewer.
        details=entitlement.details(
            authorization_details.narrowed(params.get("authorization_details"), claims.authorization_details), *clients
        ),
    )
    issued = Issuance(
        access_token=token,
        expires_in_seconds=int(lifetime.total_seconds()),
        scopes=scopes,
        issued_token_type=ACCESS_TOKEN,
        confirmation=request.confirmation,
    )
    issuance.record(client, authorization, f"token_exchange of {claims.client_id}", issued)
    return issued


def _token(request: GrantRequest, name: str) -> AccessTokenClaims:
    """RFC 8693 §2.1, §3: verifies the access token in the parameter `name`. Raises InvalidRequest (§2.2.2)."""
    raw = request.params.require(name)
    if request.params.require(f"{name}_type") not in (ACCESS_TOKEN, JWT):
        raise InvalidRequest(f"{name}_type must be {ACCESS_TOKEN}.")
    try:
        return verify_access_token(raw, audiences=request.policy.audiences).claims
    except InvalidJWT as error:
        raise _unacceptable(name, "The token must be a valid access token of this server.") from error


def _unacceptable(name: str, why: str) -> OAuthError:
    return InvalidRequest(f"{name} cannot be exchanged. {why}")


def _may_exchange(client: Client, subject_client: Client) -> bool:
    # An app that is not live may act only for its developer's sandbox users. So it may exchange its own tokens, but not
    # those of another client.
    if client.pk == subject_client.pk:
        return True
    return client.is_live and client.exchange_from.filter(pk=subject_client.pk).exists()


def _actor_token(request: GrantRequest) -> AccessTokenClaims | None:
    params = request.params
    if "actor_token" not in params:
        if "actor_token_type" in params:
            raise InvalidRequest("actor_token_type must not be sent without an actor_token (RFC 8693 §2.1).")
        return None
    claims = _token(request, "actor_token")
    if claims.client_id != request.client.client_id or claims.confirmation:
        raise _unacceptable("actor_token", "The token must be this client's own and must not be bound to a key.")
    if liveness.authority(claims) is None:
        raise _unacceptable("actor_token", "The authorization of the token has ended or changed.")
    return claims


def _actor(client: Client, claims: AccessTokenClaims, actor: AccessTokenClaims | None) -> Mapping[str, Any]:
    """RFC 8693 §4.1: the current actor, with all previous actors nested inside."""
    before = claims.actor
    if client.exchange_policy == ExchangePolicy.IMPERSONATION and actor is None:
        return before
    depth, link = 1, before
    while link:
        depth, link = depth + 1, link.get("act", {})
    if depth > LONGEST_CHAIN:
        raise _unacceptable("subject_token", f"The token was already exchanged {LONGEST_CHAIN} times.")
    now = {"sub": actor.subject if actor else client.client_id, "client_id": client.client_id}
    return now | ({"act": dict(before)} if before else {})


def _or_fail(allowed: frozenset[str], asked: str | None) -> frozenset[str]:
    if not allowed and asked is None:
        raise InvalidRequest("The subject_token and this client have no scope in common.")
    return allowed


def _resources(request: GrantRequest, claims: AccessTokenClaims) -> tuple[str, ...]:
    """The APIs named by `resource` and `audience` (§2.1): those of the exchanged token that the client may use, and the
    listed APIs that a service calls to answer another client.
    """
    params, client = request.params, request.client
    asked = tuple(dict.fromkeys((*params.all("resource"), *params.all("audience"))))
    # RFC 8707 §2: with its own token, a client must not reach an API that its authorization request did not name.
    called = client.allowed_resources if asked and claims.client_id != client.client_id else ()
    return entitlement.resources(asked, (*claims.audience, *called), client)
