"""Fills an empty database for the faults: a bank with two accounts, a service, and an app with refresh tokens.

Runs as a program on DATABASE_URL, because the tests' own process is bound to another database. Prints JSON.
"""

import json
import os
import sys
from pathlib import Path

import django

FAMILIES = 10
SCOPES = ["accounts:read", "balances:read", "transfers:write", "offline_access"]


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from datetime import timedelta

    from django.core.management import call_command
    from django.utils import timezone

    from oauth.conf import conf
    from oauth.models import Authorization, RefreshToken
    from oauth.models.secret import digest, new_secret
    from tests.lib.client_keys import ClientKey
    from tests.lib.ledger import funded
    from tests.lib.registered import make_client, make_user
    from tests.simulation.apps import App

    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable")
    user = make_user("faults@example.test", "Frances Fault")
    source = funded(user, "Current", amount_minor=10_000_000)
    destination = funded(user, "Savings", amount_minor=0)
    service = make_client("service", client_id="service", name="Service")
    secret = service.issue_secret()
    service.save()
    app = make_client("mobile", client_id="mobile-app", name="Mobile app")
    app.save()
    actor = App(user.pk, app.client_id)
    actor.allow()
    tokens = []
    now = timezone.now()
    key = ClientKey(kid=None)
    for number in range(FAMILIES):
        authorization = Authorization.objects.create(
            user=user,
            client=app,
            scopes=SCOPES,
            expires_at=now + timedelta(days=30),
        )
        token = new_secret()
        RefreshToken.objects.create(
            token_digest=digest(token), authorization=authorization, scopes=SCOPES, resources=conf.audiences[:1],
            confirmation={} if number else {"jkt": key.jwk.thumbprint()}, generation=0, created_at=now, expires_at=now + timedelta(days=10),
        )  # fmt: skip
        tokens.append(token)
    print(  # noqa: T201
        json.dumps(
            {
                "secret": secret,
                "access_token": actor.token,
                "bound_refresh_token": tokens[0],
                "key": key.jwk.export(),
                "refresh_tokens": tokens[1:],
                "source": str(source.pk),
                "destination": str(destination.pk),
            }
        )
    )


if __name__ == "__main__":
    main()
