"""Response modes (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).

`query`, `fragment` and `form_post` are built in. A site registers its own with one setting:

    OAUTH["RESPONSE_MODES"] = {"web_message": "mysite.web_message.WebMessage"}

which names a subclass of `ResponseMode`. Each mode also has a variant whose response is a signed JWT (JARM §2.3), such
as `query.jwt`, or `jwt` for the default mode. The metadata and the validation of requests read this registry.
"""

from django.utils.module_loading import import_string

from oauth.authorize.response_modes.built_in import FormPost, Fragment, Query
from oauth.authorize.response_modes.response_mode import Delivery, Form, Page, Redirect, ResponseMode
from oauth.conf import conf
from oauth.infrastructure.caches import until_cleared

BUILT_IN: dict[str, ResponseMode] = {"query": Query(), "fragment": Fragment(), "form_post": FormPost()}
#: The default mode of the response type, signed.
SIGNED = "jwt"
_SIGNED_SUFFIX = ".jwt"


@until_cleared
def registered() -> dict[str, ResponseMode]:
    """The built-in modes come first, because the first mode for a response type is its default. A site cannot replace
    them.
    """
    own = {name: import_string(path)() for name, path in conf.RESPONSE_MODES.items()}
    return {**BUILT_IN, **own, **BUILT_IN}


@until_cleared
def offered(response_type: str, *, only_signed: bool = False) -> tuple[str, ...]:
    """The values of response_mode that a request with this response type may use; the default comes first."""
    plain = [name for name, mode in registered().items() if response_type in mode.response_types]
    signed = [SIGNED, *(name + _SIGNED_SUFFIX for name in plain)]
    return tuple(signed if only_signed else [*plain, *signed])


def is_signed(name: str) -> bool:
    return name == SIGNED or name.endswith(_SIGNED_SUFFIX)


def mode(name: str, response_type: str) -> ResponseMode:
    """The mode of an offered name, with or without `.jwt`."""
    plain = offered(response_type)[0] if name == SIGNED else name.removesuffix(_SIGNED_SUFFIX)
    return registered()[plain]


__all__ = [
    "BUILT_IN",
    "SIGNED",
    "Delivery",
    "Form",
    "Page",
    "Redirect",
    "ResponseMode",
    "is_signed",
    "mode",
    "offered",
    "registered",
]
