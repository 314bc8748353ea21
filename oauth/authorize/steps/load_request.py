"""Reads the request of a client, from the query, a form, a request object or an earlier pushed request."""

from oauth.authorize import pushed_request, request_object
from oauth.authorize.outcome import Refuse
from oauth.authorize.request import AuthorizationRequest, ReturnAddress, parse, return_address
from oauth.errors import InvalidRequest, OAuthError
from oauth.models import Client
from oauth.parameters import Parameters


def load_pushed_request(params: Parameters, client: Client) -> AuthorizationRequest | None:
    """RFC 9126 §4: the pushed request counts, and nothing that the browser adds. None if the request was not pushed.

    Raises InvalidRequestURI, which must be shown to the user.
    """
    request_uri = params.get("request_uri", "")
    return pushed_request.find(client, request_uri) if request_uri.startswith(pushed_request.PREFIX) else None


def load_request(params: Parameters, client: Client) -> AuthorizationRequest | Refuse:
    """The valid request, or the error to send to the client.

    Raises the OAuthError, to be shown to the user, if the return address is not proven.
    """
    address: ReturnAddress | None = None
    try:
        if client.must_push:
            # RFC 9126 §5, §6, FAPI 2.0 §5.3.2.2: the client said that it pushes all its requests.
            address = return_address(params, client)
            raise InvalidRequest("This client must push its requests to /oauth/par and send the request_uri.")
        if "redirect_uri" in params:
            # Proven outside of the request object: nothing inside counts until its signature is verified.
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
            raise
        return Refuse(address, client, refusal)
