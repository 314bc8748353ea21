"""Three users with accounts, and five clients with their own secrets and keys."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from banking.models import Account, AccountAccess
from oauth.conf import conf
from oauth.models import Client, InitialAccessToken
from oauth.models.client import GrantType
from oauth.models.secret import digest
from tests.lib.client_keys import ClientKey
from tests.lib.ledger import funded
from tests.lib.login import logged_in
from tests.lib.oauth_client import PASSWORD
from tests.lib.registered import ALL_SCOPES, make_client
from tests.model.oracle import Facts

USERS = ("alice", "bob", "carol")
#: One of these officers requests changes, and the other approves them.
STAFF = ("staff", "second admin")
WITH_USERS = ("phone", "shop", "vault", "joined")
APPS = (*WITH_USERS, "gateway")
API = f"{conf.ISSUER}/api/v1"
OTHER_API = "https://weather.example/api"
SCOPES = [*ALL_SCOPES, "webhooks:manage", "grant_management_query", "grant_management_revoke"]
JOINED_SCOPES = "openid email accounts:read balances:read offline_access"
KEY_NAMES = ("first", "second")


@dataclass
class App:
    """A client with its own data: its secret, its keys, its registration."""

    name: str
    client_id: str
    redirect_uri: str = ""
    secret: str = ""
    key: ClientKey | None = None
    always_dpop: bool = False
    pushes: bool = False
    registration_token: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def is_public(self) -> bool:
        return not self.secret and self.key is None

    def facts(self) -> Facts:
        client = Client.objects.get(client_id=self.client_id)
        return Facts(
            name=client.name,
            redirect_uris=tuple(client.redirect_uris.split()),
            keys=json.dumps(client.client_jwks, sort_keys=True),
            secret=bytes(client.secret_digest or b""),
            method=client.token_endpoint_auth_method,
            profile=client.security_profile,
            scopes=frozenset(client.allowed_scopes),
            is_active=client.is_active,
        )


@dataclass
class World:
    """The world, made once for a run. Each example starts from a copy, and its rows are rolled back."""

    users: dict[str, User]
    apps: dict[str, App]
    accounts: dict[str, Account]
    #: The users who may view each account, and those who may pay from it.
    readable: dict[str, frozenset[str]]
    payable: dict[str, frozenset[str]]
    cookies: dict[str, SimpleCookie]


def make() -> World:
    users = {name: _user(name) for name in USERS}
    accounts = {
        "everyday": funded(users["alice"], "Everyday"),
        "savings": funded(users["alice"], "Savings"),
        "joint": funded(users["alice"], "Joint"),
        "bobs": funded(users["bob"], "Bob's"),
        "carols": funded(users["carol"], "Carol's"),
        "carols savings": funded(users["carol"], "Carol's savings"),
    }
    AccountAccess.objects.create(account=accounts["joint"], user=users["bob"], role="holder")
    AccountAccess.objects.create(account=accounts["savings"], user=users["carol"], role="reader")
    ids = {name: str(account.pk) for name, account in accounts.items()}
    payable = {
        "alice": frozenset({ids["everyday"], ids["savings"], ids["joint"]}),
        "bob": frozenset({ids["bobs"], ids["joint"]}),
        "carol": frozenset({ids["carols"], ids["carols savings"]}),
    }
    readable = {**payable, "carol": payable["carol"] | {ids["savings"]}}
    apps = {app.name: app for app in (_phone(), _shop(), _vault(), _joined(), _gateway())}
    gateway = Client.objects.get(client_id=apps["gateway"].client_id)
    gateway.exchange_from.set(Client.objects.filter(client_id__in=[apps["shop"].client_id, apps["phone"].client_id]))
    staff = {name: _user(name) for name in STAFF}
    for one in staff.values():
        one.is_staff = one.is_superuser = True
        one.save()
    cookies = {name: logged_in(user).cookies for name, user in {**users, **staff}.items()}
    return World(users, apps, accounts, readable, payable, cookies)


def _user(name: str) -> User:
    user = User.objects.create_user(f"{name.replace(' ', '-')}@example.test", PASSWORD, name=name.title())
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)  # type: ignore[attr-defined]
    return user


def log_in(browser: Browser, user: User, password: str) -> Any:
    return browser.post("/accounts/login/", {"login": user.email, "password": password})


def _phone() -> App:
    client = make_client("mobile", name="Phone", redirect_uris="https://phone.example/callback", allowed_scopes=SCOPES)
    client.grant_types = [*client.grant_types, GrantType.DEVICE_CODE.value]
    client.save()
    return App("phone", client.client_id, "https://phone.example/callback")


def _shop() -> App:
    client = make_client("web", name="Shop", redirect_uris="https://shop.example/callback", allowed_scopes=SCOPES)
    client.grant_types = [*client.grant_types, GrantType.CIBA.value, GrantType.CLIENT_CREDENTIALS.value]
    secret = client.issue_secret()
    client.save()
    return App("shop", client.client_id, "https://shop.example/callback", secret)


def _vault() -> App:
    """A FAPI 2.0 client: keys, pushed requests, DPoP."""
    key = ClientKey("ES256")
    client = make_client(
        "web", name="Vault", redirect_uris="https://vault.example/callback", allowed_scopes=SCOPES,
        security_profile="fapi2", token_endpoint_auth_method="private_key_jwt", client_jwks={"keys": [key.public]},
    )  # fmt: skip
    client.save()
    return App("vault", client.client_id, "https://vault.example/callback", key=key, always_dpop=True, pushes=True)


def _joined() -> App:
    """A client that registered itself (RFC 7591)."""
    key = ClientKey("ES256")
    InitialAccessToken.objects.create(
        note="model",
        token_digest=digest("initial"),
        expires_at=timezone.now() + timedelta(days=7),
        scopes=JOINED_SCOPES.split(),
    )
    metadata = {
        "client_name": "Joined", "redirect_uris": ["https://joined.example/callback"], "scope": JOINED_SCOPES,
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.public]},
    }  # fmt: skip
    answer = Browser().post(
        "/oauth/register", metadata, content_type="application/json", headers={"Authorization": "Bearer initial"}
    )
    assert answer.status_code == 201, answer.content
    body = answer.json()
    return App(
        "joined", body["client_id"], "https://joined.example/callback", key=key,
        registration_token=body["registration_access_token"], metadata=metadata,
    )  # fmt: skip


def _gateway() -> App:
    """A service that the shop and the phone call with their tokens, and that exchanges these tokens."""
    scopes = ["openid", "accounts:read", "balances:read", "transfers:read", "transfers:write"]
    client = make_client("service", name="Gateway", allowed_scopes=scopes)
    client.grant_types = [GrantType.CLIENT_CREDENTIALS.value, GrantType.TOKEN_EXCHANGE.value]
    secret = client.issue_secret()
    client.save()
    return App("gateway", client.client_id, secret=secret)
