"""django-oauth-toolkit's own endpoints. `python -m bench.peers.dot` creates its tables, a client, codes and refresh
tokens.
"""

import json
import os
import secrets
import sys
from datetime import timedelta
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from bench.peers import CALLBACK, SCOPE, SECRET

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.dot_settings")
application = get_wsgi_application()
urlpatterns = [path("o/", include("oauth2_provider.urls"))]


def make(number: int, code_challenge: str) -> dict[str, Any]:
    """Inserts this many codes and refresh tokens, as the authorization endpoint and earlier exchanges would have
    done.
    """
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

    call_command("migrate", verbosity=0)
    user: Any  # the model of django.contrib.auth; mypy reads settings with another user model
    user, _ = User.objects.get_or_create(username="alice")
    later = timezone.now() + timedelta(hours=1)
    clients = {
        grant_type: Application.objects.get_or_create(
            client_id=grant_type,
            defaults={
                "client_secret": SECRET, "client_type": "confidential", "authorization_grant_type": grant_type,
                "redirect_uris": CALLBACK, "user": user, "algorithm": "RS256",
            },
        )[0]
        for grant_type in ("client-credentials", "authorization-code")
    }  # fmt: skip
    client = clients["authorization-code"]
    codes = [secrets.token_urlsafe(24) for _ in range(number)]
    Grant.objects.bulk_create(
        Grant(
            user=user, code=code, application=client, expires=later, redirect_uri=CALLBACK,
            scope=SCOPE, code_challenge=code_challenge, code_challenge_method="S256", nonce="n",
        )
        for code in codes
    )  # fmt: skip
    tokens = []
    for _ in range(number):
        access = AccessToken.objects.create(
            user=user,
            token=secrets.token_urlsafe(24),
            application=client,
            expires=later,
            scope=SCOPE,
        )
        refresh = RefreshToken.objects.create(
            user=user, token=secrets.token_urlsafe(24), application=client, access_token=access
        )
        tokens.append((access.token, refresh.token))
    bearer = AccessToken.objects.create(
        token=secrets.token_urlsafe(24), application=client, expires=later, scope="introspection"
    )
    return {"codes": codes, "refresh_tokens": [refresh for _, refresh in tokens], "access_token": tokens[0][0],
            "introspecting_token": bearer.token}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(make(int(sys.argv[1]), sys.argv[2])))
