"""Ends an interaction with a successful response."""

from oauth.authorize import code, implicit, response
from oauth.authorize.interaction import Interaction, finish
from oauth.authorize.outcome import Respond
from oauth.authorize.request import AuthorizationRequest
from oauth.models import Authorization


def response_parameters(authorization: Authorization, request: AuthorizationRequest) -> dict[str, str]:
    """What the response type gives. Writes the code, in the caller's transaction."""
    if request.response_type == "token":
        return implicit.token_parameters(authorization, request)
    return {"code": code.issue(authorization, request)}


def respond(interaction: Interaction, parameters: dict[str, str]) -> Respond:
    finish(interaction)
    return response.success(interaction.request, interaction.client, parameters)
