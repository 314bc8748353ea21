"""Plans the client for an application of DOT. The client gets no capability that the application lacked, and none that
is unsafe on this site.

Each difference from the application is reported as a finding with its fix.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from oauth.clients.authentication import imported_secret
from oauth.conf import conf
from oauth.dot_import.report import ClientReport, Finding
from oauth.infrastructure import display_names
from oauth.models import Client
from oauth.models.client import AuthenticationMethod, GrantType, Kind, is_loopback, rules, validate_redirect_uri
from oauth.models.secret import digest

_CODE = [GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value]
_GRANT_TYPES = {
    "authorization-code": _CODE,
    "openid-hybrid": _CODE,
    "urn:ietf:params:oauth:grant-type:device_code": [GrantType.DEVICE_CODE.value, GrantType.REFRESH_TOKEN.value],
    "client-credentials": [GrantType.CLIENT_CREDENTIALS.value],
    # Refresh tokens issued with the password grant stay valid, but no new ones are issued.
    "password": [GrantType.REFRESH_TOKEN.value],
    "implicit": [],
}
_LOGINS = frozenset(
    {GrantType.AUTHORIZATION_CODE.value, GrantType.DEVICE_CODE.value, GrantType.CLIENT_CREDENTIALS.value}
)
_TO_CODE = "Change it to the authorization code with PKCE, then give it that grant type and its redirect URIs."


@dataclass(frozen=True)
class PlannedClient:
    """`client` is unsaved. `asks_users` says whether its users saw DOT's consent page."""

    client: Client
    report: ClientReport
    asks_users: bool


def plan(application: Any, scopes: Iterable[str]) -> PlannedClient:
    """`scopes` are the scopes of this server that the client may request."""
    old = application
    findings: list[Finding] = []
    client = Client(
        client_id=old.client_id,
        name=old.name or old.client_id,
        client_type=Client.CLIENT_PUBLIC if old.client_type == "public" else Client.CLIENT_CONFIDENTIAL,
        kind=_kind(old),
        grant_types=list(_GRANT_TYPES.get(old.authorization_grant_type, [])),
        token_endpoint_auth_method=_method(old),
        allowed_scopes=list(scopes),
        registration_source=old.registration_source,
        # A dynamically registered client can no longer update its registration, because DOT's registration access token
        # is not imported.
        registration_ceiling=None if old.registration_source == "manual" else {},
        id_token_signed_response_alg="RS256" if old.algorithm == "RS256" else "",
    )
    if client.kind == Kind.MOBILE:
        client.application_type = "native"
    findings.extend(_keep_secret(old, client))
    findings.extend(_keep_uris(old, client))
    findings.extend(_of_grant_type(old, client))
    findings.extend(_others(old, client))
    if broken := rules.broken(client):
        client.is_active = False
        why = "; ".join(f"{name}: {_text(error)}" for name, error in broken.items())
        findings.append(
            Finding(
                f"The client breaks a rule: {why}", "The client is disabled. Change it in the admin, then enable it."
            )
        )
    state = _state(client)
    report = ClientReport(client.client_id, display_names.plain(client.name), state, tuple(findings))
    asks_users = not old.skip_authorization and old.authorization_grant_type == "authorization-code"
    return PlannedClient(client, report, asks_users)


def _kind(old: Any) -> str:
    if old.authorization_grant_type == "client-credentials":
        return Kind.SERVICE
    if old.authorization_grant_type == "urn:ietf:params:oauth:grant-type:device_code":
        return Kind.DEVICE
    schemes = {urlsplit(uri).scheme for uri in old.redirect_uris.split()}
    if schemes - {"http", "https"}:
        return Kind.MOBILE
    if old.client_type != "public":
        return Kind.WEB
    return Kind.MOBILE if any(is_loopback(uri) for uri in old.redirect_uris.split()) else Kind.BROWSER


def _method(old: Any) -> str:
    is_public = old.client_type == "public"
    return (AuthenticationMethod.NONE if is_public else AuthenticationMethod.SECRET_BASIC).value


def _keep_secret(old: Any, client: Client) -> Iterator[Finding]:
    if client.is_public:
        return
    stored = old.client_secret
    if not stored:
        yield Finding("The client has no secret, so it cannot authenticate.", "Issue one in the admin.")
    elif imported_secret.is_readable(stored):
        client.imported_secret = stored
    elif old.hash_client_secret and "$" in stored:
        yield Finding(
            "The client's secret has a hasher that this site does not have, so the client cannot authenticate.",
            "Add DOT's CLIENT_SECRET_HASHER to PASSWORD_HASHERS before the import, or issue a new secret.",
        )
    else:
        client.secret_digest = digest(stored)
        client.imported_secret = f"sha256${client.secret_digest.hex()}"
        if len(stored) < imported_secret.SHORTEST:
            yield Finding(f"The client's secret has only {len(stored)} characters.", "Issue a new one in the admin.")


def _keep_uris(old: Any, client: Client) -> Iterator[Finding]:
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        kept = []
        for uri in getattr(old, name).split():
            try:
                validate_redirect_uri(uri, kind=client.kind)
                kept.append(uri)
            except ValidationError as error:
                what = name.replace("_", " ").removesuffix("s").replace("uri", "URI")
                yield Finding(f"A {what} was not imported: {_text(error)}", "Register one that follows the rule.")
        setattr(client, name, "\n".join(kept))
    origins = [one for one in old.allowed_origins.split() if _is_https_origin(one)]
    if left_out := set(old.allowed_origins.split()) - set(origins):
        yield Finding(
            f"Allowed origins were not imported: {', '.join(sorted(left_out))}.",
            "An origin must be https with a complete host.",
        )
    client.allowed_origins = " ".join(origins)


def _is_https_origin(origin: str) -> bool:
    return origin.startswith("https://") and "*" not in origin and origin.count("/") == 2


def _of_grant_type(old: Any, client: Client) -> Iterator[Finding]:
    old_type = old.authorization_grant_type
    if old_type == "password":
        yield Finding("The password grant is not supported; current users stay logged in.", _TO_CODE)
    elif old_type == "implicit":
        yield Finding("The implicit flow is unsafe, so the client gets no new tokens.", _TO_CODE)
    elif old_type == "openid-hybrid":
        yield Finding(
            "The hybrid flow is not supported.",
            "The client must use response_type=code and get its ID token from the token endpoint.",
        )
    elif old_type not in _GRANT_TYPES:
        yield Finding(
            f"The grant type {old_type!r} is unknown.",
            "Register the grant type as an extension and give it to the client in the admin.",
        )
    if client.is_public and old_type == "client-credentials":
        client.grant_types = []
        yield Finding(
            "A public client cannot use client credentials.", "Make the client confidential and issue a secret."
        )
    if GrantType.AUTHORIZATION_CODE.value in client.grant_types and not client.redirect_uris:
        client.grant_types.remove(GrantType.AUTHORIZATION_CODE.value)
        yield Finding(
            "The client has no safe redirect URI; current users stay logged in.",
            "Register one, then give the client the grant type authorization_code.",
        )


def _others(old: Any, client: Client) -> Iterator[Finding]:
    if old.skip_authorization:
        yield Finding(
            "The client skipped the consent page.", "Each user is asked once, at the next login through this client."
        )
    if old.algorithm == "HS256":
        yield Finding(
            "The client's ID tokens were signed with its secret (HS256).",
            "The client must verify them with the JWK Set.",
        )
    if old.registration_source == "cimd" and not conf.ALLOW_CLIENT_ID_METADATA_DOCUMENTS:
        client.is_active = False
        yield Finding(
            "The client is known by its metadata document, which this server does not accept.",
            "Set ALLOW_CLIENT_ID_METADATA_DOCUMENTS and enable the client.",
        )
    if not client.allowed_scopes:
        yield Finding(
            "No token of the client has a scope that exists on this site, so the client has no scopes.",
            "Add scopes in the admin.",
        )


def _state(client: Client) -> str:
    if not client.is_active:
        return "disabled"
    return "works" if _LOGINS.intersection(client.grant_types) else "sessions only"


def _text(error: Any) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
