"""Fills an empty database for the faults: a bank with four accounts, two services, an app with refresh tokens, and a
confidential client with a webhook. The first argument is the URL of the webhook; if it is empty, there is none.

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
    from decimal import Decimal

    from django.core.management import call_command
    from django.utils import timezone

    from banking.exchanges.rates import set_rate
    from banking.models import Event, Webhook
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
    euros = funded(user, "Euros", "EUR", amount_minor=0)
    set_rate("GBP", "EUR", mid=Decimal("1.15"), spread_percent=Decimal("0.5"), reason="For the faults")
    secrets = {}
    for client_id in ("service", "other-service"):
        service = make_client("service", client_id=client_id, name=client_id)
        secrets[client_id] = service.issue_secret()
        service.save()
    app = make_client("mobile", client_id="mobile-app", name="Mobile app")
    app.save()
    actor = App(user.pk, app.client_id)
    actor.allow()
    payer = make_user("payer@example.test", "Peter Payer")
    source_of_payments = funded(payer, "Bills", amount_minor=10_000_000)
    payments = App(payer.pk, app.client_id)
    payments.allow()
    books_tokens = {}
    if url := sys.argv[1]:
        scopes = ["webhooks:manage", "transfers:read", "transactions:read"]
        books = make_client("web", client_id="books", name="Books", allowed_scopes=[*scopes, "offline_access"])
        secrets["books"] = books.issue_secret()
        books.save()
        allowed = Authorization.objects.create(
            user=payer, client=books, scopes=scopes, expires_at=timezone.now() + timedelta(days=30),
        )  # fmt: skip
        for scope in scopes:
            of_scope = Authorization.objects.create(
                user=payer, client=books, scopes=[scope, "offline_access"], expires_at=allowed.expires_at,
            )  # fmt: skip
            books_tokens[scope] = new_secret()
            RefreshToken.objects.create(
                token_digest=digest(books_tokens[scope]), authorization=of_scope, scopes=of_scope.scopes, resources=conf.audiences[:1],
                confirmation={}, generation=0, created_at=timezone.now(), expires_at=allowed.expires_at,
            )  # fmt: skip
        Webhook.objects.create(
            user=payer, client_id=books.client_id, authorization_id=allowed.pk, url=url,
            events=[Event.TRANSFER_UPDATED, Event.TRANSACTION_BOOKED],
        )  # fmt: skip
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
                "secrets": secrets,
                "access_token": actor.token,
                "bound_refresh_token": tokens[0],
                "key": key.jwk.export(),
                "refresh_tokens": tokens[1:],
                "source": str(source.pk),
                "destination": str(destination.pk),
                "source_of_payments": str(source_of_payments.pk),
                "token_of_payer": payments.token,
                "euros": str(euros.pk),
                "refresh_tokens_of_books": books_tokens,
            }
        )
    )


if __name__ == "__main__":
    main()
