"""OpenID Connect Back-Channel Logout: notifies clients that a session has ended.

The transaction that ends the session enqueues a job. The background worker delivers the logout token with retries, so a
client that is slow or down delays no request.
"""

import secrets

from django.utils import timezone
from procrastinate.contrib.django import app

from oauth.infrastructure import outbound, turns
from oauth.models import AuditEvent, Client, Session
from oauth.tokens import subject
from oauth.tokens.signing import signer

TYP = "logout+jwt"  # §2.4: distinguishes logout tokens from our other JWTs (ASVS 5.0 10.5.5)
TASK = "oauth.tell_client_of_logout"
# §2.4: exp should be at most two minutes from now. Each attempt signs a new token.
LIFETIME_SECONDS = 120
_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class NotDelivered(Exception):
    """The client did not accept the logout token. The background worker tries again."""


def enqueue_notices(session: Session) -> None:
    """Enqueues a job for each client with an authorization of the session and a logout URI (§2.5)."""
    clients = Client.objects.filter(authorizations__session=session, is_active=True).exclude(backchannel_logout_uri="")
    for pk in clients.values_list("pk", flat=True).distinct():
        app.configure_task(TASK, queue="notifications").defer(
            client_pk=pk, user_id=str(session.user_id), sid=str(session.pk)
        )


def notify_client(client_pk: int, user_id: str, sid: str, *, issuer: str, pairwise_key: str) -> None:
    """Attempts one delivery. Raises NotDelivered if it fails, and turns.Postponed if there was no attempt."""
    client = Client.objects.filter(pk=client_pk, is_active=True).exclude(backchannel_logout_uri="").first()
    if client is None:
        return  # the client was deleted or disabled, or has removed its logout URI
    token = logout_token(client, user_id=user_id, sid=sid, issuer=issuer, pairwise_key=pairwise_key)
    try:
        with turns.turn(f"notification {client.client_id}"):
            answer = outbound.request(
                "POST",
                client.backchannel_logout_uri,
                body=f"logout_token={token}",
                content_type="application/x-www-form-urlencoded",
                needs_body=False,
            )
    except outbound.OutboundError as error:
        raise NotDelivered(str(error)) from error
    # §2.8: success is 200, or 204 with some frameworks. 400 means that the logout failed.
    if answer.status not in (200, 204):
        raise NotDelivered(f"the client returned status {answer.status}")
    AuditEvent.record(AuditEvent.Action.LOGOUT_TOLD, client=client.client_id, user=user_id)


def logout_token(client: Client, *, user_id: str, sid: str, issuer: str, pairwise_key: str) -> str:
    """§2.4: a logout token with `sub` and `sid`, and without `nonce`."""
    now = int(timezone.now().timestamp())
    payload = {
        "iss": issuer,
        "sub": subject.identifier(client, user_id, pairwise_key=pairwise_key),
        "aud": client.client_id,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "sid": sid,
        "events": {_EVENT: {}},
    }
    return signer(typ=TYP, algorithm=client.id_token_algorithm).encode(payload)
