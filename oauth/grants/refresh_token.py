"""The refresh token grant (RFC 6749 §6, RFC 9700 §4.14, OAuth 2.1 §4.3).

A confidential client proves itself, so its refresh token stays the same. A public client's is rotated: the
superseded one works again for REFRESH_TOKEN_RETRY_WINDOW, until its successor is first used, so that a lost
answer logs nobody out; each retry kills the unused successor. Any other second use ends the Authorization.
"""

from django.utils import timezone

from oauth.conf import conf
from oauth.errors import InvalidGrant, OAuthError
from oauth.grants import consumption, entitlement, issuance, snapshot
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.models import Authorization, RefreshToken
from oauth.models.secret import digest
from oauth.status import liveness
from oauth.status.liveness import Named

_NAME = "refresh_token"
_NOT_VALID = "The refresh token is not valid: unknown, expired, revoked, or of another client."


def at_once(request: GrantRequest) -> Issuance | None:
    """The usual case in two statements: read, and use it. None for any other, and for the slower of two: what is to
    be said or ended then is decided under the lock."""
    token = snapshot.refresh_token(digest(request.params.require("refresh_token")), request.client)
    if token is None:
        return None
    if token.superseded_at is not None or token.revoked_at is not None:
        return None
    try:
        issued = _issue(token, request)
    except OAuthError:
        return None
    if issued.refresh_token:
        what = consumption.of_superseded(token)
    else:
        what = consumption.of_first_use(token) if _is_first_use(token) else consumption.of_nothing(token)
    is_first = issuance.consume(what, request.client, token.authorization, _NAME, issued)
    return issued if is_first else None


def refresh_token(request: GrantRequest) -> Issuance:
    """Two statements without rotation: lock and read, record the use. Three with it, four for a retry."""
    token_digest = digest(request.params.require("refresh_token"))

    # Lock the family first: parallel refreshes queue here, and a revocation that has committed is seen below.
    token = (
        RefreshToken.objects.select_for_update(of=("authorization", "self"))
        .select_related("authorization__user", "authorization__client")
        .filter(token_digest=token_digest)
        .first()
    )
    if token is None:
        raise InvalidGrant(_NOT_VALID, detail="no such refresh token")
    authorization = token.authorization

    # RFC 6749 §6: issued to this client. Checked before reuse, or a stranger could end the family.
    if authorization.client_id != request.client.pk:
        raise InvalidGrant(_NOT_VALID, detail="refresh token of another client")
    issued = _issue(token, request)
    if issued.refresh_token:
        _supersede(token)
    elif _is_first_use(token):
        RefreshToken.objects.filter(pk=token.pk).update(first_used_at=timezone.now())
    issuance.record(request.client, authorization, _NAME, issued)
    return issued


def _issue(token: RefreshToken, request: GrantRequest) -> Issuance:
    """Of a refresh token of this client. Raises InvalidGrant and what the parameters deserve."""
    client, params, authorization = request.client, request.params, token.authorization
    if liveness.authority(Named(client.client_id, authorization.pk), read=authorization) is None:
        # Also where the user has logged out, and the app was not allowed to go on without them (`offline_access`).
        raise InvalidGrant("The authorization has ended.", detail="revoked, expired or deactivated")
    scopes = entitlement.scopes(params.get("scope"), token.scopes, client)
    resources = entitlement.resources(params.all("resource"), token.resources, client)
    details = issuance.narrowed_details(request, authorization)

    if token.confirmation and token.confirmation != request.confirmation:
        raise InvalidGrant("The refresh token is bound to another key (RFC 9449 §5).")
    _refuse_reuse(token, request)
    if token.revoked_at is not None or token.expires_at <= timezone.now():
        raise InvalidGrant(_NOT_VALID, detail="expired, or revoked by a retry")
    # A token that is bound, to a secret or to a key, is worth nothing to a thief.
    new_token, row = _successor(token, request) if client.is_public and not token.confirmation else (None, None)
    access_token, lifetime = issuance.access_token(
        client,
        scopes=scopes,
        resources=resources,
        authorization=authorization,
        confirmation=request.confirmation,
        details=details,
    )
    return Issuance(
        access_token=access_token,
        expires_in_seconds=int(lifetime.total_seconds()),
        scopes=scopes,
        refresh_token=new_token,
        refresh_token_row=row,
        confirmation=request.confirmation,
        authorization_details=details,
        grant_id=str(authorization.pk),
    )


def _is_first_use(token: RefreshToken) -> bool:
    """Of a token that stays the same although it replaced another: its use closes the retry window of that one."""
    return token.replaces_id is not None and token.first_used_at is None


def _refuse_reuse(token: RefreshToken, request: GrantRequest) -> None:
    """RFC 9700 §4.14.2, ASVS 5.0 10.4.5: a token that its successor has replaced for good is a stolen one.

    So is one that a retry killed: its holder and the retrier cannot both be the client.
    """
    if token.superseded_at is None and token.revoked_at is None:
        return
    in_window = (
        token.revoked_at is None
        and token.superseded_at is not None
        and token.superseded_at + conf.REFRESH_TOKEN_RETRY_WINDOW > timezone.now()
    )
    if in_window and not token.successors.filter(first_used_at__isnull=False).exists():
        # RFC 9449 §5: a client that has begun to prove a key retries with that key; a thief of the token has none.
        bound = token.successors.exclude(confirmation={})
        if bound.exclude(confirmation=dict(request.confirmation)).exists():
            raise InvalidGrant("The client has moved to a key: retry with a proof of the same key (RFC 9449 §5).")
        return
    token.authorization.revoke(Authorization.RevocationReason.REFRESH_REPLAY)
    raise InvalidGrant(_NOT_VALID, detail="refresh token reused: the authorization is revoked", commits=True)


def _supersede(token: RefreshToken) -> None:
    """A retry also revokes the successor that nobody used."""
    now = timezone.now()
    if token.superseded_at is not None:
        token.successors.filter(revoked_at=None).update(revoked_at=now)
    else:
        RefreshToken.objects.filter(pk=token.pk).update(superseded_at=now, first_used_at=now)


def _successor(token: RefreshToken, request: GrantRequest) -> tuple[str, RefreshToken]:
    """The narrowing of one request is not inherited: the successor may do what its predecessor could (RFC 6749 §6).
    A client that has begun to prove a key is held to it from now on."""
    return issuance.new_refresh_token(
        token.authorization,
        scopes=token.scopes,
        resources=token.resources,
        confirmation=request.confirmation,
        replaces=token,
    )
