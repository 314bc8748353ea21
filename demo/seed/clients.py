"""One client of each kind. The client IDs are fixed; each demo has its own secrets."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from jwcrypto.jwk import JWK

from oauth.clients import preset
from oauth.models import Client
from oauth.models.client import AuthenticationMethod, Kind, SecurityProfile

FILE = "clients.json"
# This client authenticates with a key. The file holds the key instead of a secret.
FAPI = "demo-fapi"

_FOR_PEOPLE = list(settings.OAUTH["SCOPES"])
_LOCAL_SITE = "http://localhost:3000/callback"
_DOCS = f"{settings.ISSUER}/api/docs/oauth2-redirect"
_LOGGED_OUT = "http://localhost:3000/"
_CLIENTS: list[tuple[str, str, str, list[str], list[str]]] = [
    # client_id, kind, name, redirect URIs, scopes
    (
        "demo-mobile",
        Kind.MOBILE,
        "Pocket Ledger",
        ["http://127.0.0.1/callback", "com.example.countersign:/callback"],
        _FOR_PEOPLE,
    ),
    ("demo-web", Kind.WEB, "Budget Garden", [_LOCAL_SITE], _FOR_PEOPLE),
    ("demo-browser", Kind.BROWSER, "Spending Charts", [_LOCAL_SITE], _FOR_PEOPLE),
    (settings.API_DOCS_CLIENT_ID, Kind.BROWSER, "Bank API documentation", [_DOCS], _FOR_PEOPLE),
    ("demo-device", Kind.DEVICE, "Living-room TV", [], _FOR_PEOPLE),
    ("demo-fapi", Kind.WEB, "Account Atlas", ["http://127.0.0.1/callback", _LOCAL_SITE], _FOR_PEOPLE),
    ("demo-service", Kind.SERVICE, "Nightly Reports", [], ["accounts:read", "transactions:read"]),
]


def ensure(known: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Creates the clients. Returns them by client_id. A secret or key in `known` is kept; a lost one is replaced."""
    return {row[0]: _ensure(*row, known=known.get(row[0], {})) for row in _CLIENTS}


def _ensure(
    client_id: str, kind: str, name: str, redirect_uris: list[str], scopes: list[str], *, known: dict[str, Any]
) -> dict[str, Any]:
    client = Client.objects.filter(client_id=client_id).first()
    if client is None:
        uris = " ".join(redirect_uris)
        client = Client(**preset(kind), client_id=client_id, name=name, redirect_uris=uris, allowed_scopes=scopes)
        client.post_logout_redirect_uris = _LOGGED_OUT if _LOCAL_SITE in redirect_uris else ""
        client.full_clean()
        client.save()
    proof = {} if client.is_public else _key(client, known) if client_id == FAPI else _secret(client, known)
    return {
        "name": client.name,
        "kind": client.kind,
        "redirect_uris": client.redirect_uris.split(),
        "scope": " ".join(client.allowed_scopes),
        **proof,
    }


def _secret(client: Client, known: dict[str, Any]) -> dict[str, Any]:
    secret = known.get("client_secret")
    if not secret or not client.secret_is(secret):
        secret = client.issue_secret()
        client.save()
    return {"client_secret": secret}


def _key(client: Client, known: dict[str, Any]) -> dict[str, Any]:
    """Gives the client a key, and the FAPI 2.0 profile with signed messages."""
    key = known.get("private_key")
    public = JWK(**key).export_public(as_dict=True) if key else None
    if public is None or client.client_jwks != {"keys": [public]}:
        made = JWK.generate(kty="EC", crv="P-256", kid="demo", alg="ES256", use="sig")
        key, public = made.export_private(as_dict=True), made.export_public(as_dict=True)
        client.token_endpoint_auth_method = AuthenticationMethod.PRIVATE_KEY_JWT
        client.security_profile = SecurityProfile.FAPI2_MESSAGE_SIGNING
        client.client_jwks = {"keys": [public]}
        client.full_clean()
        client.save()
    return {"private_key": key}


def read(data_dir: Path) -> dict[str, dict[str, Any]]:
    """The clients that the last run wrote; empty if there was none."""
    try:
        known: dict[str, dict[str, Any]] = json.loads((data_dir / FILE).read_text())
    except FileNotFoundError:
        return {}
    return known


def write(data_dir: Path, clients: dict[str, dict[str, Any]]) -> None:
    """Writes the file in one step, readable by this user only."""
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = data_dir / f"{FILE}.{os.getpid()}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(clients, stream, indent=2)
    draft.replace(data_dir / FILE)
