"""The refresh token grant (RFC 6749 §6, RFC 9700 §4.14, OAuth 2.1 §4.3).

The refresh token of a client that authenticates stays the same, and so does one that is bound to a key. All others are
rotated. The superseded token works again within the policy's retry window, so that neither a lost answer nor a second
tab logs a user out. Any other second use ends the authorization. `family` says how the branches of such retries end.
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
            # This includes a user who has logged out and had not allowed the client to continue without them
            # (`offline_access`).
            raise InvalidGrant("The authorization has ended.", detail="revoked, expired or deactivated")
        if token.confirmation and token.confirmation != request.confirmation:
            raise InvalidGrant("The refresh token is bound to another key (RFC 9449 §5).")
        fork = self._fork(token, request)
        if token.expires_at <= timezone.now():
            raise InvalidGrant(self.not_valid, detail="expired")
        scopes = entitlement.scopes(params.get("scope"), token.scopes, client)
        resources = entitlement.resources(params.all("resource"), token.resources, client)
        details = issuance.narrowed_details(request, authorization)
        # A token that is bound to a secret or to a key is worthless to a thief, so only the others are rotated.
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
        # OpenID Connect Core §12.2: it may be issued, and some clients read the user only from there.
        names_user = client.id_token_at_refresh and "openid" in scopes
        issued = Issuance(
            access_token=access_token,
            id_token=issuance.new_id_token(request, authorization, scopes, access_token=access_token)
            if names_user
            else None,
            expires_in_seconds=int(lifetime.total_seconds()),
            scopes=scopes,
            # RFC 6749 §6: without a new one the client keeps its own. Several libraries lose it unless the response
            # repeats it.
            refresh_token=new_token or params["refresh_token"],
            refresh_token_row=row,
            confirmation=request.confirmation,
            authorization_details=details,
            grant_id=str(authorization.pk),
        )
        return Decision(issued, _consumption(token, fork, request, is_rotated=is_rotated))

    def not_found(self, request: GrantRequest) -> InvalidGrant:
        """RFC 9700 §4.14.2: a token whose row is gone was superseded longer ago than the retry window."""
        known = RefreshToken.of_family(request.params["refresh_token"])
        if known is None or known.authorization.client_id != request.client.pk:
            return super().not_found(request)
        replayed = self._replayed()
        known.authorization.revoke(replayed.reason)
        return replayed

    def _fork(self, token: RefreshToken, request: GrantRequest) -> Fork:
        """The effect of this use on other branches of the family.

        RFC 9700 §4.14.2, ASVS 5.0 10.4.5: a token that is used after the retry window counts as stolen. So does a
        token that was given up: its holder and the party that continued cannot both be the client.
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
        """RFC 9449 §5: a client that has begun to prove a key must retry with that key; a thief does not have it."""
        bound = family.bound_descendants()
        if any(one.first_used_at for one in bound):
            raise self._replayed()
        if any(one.confirmation != request.confirmation for one in bound):
            raise InvalidGrant(
                "This client's other refresh tokens are bound to a DPoP key: retry with a proof of that key (RFC 9449 "
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
    # The token stays the same. If it replaced another one, its first use closes the retry window of that one.
    is_first_use = token.replaces_id is not None and token.first_used_at is None
    expires_at = request.policy.refresh_token_expires_at(token.authorization)
    if is_first_use or token.fork or expires_at - token.expires_at >= request.policy.refresh_token_extension:
        return consumption.of_written(token, fork, expires_at)
    return consumption.of_reusable(token)


def _successor(token: RefreshToken, request: GrantRequest, fork: Fork) -> tuple[str, RefreshToken]:
    """The successor does not inherit the narrowing of this request: it may do what its predecessor could (RFC 6749 §6).
    It is bound to the key that the client proves, if any."""
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
