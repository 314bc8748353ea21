"""The argument and the result of every grant, and functions that issue tokens."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from oauth import authorization_details
from oauth.authorization_details import Detail
from oauth.errors import InvalidAuthorizationDetails, InvalidGrant, InvalidScope
from oauth.grants import consumption, entitlement
from oauth.grants.policy import TokenPolicy
from oauth.models import Authorization, Client, RefreshToken
from oauth.models.client import GrantType
from oauth.models.family_secret import FamilySecret
from oauth.models.secret import digest
from oauth.parameters import Parameters
from oauth.status import liveness
from oauth.status.liveness import Named
from oauth.tokens import id_token, status_list, subject, user_claims
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.signing import sign_access_token

# Scopes that only a user can allow.
_NEEDS_A_USER = frozenset({"openid", "profile", "email", "offline_access"})


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """`confirmation` is the `cnf` of the key that the client has proven, such as `{"jkt": ...}`, to which tokens are
    bound.
    """

    client: Client
    params: Parameters
    policy: TokenPolicy
    confirmation: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Issuance:
    """The tokens of a successful token response (RFC 6749 §5.1)."""

    access_token: str
    expires_in_seconds: int
    scopes: frozenset[str]
    refresh_token: str | None = None
    id_token: str | None = None
    confirmation: Mapping[str, str] = field(default_factory=dict)
    issued_token_type: str | None = None
    authorization_details: Sequence[Detail] = ()
    #: The unsaved row of `refresh_token`, stored together with the audit event.
    refresh_token_row: RefreshToken | None = field(default=None, repr=False)
    #: FAPI Grant Management §5.5: the ID with which the client can read, change or revoke the grant.
    grant_id: str | None = None

    @property
    def token_type(self) -> str:
        return token_type(self.confirmation)

    def to_response(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in_seconds,
            "scope": " ".join(sorted(self.scopes)),
        }
        optional = {
            "refresh_token": self.refresh_token,
            "id_token": self.id_token,
            "issued_token_type": self.issued_token_type,
            "grant_id": self.grant_id,
            "authorization_details": list(self.authorization_details),  # RFC 9396 §7
        }
        return body | {name: value for name, value in optional.items() if value}


def token_type(confirmation: Mapping[str, str]) -> str:
    """RFC 9449 §5, RFC 8705 §3: the scheme of the Authorization header, which is Bearer also for certificate-bound
    tokens.
    """
    return "DPoP" if "jkt" in confirmation else "Bearer"


def access_token(
    client: Client,
    policy: TokenPolicy,
    *,
    confirmation: Mapping[str, str],
    scopes: Iterable[str],
    resources: Iterable[str],
    authorization: Authorization | None = None,
    not_after: datetime | None = None,
    actor: Mapping[str, Any] | None = None,
    details: Sequence[Detail] | None = None,
) -> tuple[str, timedelta]:
    """Returns a signed access token and its lifetime. With an `authorization`, the token is for its user and does not
    expire after it.

    `details` default to all details of the authorization (RFC 9396 §9.1).
    """
    if details is None:
        details = authorization.authorization_details if authorization else []
    now = timezone.now()
    limits = [authorization.expires_at if authorization else None, not_after]
    longest = now + (client.access_token_lifetime or policy.access_token_lifetime)
    expires_at = min([longest, *(limit for limit in limits if limit)])
    claims = AccessTokenClaims(
        issuer=policy.issuer,
        subject=str(authorization.user_id) if authorization else client.client_id,
        audience=tuple(resources),
        client_id=client.client_id,
        scopes=frozenset(scopes),
        issued_at=now,
        expires_at=expires_at,
        jti=secrets.token_urlsafe(16),
        auth_time=authorization.auth_time if authorization else None,
        acr=authorization.acr if authorization else None,
        amr=tuple(authorization.amr) if authorization else (),
        sid=str(authorization.session_id) if authorization and authorization.session_id else None,
        authorization_id=str(authorization.id) if authorization else None,
        status=status_list.reference(
            authorization.status_index if authorization else client.status_index, issuer=policy.issuer
        ),
        actor=actor or {},
        authorization_details=tuple(details),
        confirmation=confirmation,
    )
    return sign_access_token(claims, algorithm=policy.algorithm), expires_at - now


def issue_to_client(request: GrantRequest) -> Issuance:
    """Issues an access token with which the client acts on its own behalf. Writes no row.

    Raises InvalidScope, InvalidTarget, or InvalidAuthorizationDetails.
    """
    client, params = request.client, request.params
    if "authorization_details" in params:
        # RFC 9396 §5: only a user can allow authorization_details, and they must be refused, not ignored.
        raise InvalidAuthorizationDetails("Only a user can allow authorization_details.")
    # ASVS 5.0 10.4.11: only scopes that the client is allowed.
    allowed = frozenset(client.allowed_scopes) - _NEEDS_A_USER
    if not allowed:
        raise InvalidScope("This client has no scopes allowed for client_credentials.")
    scopes = entitlement.scopes(params.get("scope"), allowed, client)
    resources = entitlement.resources(params.all("resource"), client.usable_resources, client)
    token, lifetime = access_token(
        client, request.policy, scopes=scopes, resources=resources, confirmation=request.confirmation
    )
    return Issuance(
        access_token=token,
        expires_in_seconds=int(lifetime.total_seconds()),
        scopes=scopes,
        confirmation=request.confirmation,
    )


def issue_to_user(request: GrantRequest, authorization: Authorization) -> Issuance:
    """Issues tokens of an authorization, narrowed to `scope` and `resource` of the request, and records them.

    For grant types of other Django apps. Lock the authorization first if the grant consumes something. Raises
    InvalidGrant if the authorization has ended or is that of another client, and InvalidScope, InvalidTarget or
    InvalidAuthorizationDetails.
    """
    client, params = request.client, request.params
    authority = liveness.authority(Named(client.client_id, authorization.pk), read=authorization)
    if authority is None or not authority.is_of_the_allowed_client:
        raise InvalidGrant("The authorization has ended, or it belongs to another client.")
    issued = tokens_of_a_user(
        request,
        authorization,
        scopes=entitlement.scopes(params.get("scope"), authorization.scopes, client),
        resources=entitlement.resources(params.all("resource"), authorization.resources, client),
        all_resources=authorization.resources,
    )
    record(client, authorization, params["grant_type"], issued)
    return issued


def tokens_of_a_user(
    request: GrantRequest,
    authorization: Authorization,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    all_resources: Iterable[str],
    nonce: str = "",
) -> Issuance:
    """Issues the first tokens of an authorization. The refresh token is for `all_resources`; the caller must store its
    row.
    """
    client, confirmation = request.client, request.confirmation
    scopes = entitlement.scopes(None, scopes, client)
    resources = entitlement.resources((), resources, client)
    refresh_token, refresh_token_row = None, None
    if client.allows_grant_type(GrantType.REFRESH_TOKEN):
        refresh_token, refresh_token_row = new_refresh_token(
            authorization,
            request.policy,
            scopes=scopes,
            resources=all_resources,
            # RFC 9449 §5: a confidential client may change its key, because its refresh token is bound to its
            # credentials.
            confirmation=confirmation if client.is_public else {},
        )
    details = narrowed_details(request, authorization)
    token, lifetime = access_token(
        client,
        request.policy,
        scopes=scopes,
        resources=resources,
        authorization=authorization,
        confirmation=confirmation,
        details=details,
    )
    return Issuance(
        access_token=token,
        expires_in_seconds=int(lifetime.total_seconds()),
        scopes=scopes,
        refresh_token=refresh_token,
        refresh_token_row=refresh_token_row,
        id_token=new_id_token(request, authorization, scopes, access_token=token, nonce=nonce)
        if "openid" in scopes
        else None,
        confirmation=confirmation,
        authorization_details=details,
        grant_id=str(authorization.pk),
    )


def new_id_token(
    request: GrantRequest, authorization: Authorization, scopes: frozenset[str], *, access_token: str, nonce: str = ""
) -> str:
    """An ID token with the individually requested claims (OpenID Connect Core §5.5).

    Claims of the `scopes` come from UserInfo (§5.4), unless an admin has enabled them in the client's ID token.
    """
    client, policy = request.client, request.policy
    names = entitlement.claim_names(authorization.claims.get("id_token", []), client)
    of_scopes = scopes if client.user_claims_in_id_token else frozenset()
    user = authorization.user
    claims = user_claims.released(user, of_scopes, names, source=policy.user_claims) if names or of_scopes else {}
    return id_token.sign(
        client,
        authorization,
        issuer=policy.issuer,
        subject=subject.identifier(client, authorization.user_id, pairwise_key=policy.pairwise_key),
        issued_at=timezone.now(),
        lifetime=policy.id_token_lifetime,
        nonce=nonce,
        access_token=access_token,
        claims=claims,
    )


def new_refresh_token(
    authorization: Authorization,
    policy: TokenPolicy,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    confirmation: Mapping[str, str],
    replaces: RefreshToken | None = None,
    presented: str = "",
    fork: int | None = None,
) -> tuple[str, RefreshToken]:
    """Returns a new refresh token and its unsaved row, which contains only digests.

    The token belongs to the family of the `presented` token, if that has one.
    """
    family = (FamilySecret.read(presented) if replaces else None) or FamilySecret.new(authorization.pk)
    token = family.new_token()
    now = timezone.now()
    row = RefreshToken(
        token_digest=digest(token),
        family_digest=family.digest,
        authorization_id=authorization.pk,
        scopes=sorted(scopes),
        resources=list(resources),
        confirmation=dict(confirmation),
        generation=replaces.generation + 1 if replaces else 0,
        replaces_id=replaces.pk if replaces else None,
        fork=fork,
        created_at=now,
        expires_at=policy.refresh_token_expires_at(authorization),
    )
    return token, row


def record(client: Client, authorization: Authorization, grant_type: str, issued: Issuance) -> None:
    """Stores the time of use, the new refresh token and the audit event in one statement."""
    consumption.write(client, authorization, grant_type, issued.scopes, issued.refresh_token_row)


def narrowed_details(request: GrantRequest, authorization: Authorization) -> list[dict[str, Any]]:
    """The details for new tokens. Raises InvalidAuthorizationDetails if they exceed what the user allowed (RFC 9396 §6)
    or what the client is still allowed.
    """
    asked = request.params.get("authorization_details")
    narrowed = authorization_details.narrowed(asked, authorization.authorization_details)
    return entitlement.details(narrowed, request.client)
