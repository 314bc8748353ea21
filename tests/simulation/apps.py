"""Apps that a user has allowed, and that the user may remove while they make payments."""

import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from oauth.clients import left_by_apps
from oauth.conf import conf
from oauth.models import Authorization, Client
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.signing import sign_access_token
from tests.simulation.desk import Desk

SCOPES = ["balances:read", "transfers:read", "transfers:write", "statements:read"]
LIFETIME = timedelta(hours=2)


@dataclass
class App:
    user_id: UUID
    client_id: str
    token: str = ""
    is_removed_at_times: bool = False

    def allow(self) -> None:
        """Returns a token of a new authorization, as after the consent page."""
        now = timezone.now()
        authorization = Authorization.objects.create(
            user_id=self.user_id, client=Client.objects.get(client_id=self.client_id), scopes=SCOPES,
            expires_at=now + LIFETIME,
        )  # fmt: skip
        claims: dict[str, Any] = {
            "issuer": conf.ISSUER, "subject": str(self.user_id), "audience": conf.audiences[:1],
            "client_id": self.client_id, "scopes": frozenset(SCOPES), "issued_at": now, "expires_at": now + LIFETIME,
            "jti": str(authorization.pk), "authorization_id": str(authorization.pk), "auth_time": now,
        }  # fmt: skip
        self.token = sign_access_token(AccessTokenClaims(**claims), algorithm=conf.SIGNING_ALGORITHM)

    @transaction.atomic
    def remove(self) -> None:
        """Removes the app as the page of connected apps does."""
        user = User.objects.get(pk=self.user_id)
        theirs = Authorization.objects.filter(user=user, client__client_id=self.client_id)
        theirs.revoke(Authorization.RevocationReason.USER, by=user)
        left_by_apps.removed(user, self.client_id, ticked=[])


@dataclass
class Removals:
    """A user removes an app while it makes payments, and soon allows it again. The orders of the app stay on hold."""

    apps: list[App]
    desk: Desk
    dice: random.Random

    def act(self) -> None:
        with_orders = [app for app in self.apps if self.desk.orders[app.user_id, app.client_id]]
        app = self.dice.choice(with_orders or self.apps)
        whose, began_at = (app.user_id, app.client_id), timezone.now()
        orders = list(self.desk.orders[whose])
        app.remove()
        since = timezone.now()
        for order_id in orders:
            self.desk.stop(order_id, began_at)
        time.sleep(self.dice.uniform(0.1, 1))
        self.desk.removed[whose].append((since, timezone.now()))
        app.allow()
