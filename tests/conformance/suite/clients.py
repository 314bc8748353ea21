"""The clients of a plan: their rows, as an admin would create them, and their part of the suite's configuration."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

from allauth.socialaccount.models import SocialApp
from django.db import connection
from jwcrypto.jwk import JWK

from oauth.clients import preset
from oauth.models import BackchannelRequest, Client, RememberedConsent
from oauth.models.client import AuthenticationMethod, Kind, SecurityProfile
from tests.lib import certificates

FAPI_SCOPE = "openid profile email offline_access accounts:read"
#: The suite registers its second client with a query, which is part of the exact match.
QUERIES = ("", "?dummy1=lorem&dummy2=ipsum")


@dataclass(frozen=True)
class Kept:
    """A client as the suite configures it: `client` goes under "client" or "client2", `mtls` under "mtls"."""

    client: dict[str, Any]
    mtls: dict[str, str] = field(default_factory=dict)


def ordinary(name: str, callback: str, method: str = "client_secret_basic", **fields: Any) -> Kept:
    """A client with a secret and every OpenID Connect scope. It does not need PKCE, because the plans of OpenID Connect
    do not send it.
    """
    row = _row(name, Kind.WEB, redirect_uris=callback, token_endpoint_auth_method=method, require_pkce=False, **fields)
    row.allowed_scopes = ["openid", "profile", "email", "offline_access"]
    secret = row.issue_secret()
    _store(row)
    return Kept({"client_id": row.client_id, "client_secret": secret})


def fapi(
    name: str, *, callback: str, profile: SecurityProfile, method: str, dpop: bool, openid: bool = True,
    kind: Kind = Kind.WEB, **fields: Any,
) -> Kept:  # fmt: skip
    """A client with a key and a certificate. `method` is its client authentication method."""
    key = JWK.generate(kty="RSA", size=2048, kid=name, alg="PS256", use="sig")
    pair = certificates.make(f"CN={name},O=Conformance", rsa_bits=2048)
    public = [key.export_public(as_dict=True)]
    if method == AuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH:
        held = JWK.from_pem(pair.pem.encode()).export_public(as_dict=True)
        public.append({**held, "kid": f"{name}-tls", "x5c": [base64.b64encode(pair.der).decode()]})
    scope = FAPI_SCOPE if openid else "offline_access accounts:read"
    if kind == Kind.SERVICE:
        scope = "accounts:read"
    row = _row(
        name, kind, redirect_uris=callback if kind == Kind.WEB else "",
        token_endpoint_auth_method=method, client_jwks={"keys": public}, security_profile=profile,
        allowed_scopes=scope.split(), dpop_bound_access_tokens=dpop,
        tls_client_certificate_bound_access_tokens=not dpop, **fields,
    )  # fmt: skip
    _store(row)
    private = {"keys": [key.export_private(as_dict=True)]}
    client = {"client_id": row.client_id, "scope": scope, "jwks": private, "dpop_signing_alg": "PS256"}
    return Kept(client, {"cert": pair.pem, "key": pair.key_pem})


def provider(provider_id: str, issuer: str) -> tuple[str, str]:
    """Registers the suite as an identity provider of this site, as an admin would. Returns the client ID and secret
    that this site uses there.
    """
    client_id, secret = f"countersign-{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    settings = {"server_url": issuer.rstrip("/"), "token_auth_method": "client_secret_basic", "verified_email": []}
    fields = {"provider": "openid_connect", "name": "Conformance suite", "client_id": client_id, "secret": secret}
    SocialApp.objects.update_or_create(provider_id=provider_id, defaults={**fields, "settings": settings})
    return client_id, secret


def forget_earlier_modules() -> None:
    """A module that denies consent must see the consent page, and a module of CIBA must find no open request."""
    RememberedConsent.objects.all().delete()
    BackchannelRequest.objects.all().delete()


def relax_registered_ones() -> None:
    """Gives the clients that the suite registers what only an admin can allow: they send no PKCE, and their assertions
    name the token endpoint as audience. This happens when they are inserted, because the suite continues immediately.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION conformance_relaxed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"NEW.require_pkce := false; "
            f"NEW.accepts_endpoint_audience := NEW.token_endpoint_auth_method = 'private_key_jwt'; "
            f"RETURN NEW; END $$; "
            f"CREATE OR REPLACE TRIGGER conformance_relaxed BEFORE INSERT ON {Client._meta.db_table} "
            f"FOR EACH ROW WHEN (NEW.security_profile = 'oauth21' AND NEW.client_type = 'confidential') "
            f"EXECUTE FUNCTION conformance_relaxed()"
        )


def relax_no_longer() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER IF EXISTS conformance_relaxed ON {Client._meta.db_table}")


def _row(name: str, kind: Kind, **fields: Any) -> Client:
    """Creates a new client in each run: an earlier one may have other settings, and servers cache clients for
    seconds.
    """
    return Client(**{**preset(kind), "name": name, "client_id": f"{name}-{secrets.token_hex(4)}", **fields})


def _store(row: Client) -> None:
    row.full_clean()
    row.save()
