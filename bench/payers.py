"""Users who pay, for `bench.cases`: `manage.py shell -c "from bench import payers; payers.print_new(160)"`.

Each has two accounts with an overdraft, and an access token for an hour that was issued without a consent page.
"""

import json
import secrets
from dataclasses import asdict
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone

from banking.accounts.opening import open_account
from bench.servers import Payer
from oauth.conf import conf
from oauth.models import Authorization, Client
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.signing import sign_access_token

SCOPES = ("accounts:read", "transactions:read", "transfers:write")
OVERDRAFT_MINOR = 10**9


def print_new(number: int) -> None:
    """Creates payers and prints them as one line of JSON."""
    client = Client.objects.get(client_id="demo-web")
    print(json.dumps([asdict(_new(client)) for _ in range(number)]))


def _new(client: Client) -> Payer:
    now = timezone.now()
    user = get_user_model().objects.create_user(email=f"{secrets.token_hex(8)}@bench.example", password=None)
    source, destination = (
        open_account(user, name=name, currency="GBP", overdraft_minor=OVERDRAFT_MINOR) for name in ("From", "To")
    )
    authorization = Authorization.objects.create(
        user=user, client=client, scopes=list(SCOPES), expires_at=now + timedelta(days=1)
    )
    authorization.refresh_from_db(fields=["status_index"])
    claims = AccessTokenClaims(
        issuer=conf.ISSUER, subject=str(user.pk), audience=conf.audiences[:1], client_id=client.client_id,
        scopes=frozenset(SCOPES), issued_at=now, expires_at=now + timedelta(hours=1), jti=secrets.token_urlsafe(8),
        authorization_id=str(authorization.pk), auth_time=now,
    )  # fmt: skip
    token = sign_access_token(claims, algorithm=conf.SIGNING_ALGORITHM)
    return Payer(token, str(source.pk), str(destination.pk), destination.iban or "")
