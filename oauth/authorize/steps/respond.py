"""Ends an interaction with a successful response."""

from oauth.authorize import answer, code, implicit, response
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Respond
from oauth.authorize.request import AuthorizationRequest
from oauth.models import Authorization


def respond(interaction: Interaction, authorization: Authorization, allowed: AuthorizationRequest) -> Respond:
    """Writes the code and stores the response for a double click. Call this in the transaction of the decision.
    `allowed` is the part of the request that the user allowed.
    """
    parameters = _parameters(authorization, allowed)
    outcome = response.success(interaction.request, interaction.client, parameters)
    answer.keep(interaction, outcome.delivery, authorization=authorization, code=parameters.get("code", ""))
    return outcome


def _parameters(authorization: Authorization, request: AuthorizationRequest) -> dict[str, str]:
    """The response parameters for the response type."""
    if request.response_type == "token":
        return implicit.token_parameters(authorization, request)
    return {"code": code.issue(authorization, request)}
