"""Reads an authorization request from the query, a form, a request object or a pushed request."""

from django.http import HttpRequest

from oauth.authorize import pushed_request, request_object, response
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Refuse
from oauth.authorize.request import AuthorizationRequest, parse, return_address
from oauth.errors import InvalidRequest, OAuthError
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.sessions.authentication_context import AuthenticationContext


def load_request(
    http_request: HttpRequest, params: Parameters, client: Client, login: AuthenticationContext | None
) -> Interaction | Refuse:
    """A new interaction for a request in the query.

    Raises the OAuthError that must be shown to the user instead of redirected.
    """
    if params.get("request_uri", "").startswith(pushed_request.PREFIX):
        # RFC 9126 §4: use only the pushed parameters and ignore any others in the query.
        return Interaction(http_request, pushed_request.find(client, params["request_uri"]), client, login)
    request = _validated(params, client)
    return request if isinstance(request, Refuse) else Interaction(http_request, request, client, login)


def store_posted_request(params: Parameters, client: Client) -> dict[str, str] | Refuse:
    """Stores a request that was sent by POST as if it had been pushed. Returns the parameters for a redirect to GET.

    Browsers send no SameSite cookies with a POST from another site, so the user's session is unknown until then.
    """
    request = _validated(params, client)
    if isinstance(request, Refuse):
        return request
    return {"client_id": client.client_id, "request_uri": pushed_request.store(client, request)}


def _validated(params: Parameters, client: Client) -> AuthorizationRequest | Refuse:
    """Validates the request. If the redirect URI is valid, returns an error for the client; otherwise raises an error
    for the user.
    """
    address = None
    try:
        if client.must_push:
            # RFC 9126 §5, §6, FAPI 2.0 §5.3.2.2: this client must push all its requests.
            address = return_address(params, client)
            raise InvalidRequest("This client must push its requests to /oauth/par and send the request_uri.")
        if "redirect_uri" in params:
            # Take the redirect URI from outside the request object, whose signature is not verified yet.
            address = return_address(params, client)
        opened = request_object.opened(params, client)
        if "authorization_details" in params and "request" not in params and not client.is_public:
            # ASVS 5.0 10.4.15: a confidential client must not send unsigned authorization_details through the browser.
            address = return_address(opened, client)
            raise InvalidRequest("authorization_details must be pushed to /oauth/par or signed (RFC 9101).")
        address = return_address(opened, client)
        return parse(opened, address)
    except OAuthError as refusal:
        if address is None:
            # The audit log records the client, because its developer may ask about the error ID on the page.
            refusal.client_id, refusal.is_of_known_client = client.client_id, True
            raise
        return response.error(address, client, refusal)
