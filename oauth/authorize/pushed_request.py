"""Pushed authorization requests (RFC 9126): stored under a request_uri that the browser carries, and answered once."""

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.errors import InvalidRequestURI
from oauth.infrastructure.rows import insert
from oauth.models import Client, PushedRequest
from oauth.models.secret import digest, new_secret

PREFIX = "urn:ietf:params:oauth:request_uri:"
_NOT_VALID = _("The request_uri is unknown, already used, expired, or belongs to another app.")


def store(client: Client, request: AuthorizationRequest) -> str:
    """Returns its request_uri, which holds 256 random bits (RFC 9126 §2.2, §7.1)."""
    reference = new_secret()
    insert(
        PushedRequest(
            reference_digest=digest(reference),
            client=client,
            request=request.to_json(),
            expires_at=timezone.now() + conf.PUSHED_REQUEST_LIFETIME,
        )
    )
    return PREFIX + reference


def find(client: Client, request_uri: str) -> AuthorizationRequest:
    """The stored request, for the client that pushed it (RFC 9126 §4, §7.3). Raises InvalidRequestURI, to be shown.

    This does not consume it: browsers load a page twice and scanners open links. The answer consumes it
    (RFC 9126 §4, FAPI 2.0 §5.3.2.2).
    """
    reference = request_uri.removeprefix(PREFIX)
    pushed = PushedRequest.objects.filter(reference_digest=digest(reference), client=client).first()
    if pushed is None or reference == request_uri:
        raise InvalidRequestURI(_NOT_VALID)
    if pushed.expires_at <= timezone.now():
        raise InvalidRequestURI(_NOT_VALID, detail="expired")
    # The user is asked now: prompt=login wants a login after this, not after the push.
    asked_at = timezone.now().timestamp()
    return AuthorizationRequest.from_json({**pushed.request, "created_at": asked_at, "pushed_id": pushed.pk})


def consume(request: AuthorizationRequest) -> None:
    """Call it in the transaction of the answer, so that only one of two parallel answers succeeds. Raises
    InvalidRequestURI."""
    if request.pushed_id is not None and not PushedRequest.objects.filter(pk=request.pushed_id).delete()[0]:
        raise InvalidRequestURI(_NOT_VALID, detail="answered before")
