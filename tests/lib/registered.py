"""Users and clients as the tests register them."""

from typing import Any

from accounts.models import User
from oauth.clients import preset
from oauth.models import Client
from tests.lib.oauth_client import PASSWORD

ALL_SCOPES = [
    "openid", "profile", "email", "offline_access", "accounts:read", "accounts:detail", "balances:read",
    "transactions:read", "statements:read", "transfers:read", "transfers:write",
]  # fmt: skip


def make_user(email: str, name: str) -> User:
    user = User.objects.create_user(email, PASSWORD, name=name)
    user.emailaddress_set.create(email=email, verified=True, primary=True)  # type: ignore[attr-defined]
    return user


def make_client(kind: str, **values: Any) -> Client:
    redirect_uris = "" if kind == "service" else "https://app.example/callback"
    fields = {"name": f"Example {kind}", "redirect_uris": redirect_uris, "allowed_scopes": ALL_SCOPES}
    return Client(**{**preset(kind), **fields, **values})
