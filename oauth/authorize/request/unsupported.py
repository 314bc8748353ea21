"""Parameters that this server does not support (OpenID Connect Core §3.1.2.6)."""

from oauth.errors import OAuthError, RegistrationNotSupported, RequestURINotSupported
from oauth.parameters import Parameters

_UNSUPPORTED: dict[str, type[OAuthError]] = {
    "request_uri": RequestURINotSupported,
    "registration": RegistrationNotSupported,
}


def refuse_unsupported(params: Parameters) -> None:
    """Refuses these parameters instead of ignoring them. Raises RequestURINotSupported or RegistrationNotSupported."""
    for name, error in _UNSUPPORTED.items():
        if name in params:
            raise error(f"The parameter {name} is not supported.")
