"""Validates the redirect URI of a request (RFC 6749 §3.1.2, RFC 9700 §2.1), which must happen before any redirect."""

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from oauth.authorize import response_modes
from oauth.authorize.request.response_type import supported_response_types
from oauth.errors import InvalidRequest
from oauth.models import Client
from oauth.parameters import Parameters

#: How many characters of a refused redirect_uri the audit log stores.
LONGEST_RECORDED = 500


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """A validated redirect URI and the response mode."""

    client: Client
    redirect_uri: str
    response_type: str
    response_mode: str
    state: str | None


def return_address(params: Parameters, client: Client) -> ReturnAddress:
    """Raises InvalidRequest, which must be shown to the user instead of redirected."""
    redirect_uri = _redirect_uri(params, client)
    response_type = params.get("response_type", "")
    if response_type not in supported_response_types():
        response_type = "code"  # parse() then raises the error, which is delivered as in the code flow
    response_mode = _response_mode(params, client, response_type)
    return ReturnAddress(client, redirect_uri, response_type, response_mode, params.get("state"))


def _redirect_uri(params: Parameters, client: Client) -> str:
    redirect_uri = params.get("redirect_uri")
    if redirect_uri is None:
        # OAuth 2.1 §4.1.1: redirect_uri may be omitted if the client has registered exactly one.
        registered = client.redirect_uris.split()
        if len(registered) != 1:
            raise InvalidRequest(_("The parameter redirect_uri is missing."))
        return registered[0]
    if not client.redirect_uri_allowed(redirect_uri):
        # Record the URI in the audit log, because the page does not show it.
        sent = f"redirect_uri={redirect_uri[:LONGEST_RECORDED]}"
        raise InvalidRequest(_("The redirect_uri must be registered for this app."), detail=sent)
    return redirect_uri


def _response_mode(params: Parameters, client: Client, response_type: str) -> str:
    """The requested mode if it is valid, else the default, so that an error about the mode can reach the client."""
    offered = response_modes.offered(response_type)
    requested = params.get("response_mode", "")
    # A client that requires signed responses gets signed errors, too (FAPI 2.0 Message Signing §5.4).
    default = response_modes.SIGNED if client.signs_messages else offered[0]
    return requested if requested in offered else default
