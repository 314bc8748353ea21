"""Pushed authorization requests (RFC 9126): kept under a name that the browser carries, answered once."""

from django.utils import timezone

from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.errors import InvalidRequestURI
from oauth.infrastructure.rows import insert
from oauth.models import Client, PushedRequest
from oauth.models.secret import digest, new_secret

PREFIX = "urn:ietf:params:oauth:request_uri:"
_NOT_VALID = "The request_uri is not valid: unknown, used, expired, or of another app."


def keep(client: Client, request: AuthorizationRequest) -> str:
    """Stores it and returns its request_uri: 256 random bits (RFC 9126 §2.2, §7.1)."""
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
    """The request, for its own client (RFC 9126 §4, §7.3). Raises InvalidRequestURI, to be shown.

    Looking does not use it up: browsers load a page twice and scanners open links, so what counts once is the answer
    (RFC 9126 §4, FAPI 2.0 §5.3.2.2).
    """
    reference = request_uri.removeprefix(PREFIX)
    pushed = PushedRequest.objects.filter(reference_digest=digest(reference), client=client).first()
    if pushed is None or reference == request_uri:
        raise InvalidRequestURI(_NOT_VALID)
    if pushed.expires_at <= timezone.now():
        raise InvalidRequestURI(_NOT_VALID, detail="expired")
    # What counts is when the person is asked: `prompt=login` wants a log-in after that.
    asked_at = timezone.now().timestamp()
    return AuthorizationRequest.from_json({**pushed.request, "created_at": asked_at, "pushed_id": pushed.pk})


def use_up(request: AuthorizationRequest) -> None:
    """In the transaction of its answer: of two at once, one is answered. Raises InvalidRequestURI."""
    if request.pushed_id is not None and not PushedRequest.objects.filter(pk=request.pushed_id).delete()[0]:
        raise InvalidRequestURI(_NOT_VALID, detail="answered before")
