"""The token exchange grant (RFC 8693): a service that received a token calls another service for the same user.

The new token never gives more: scopes, audience and lifetime are within those of the exchanged token and of the client.
An admin decides which clients' tokens a client may exchange, and whether the new token must name it as the actor.
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
# A longer chain is probably a loop of services that call each other.
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
        # RFC 9700 §4.15: a client's own token is not exchanged, so that its client_id never appears in place of a user.
        raise _unacceptable(
            "subject_token", "It must be a user's token, and its authorization must be live and unchanged."
        )
    authorization = authority.authorization
    if claims.confirmation:
        raise _unacceptable("subject_token", "It is bound to a key of another client.")
    actor = _actor(client, claims, _actor_token(request))
    # ASVS 5.0 10.4.11: at most what both clients may have now and what the user allows now.
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
        # The new token keeps the details of the exchanged token, so it never allows more.
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
    """RFC 8693 §2.1, §3: the parameter `name` holds an access token of ours. Raises InvalidRequest (§2.2.2)."""
    raw = request.params.require(name)
    if request.params.require(f"{name}_type") not in (ACCESS_TOKEN, JWT):
        raise InvalidRequest(f"{name}_type must be {ACCESS_TOKEN}.")
    try:
        return verify_access_token(raw, audiences=request.policy.audiences).claims
    except InvalidJWT as error:
        raise _unacceptable(name, "It must be a valid access token of this server.") from error


def _unacceptable(name: str, why: str) -> OAuthError:
    return InvalidRequest(f"{name} cannot be exchanged. {why}")


def _may_exchange(client: Client, subject_client: Client) -> bool:
    # An app that is not live may act only for its developer's sandbox users. Those allow it themselves, so it needs no
    # token of another client.
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
        raise _unacceptable("actor_token", "It must be a token of this client that is not bound to a key.")
    if liveness.authority(claims) is None:
        raise _unacceptable("actor_token", "Its authorization has ended or changed.")
    return claims


def _actor(client: Client, claims: AccessTokenClaims, actor: AccessTokenClaims | None) -> Mapping[str, Any]:
    """RFC 8693 §4.1: the current actor, with the previous ones inside. Previous actors are never left out."""
    before = claims.actor
    if client.exchange_policy == ExchangePolicy.IMPERSONATION and actor is None:
        return before
    depth, link = 1, before
    while link:
        depth, link = depth + 1, link.get("act", {})
    if depth > LONGEST_CHAIN:
        raise _unacceptable("subject_token", f"It was already exchanged {LONGEST_CHAIN} times.")
    now = {"sub": actor.subject if actor else client.client_id, "client_id": client.client_id}
    return now | ({"act": dict(before)} if before else {})


def _or_fail(allowed: frozenset[str], asked: str | None) -> frozenset[str]:
    if not allowed and asked is None:
        raise InvalidRequest("The subject_token and this client have no scope in common.")
    return allowed


def _resources(request: GrantRequest, claims: AccessTokenClaims) -> tuple[str, ...]:
    """`resource` and `audience` (§2.1) name APIs, within the token's own audience and the client's resources."""
    params, client = request.params, request.client
    asked = tuple(dict.fromkeys((*params.all("resource"), *params.all("audience"))))
    allowed = (*claims.audience, *client.allowed_resources) if asked else claims.audience
    return entitlement.resources(asked, allowed, client)
