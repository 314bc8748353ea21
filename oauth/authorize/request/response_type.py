"""The parameters response_type and response_mode."""

from oauth.authorize import response_modes
from oauth.conf import conf
from oauth.errors import InvalidRequest, UnauthorizedClient, UnsupportedResponseType
from oauth.models import Client
from oauth.parameters import Parameters


def supported_response_types() -> list[str]:
    """RFC 9700 §2.1.2, ASVS 5.0 10.6.1: only `code`, unless the site allows the implicit flow."""
    return ["code", "token"] if conf.ALLOW_IMPLICIT else ["code"]


def requested_response_type(params: Parameters, client: Client) -> str:
    """Raises UnsupportedResponseType, or UnauthorizedClient if this client is not registered for it."""
    response_type = params.require("response_type")
    supported = supported_response_types()
    if response_type not in supported:
        raise UnsupportedResponseType(f"response_type must be {' or '.join(supported)}.")
    if response_type not in client.response_types:
        raise UnauthorizedClient(f"This client is not registered for response_type={response_type}.")
    return response_type


def check_response_mode(params: Parameters, client: Client, response_type: str) -> None:
    """RFC 9700 §4.17, ASVS 5.0 10.4.12: each response type has an allow-list of modes. A code must not be sent in a
    fragment, where scripts could read it. A client that requires signed responses must send a mode that signs. Raises
    InvalidRequest.
    """
    modes = response_modes.offered(response_type, only_signed=client.signs_messages)
    if params.get("response_mode", "" if client.signs_messages else modes[0]) not in modes:
        raise InvalidRequest(f"response_mode must be {' or '.join(modes)}.")
