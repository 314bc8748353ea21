"""Pushed authorization requests (RFC 9126), stored under a request_uri and answered once."""

from django.utils.translation import gettext_noop as _

from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.errors import InvalidRequestURI
from oauth.infrastructure import clock
from oauth.infrastructure.rows import insert
from oauth.models import Client, PushedRequest
from oauth.models.secret import digest, new_secret

PREFIX = "urn:ietf:params:oauth:request_uri:"
_NOT_VALID = _("The request_uri is unknown, already used, expired, or belongs to another app.")


def store(client: Client, request: AuthorizationRequest) -> str:
    """Returns the request_uri, which contains 256 random bits (RFC 9126 §2.2, §7.1)."""
    reference = new_secret()
    insert(
        PushedRequest(
            reference_digest=digest(reference),
            client=client,
            request=request.to_json(),
            expires_at=clock.now() + conf.PUSHED_REQUEST_LIFETIME,
        )
    )
    return PREFIX + reference


def find(client: Client, request_uri: str) -> AuthorizationRequest:
    """The stored request, which `client` must have pushed (RFC 9126 §4, §7.3). Raises InvalidRequestURI, which must be
    shown to the user.

    The response consumes the request, not this function, because browsers may load a page twice and scanners open links
    (RFC 9126 §4, FAPI 2.0 §5.3.2.2).
    """
    reference = request_uri.removeprefix(PREFIX)
    pushed = PushedRequest.objects.filter(reference_digest=digest(reference), client=client).first()
    if pushed is None or reference == request_uri:
        raise InvalidRequestURI(_NOT_VALID)
    if pushed.expires_at <= clock.now():
        raise InvalidRequestURI(_NOT_VALID, detail="expired")
    # prompt=login requires a login after this moment, not after the push.
    asked_at = clock.now().timestamp()
    return AuthorizationRequest.from_json({**pushed.request, "created_at": asked_at, "pushed_id": pushed.pk})


def consume(request: AuthorizationRequest) -> None:
    """Call this in the transaction of the response, so that only one of two parallel responses succeeds. Raises
    InvalidRequestURI.
    """
    if request.pushed_id is not None and not PushedRequest.objects.filter(pk=request.pushed_id).delete()[0]:
        raise InvalidRequestURI(_NOT_VALID, detail="answered before")
