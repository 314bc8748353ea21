"""Checks that the client may still send this request."""

from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Ended
from oauth.authorize.steps.refuse import refuse
from oauth.errors import InvalidRequest, UnauthorizedClient


def check_client(interaction: Interaction) -> Ended | None:
    """FAPI 2.0 §5.3.2.2, RFC 9700 §2.1.2: staff may have switched the client to pushed requests, or taken the implicit
    flow from it, while the user logged in and decided. A new request was checked a moment ago.
    """
    request, client = interaction.request, interaction.client
    if interaction.row is None:
        return None
    if client.must_push and request.pushed_id is None:
        return refuse(interaction, InvalidRequest("This client must push its requests to /oauth/par now. Start again."))
    if request.response_type not in client.response_types:
        told = f"This client is no longer registered for response_type={request.response_type}."
        return refuse(interaction, UnauthorizedClient(told))
    return None
