"""Sample programs with a client's own values. They read its secret from the environment.

Each is a text template in templates/oauth/snippets/. tests/packages/test_snippets.py runs them; for those in Swift and
Kotlin, it only sends the same requests.
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.template import Context
from django.template.loader import get_template
from django.utils.translation import gettext

from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import AuthenticationMethod, GrantType, Kind

# A program requests at most this many scopes, preferably `openid` and scopes that only read.
_MOST_SCOPES = 2


@dataclass(frozen=True)
class Snippet:
    """`name` is that of the template; `file_name` is that of the user's copy."""

    name: str
    title: str
    language: str
    file_name: str
    code: str

    @property
    def is_tested(self) -> bool:
        """Whether our tests run the program."""
        return self.language not in ("swift", "kotlin")


_LIBRARIES: dict[str, tuple[str, str, str]] = {
    "curl_service.sh": ("curl", "shell", "service.sh"),
    "authlib_service.py": ("Authlib (Python)", "python", "service.py"),
    "openid_client_service.mjs": ("openid-client (JavaScript)", "javascript", "service.mjs"),
    "authlib_code.py": ("Authlib (Python)", "python", "app.py"),
    "openid_client_code.mjs": ("openid-client (JavaScript)", "javascript", "app.mjs"),
    "bff.mjs": ("openid-client, as a backend for the frontend (BFF)", "javascript", "bff.mjs"),
    "device.py": ("requests (Python)", "python", "device.py"),
    "appauth.swift": ("AppAuth for iOS, tokens in the Keychain", "swift", "LogIn.swift"),
    "appauth.kt": ("AppAuth for Android, tokens encrypted with a Keystore key", "kotlin", "LogIn.kt"),
}
_OF_KIND: dict[str, tuple[str, ...]] = {
    Kind.MOBILE: ("appauth.swift", "appauth.kt", "authlib_code.py", "openid_client_code.mjs"),
    Kind.WEB: ("authlib_code.py", "openid_client_code.mjs", "bff.mjs"),
    # A program for a back end, which a browser app should have.
    Kind.BROWSER: ("openid_client_code.mjs",),
    Kind.SERVICE: ("curl_service.sh", "authlib_service.py", "openid_client_service.mjs"),
    Kind.DEVICE: ("device.py",),
}


def for_client(client: Client, names: Sequence[str] = ()) -> list[Snippet]:
    """The programs for the client's kind. Empty if none would work unchanged; `why_none` has the reason."""
    if why_none(client):
        return []
    return [fill(name, client) for name in names or _OF_KIND[client.kind]]


def why_none(client: Client) -> str:
    """The reason why these programs cannot work for this client; empty if they can."""
    if client.is_fapi or client.must_push or client.must_bind or client.must_sign_requests:
        return gettext(
            "This client uses pushed requests, sender-constrained tokens or signed messages. For complete sample "
            "programs, see `manage.py demo_app --fapi` (demo/fapi_app.py) and, with openid-client, "
            "tests/interop/node/fapi-openid-client.mjs."
        )
    if not client.is_public and client.token_endpoint_auth_method != AuthenticationMethod.SECRET_BASIC:
        return gettext("This client does not authenticate with a secret in the Authorization header.")
    if client.kind in (Kind.MOBILE, Kind.WEB, Kind.BROWSER) and not client.allows_grant_type(
        GrantType.AUTHORIZATION_CODE
    ):
        return gettext("The grant types of this client are not the usual ones of its kind.")
    return ""


def fill(name: str, client: Client) -> Snippet:
    title, language, file_name = _LIBRARIES[name]
    context = _context(client, _redirect_uri(client, is_on_a_phone=name.startswith("appauth")))
    code = get_template(f"oauth/snippets/{name}.txt").template.render(context)  # type: ignore[attr-defined]
    return Snippet(name, title, language, file_name, code)


def _context(client: Client, redirect_uri: str) -> Context:
    allowed = client.allowed_scopes
    is_service = client.kind == Kind.SERVICE
    useful = [scope for scope in allowed if scope.endswith(":read") or (scope == "openid" and not is_service)]
    scopes = (useful or list(allowed))[:_MOST_SCOPES] or ["openid"]
    resource = next(iter(client.allowed_resources or conf.RESOURCES), conf.ISSUER)
    values = {
        "issuer": conf.ISSUER,
        "token_endpoint": conf.url("/oauth/token"),
        "client_id": client.client_id,
        "method": client.token_endpoint_auth_method,
        "scope": " ".join(scopes),
        "redirect_uri": redirect_uri,
        "api": resource + conf.RESOURCES.get(resource, {}).get("example", ""),
        "api_base": resource,
    }
    # Quote each value, so that it stays a string literal and cannot become code.
    context: dict[str, Any] = {name: json.dumps(value) for name, value in values.items()}
    context |= {f"{name}_sh": shlex.quote(value) for name, value in values.items()}
    context |= {f"{name}_kt": json.dumps(value).replace("$", "\\$") for name, value in values.items()}
    context |= {
        "scope_pair_sh": shlex.quote(f"scope={values['scope']}"),
        "scopes_swift": json.dumps(scopes),
        "needs_secret": not client.is_public,
        "is_insecure": conf.ISSUER.startswith("http:"),
        "app_origin_plain": "{0.scheme}://{0.netloc}".format(urlsplit(redirect_uri)),
    }
    return Context(context, autoescape=False)


def _redirect_uri(client: Client, *, is_on_a_phone: bool) -> str:
    """The first registered redirect URI that works for the program: a loopback address, on any port, for programs that
    listen on one (RFC 8252 §7.3), but not on a phone.
    """
    uris = sorted(client.redirect_uris.split(), key=lambda uri: uri.startswith("http:") is is_on_a_phone)
    uri = next(iter(uris), "")
    parts = urlsplit(uri)
    is_native = client.kind in (Kind.MOBILE, Kind.DEVICE)
    if is_native and parts.scheme == "http" and parts.hostname == "127.0.0.1" and parts.port is None:
        return parts._replace(netloc="127.0.0.1:51234").geturl()
    return uri
