"""query, fragment and form_post."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

from oauth.authorize.response_modes.response_mode import Form, Redirect, ResponseMode


class Query(ResponseMode):
    """RFC 6749 §4.1.2."""

    def deliver(self, redirect_uri: str, parameters: Mapping[str, str]) -> Redirect:
        parts = urlsplit(redirect_uri)
        query = "&".join(filter(None, (parts.query, urlencode(parameters))))
        return Redirect(urlunsplit(parts._replace(query=query)))


class Fragment(ResponseMode):
    """RFC 6749 §4.2.2: only for the implicit flow."""

    response_types = frozenset({"token"})

    def deliver(self, redirect_uri: str, parameters: Mapping[str, str]) -> Redirect:
        return Redirect(urlunsplit(urlsplit(redirect_uri)._replace(fragment=urlencode(parameters))))


class FormPost(ResponseMode):
    """OAuth 2.0 Form Post Response Mode."""

    response_types = frozenset({"code", "token"})

    def deliver(self, redirect_uri: str, parameters: Mapping[str, str]) -> Form:
        return Form(redirect_uri, parameters)
