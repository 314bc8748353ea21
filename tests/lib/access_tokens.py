"""Access tokens signed with the site's own key, for an authorization that is inserted into the database directly; and
an API client that sends one.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from oauth.conf import conf
from oauth.models import Authorization, Client
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.signing import sign_access_token
from tests.lib.registered import make_client


def signed(user: Any, scope: str = "accounts:read", client_id: str = "client-of-the-tests", **claims: Any) -> str:
    """Without a user, the client itself is the token's subject."""
    now = timezone.now()
    if user:
        client = Client.objects.filter(client_id=client_id).first() or make_client("mobile", client_id=client_id)
        # A client gets no token with a scope that it may not have.
        client.allowed_scopes = list(dict.fromkeys([*client.allowed_scopes, *scope.split()]))
        client.save()
        authorization = Authorization.objects.create(
            user=user, client=client, scopes=scope.split(), expires_at=now + timedelta(days=1)
        )
        claims.setdefault("authorization_id", str(authorization.pk))
        claims.setdefault("auth_time", now)
    return sign_access_token(
        AccessTokenClaims(
            **{
                "issuer": conf.ISSUER,
                "subject": str(user.pk) if user else client_id,
                "audience": conf.audiences[:1],
                "client_id": client_id,
                "scopes": frozenset(scope.split()),
                "issued_at": now,
                "expires_at": now + timedelta(minutes=5),
                "jti": secrets.token_urlsafe(8),
                **claims,
            }
        ),
        algorithm=conf.SIGNING_ALGORITHM,
    )


def api_with(token: str) -> APIClient:
    """A client of the bank API that sends this access token."""
    return APIClient(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
