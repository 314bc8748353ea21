"""Safe values of a new client, by kind. The admin only selects the kind."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_noop as _

from oauth.models import Client
from oauth.models.client import AuthenticationMethod, GrantType, Kind, SecurityProfile

_WITH_A_USER = [GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value]
_PUBLIC = {"client_type": Client.CLIENT_PUBLIC, "token_endpoint_auth_method": AuthenticationMethod.NONE.value}
_CONFIDENTIAL = {
    "client_type": Client.CLIENT_CONFIDENTIAL,
    "token_endpoint_auth_method": AuthenticationMethod.SECRET_BASIC.value,
}

EXPLANATIONS = {
    Kind.MOBILE: _(
        "Installed on users’ phones or computers, so it cannot keep a secret. "
        "Uses the authorization code with PKCE and rotating refresh tokens."
    ),
    Kind.WEB: _("Runs on its owner’s server, which keeps the secret. Uses the authorization code with PKCE."),
    Kind.BROWSER: _(
        "JavaScript in a browser, without a server. "
        "A web app is safer, because its server keeps tokens away from scripts."
    ),
    Kind.SERVICE: _("Acts for itself with client credentials, without a user."),
    Kind.DEVICE: _("A television or a terminal. The user logs in on a phone."),
}

_PRESETS: dict[str, dict[str, Any]] = {
    Kind.MOBILE: {**_PUBLIC, "grant_types": _WITH_A_USER},
    Kind.WEB: {**_CONFIDENTIAL, "grant_types": _WITH_A_USER},
    Kind.BROWSER: {**_PUBLIC, "grant_types": _WITH_A_USER},
    Kind.SERVICE: {**_CONFIDENTIAL, "grant_types": [GrantType.CLIENT_CREDENTIALS.value]},
    Kind.DEVICE: {**_PUBLIC, "grant_types": [GrantType.DEVICE_CODE.value, GrantType.REFRESH_TOKEN.value]},
}


def preset(kind: str) -> dict[str, Any]:
    """Field values of a new Client of this kind (RFC 9700 §2, OAuth 2.1 §2)."""
    values = _PRESETS[kind]
    return {**values, "kind": str(kind), "grant_types": list(values["grant_types"])}


def with_grant_types_of_profile(profile: str, chosen: Iterable[str]) -> list[str]:
    """The chosen grant types and those that the profile requires."""
    about = [GrantType.CIBA.value] if profile == SecurityProfile.FAPI_CIBA else []
    return list(dict.fromkeys([*chosen, *about]))


def kind_needs_redirect_uri(kind: str) -> bool:
    return GrantType.AUTHORIZATION_CODE.value in _PRESETS[kind]["grant_types"]
