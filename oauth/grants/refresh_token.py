"""The refresh token grant (RFC 6749 §6, RFC 9700 §4.14, OAuth 2.1 §4.3).

Only the refresh tokens of public clients that are not bound to a key are rotated. A superseded token still works within
the retry window, so that a lost response or a second tab does not log the user out. Any other reuse ends the
authorization. `family` explains the branches that such retries create.
"""

from django.utils import timezone

from oauth.errors import InvalidGrant
from oauth.grants import consumption, entitlement, issuance
from oauth.grants.consumption import Consumption
from oauth.grants.family import NO_FORK, Family, Fork
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.grants.redemption import Decision, Redemption, Replayed
from oauth.infrastructure import clock
from oauth.models import Authorization, RefreshToken
from oauth.models.secret import digest
from oauth.status import liveness
from oauth.status.liveness import Named


class RefreshTokenGrant(Redemption[RefreshToken]):
    name = "refresh_token"
    not_valid = "The refresh token is not valid: unknown, expired, revoked, or of another client."
    model = RefreshToken
    digest_field = "token_digest"
    unused = "held.superseded_at IS NULL AND held.revoked_at IS NULL AND held.fork IS NULL"

    def digest(self, request: GrantRequest) -> bytes:
        return digest(request.params.require("refresh_token"))

    def decide(self, token: RefreshToken, request: GrantRequest) -> Decision:
        client, params, authorization = request.client, request.params, token.authorization
        if liveness.authority(Named(client.client_id, authorization.pk), read=authorization) is None:
            # An authorization without `offline_access` also ends when the user logs out.
            raise InvalidGrant("The authorization has ended.", detail="revoked, expired or deactivated")
        if token.confirmation and token.confirmation != request.confirmation:
            raise InvalidGrant("The refresh token is bound to another key (RFC 9449 §5).")
        fork = self._fork(token, request)
        if token.expires_at <= timezone.now():
            raise InvalidGrant(self.not_valid, detail="expired")
        scopes = entitlement.scopes(params.get("scope"), token.scopes, client)
        resources = entitlement.resources(params.all("resource"), token.resources, client)
        details = issuance.narrowed_details(request, authorization)
        # A stolen token that is bound to credentials or to a key is useless, so only others are rotated.
        is_rotated = client.is_public and not token.confirmation
        new_token, row = _successor(token, request, fork) if is_rotated else (None, None)
        access_token, lifetime = issuance.access_token(
            client,
            request.policy,
            scopes=scopes,
            resources=resources,
            authorization=authorization,
            confirmation=request.confirmation,
            details=details,
        )
        # OpenID Connect Core §12.2 allows an ID token in this response, and some clients need it.
        names_user = client.id_token_at_refresh and "openid" in scopes
        issued = Issuance(
            access_token=access_token,
            id_token=issuance.new_id_token(request, authorization, scopes, access_token=access_token)
            if names_user
            else None,
            expires_in_seconds=int(lifetime.total_seconds()),
            scopes=scopes,
            # RFC 6749 §6: without a new refresh token, the client keeps the old one, but several libraries lose it
            # unless the response repeats it.
            refresh_token=new_token or params["refresh_token"],
            refresh_token_row=row,
            confirmation=request.confirmation,
            authorization_details=details,
            grant_id=str(authorization.pk),
        )
        return Decision(issued, _consumption(token, fork, request, is_rotated=is_rotated))

    def not_found(self, request: GrantRequest) -> InvalidGrant:
        """RFC 9700 §4.14.2: a token of a known family without a row was superseded before the retry window, so this is
        reuse.
        """
        known = RefreshToken.of_family(request.params["refresh_token"])
        if known is None or known.authorization.client_id != request.client.pk:
            return super().not_found(request)
        replayed = self._replayed()
        known.authorization.revoke(replayed.reason)
        return replayed

    def _fork(self, token: RefreshToken, request: GrantRequest) -> Fork:
        """The effects of this use on other branches of the family.

        RFC 9700 §4.14.2, ASVS 5.0 10.4.5: a superseded token that is used after the retry window counts as stolen. So
        does an abandoned token, because its holder and the party that continued cannot both be the client.
        """
        superseded_at, window = token.superseded_at, request.policy.refresh_token_retry_window
        if superseded_at is None and token.revoked_at is None and token.fork is None:
            return NO_FORK
        if token.revoked_at is not None or (superseded_at is not None and superseded_at + window <= clock.now()):
            raise self._replayed()
        family = Family(token, window=window)
        if superseded_at is not None:
            self._refuse_other_key(family, request)
        return family.fork(proves_key=bool(request.confirmation))

    def _refuse_other_key(self, family: Family, request: GrantRequest) -> None:
        """RFC 9449 §5: a client that already has a token bound to a key must retry with that key, which an attacker
        does not have.
        """
        bound = family.bound_descendants()
        if any(one.first_used_at for one in bound):
            raise self._replayed()
        if any(one.confirmation != request.confirmation for one in bound):
            raise InvalidGrant(
                "Other refresh tokens of this client are bound to a DPoP key. Retry with a proof of that key (RFC 9449 "
                "§5)."
            )

    def _replayed(self) -> Replayed:
        return Replayed(
            self.not_valid,
            reason=Authorization.RevocationReason.REFRESH_REPLAY,
            detail="refresh token reused: the authorization is revoked",
        )


def _consumption(token: RefreshToken, fork: Fork, request: GrantRequest, *, is_rotated: bool) -> Consumption:
    if token.superseded_at is not None:
        return consumption.of_retry(fork) if is_rotated else consumption.NOTHING
    if is_rotated:
        return consumption.of_superseded(token, fork, window=request.policy.refresh_token_retry_window)
    # The token is not rotated. If it replaced another one, its first use ends the retry window of the replaced token.
    is_first_use = token.replaces_id is not None and token.first_used_at is None
    expires_at = request.policy.refresh_token_expires_at(token.authorization)
    if is_first_use or token.fork or expires_at - token.expires_at >= request.policy.refresh_token_extension:
        return consumption.of_written(token, fork, expires_at)
    return consumption.of_reusable(token)


def _successor(token: RefreshToken, request: GrantRequest, fork: Fork) -> tuple[str, RefreshToken]:
    """The successor has the scopes of its predecessor, even if this request narrows them (RFC 6749 §6). It is bound to
    the key that the client proves, if any.
    """
    return issuance.new_refresh_token(
        token.authorization,
        request.policy,
        scopes=token.scopes,
        resources=token.resources,
        confirmation=request.confirmation,
        replaces=token,
        presented=request.params["refresh_token"],
        fork=fork.number,
    )


grant = RefreshTokenGrant()
