"""Ends an interaction with an error response."""

from oauth.authorize import pushed_request, response
from oauth.authorize.interaction import Interaction, finish
from oauth.authorize.outcome import Refuse
from oauth.errors import OAuthError


def refuse(interaction: Interaction, refusal: OAuthError) -> Refuse:
    """RFC 9126 §4: an error is an answer, too, so it consumes a pushed request."""
    pushed_request.consume(interaction.request)
    finish(interaction)
    return response.error(interaction.request, interaction.client, refusal)
