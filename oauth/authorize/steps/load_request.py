"""Reads the request of a client, from the query, a form, a request object or an earlier pushed request."""

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
    """A new interaction for the request in the browser's query.

    Raises the OAuthError that must be shown to the user and not redirected.
    """
    if params.get("request_uri", "").startswith(pushed_request.PREFIX):
        # RFC 9126 §4: the pushed request counts, and nothing that the browser adds.
        return Interaction(http_request, pushed_request.find(client, params["request_uri"]), client, login)
    request = _validated(params, client)
    return request if isinstance(request, Refuse) else Interaction(http_request, request, client, login)


def store_posted_request(params: Parameters, client: Client) -> dict[str, str] | Refuse:
    """Stores a request that came by POST as if it had been pushed; returns the parameters to come back with by GET.

    Browsers send no SameSite cookie with a POST from another site, so the user's session is not known yet.
    """
    request = _validated(params, client)
    if isinstance(request, Refuse):
        return request
    return {"client_id": client.client_id, "request_uri": pushed_request.store(client, request)}


def _validated(params: Parameters, client: Client) -> AuthorizationRequest | Refuse:
    """The error goes to the client if its return address is proven; else it is raised, to be shown."""
    address = None
    try:
        if client.must_push:
            # RFC 9126 §5, §6, FAPI 2.0 §5.3.2.2: the client said that it pushes all its requests.
            address = return_address(params, client)
            raise InvalidRequest("This client must push its requests to /oauth/par and send the request_uri.")
        if "redirect_uri" in params:
            # The return address must be proven from the parameters outside of the request object, whose signature is
            # not verified yet.
            address = return_address(params, client)
        opened = request_object.opened(params, client)
        if "authorization_details" in params and "request" not in params and not client.is_public:
            # ASVS 5.0 10.4.15: a confidential client must not send them through the browser.
            address = return_address(opened, client)
            raise InvalidRequest("authorization_details must be pushed to /oauth/par or signed (RFC 9101).")
        address = return_address(opened, client)
        return parse(opened, address)
    except OAuthError as refusal:
        if address is None:
            # The audit log names the client: its developer asks by the error id of the user's page.
            refusal.client_id, refusal.is_of_known_client = client.client_id, True
            raise
        return response.error(address, client, refusal)
