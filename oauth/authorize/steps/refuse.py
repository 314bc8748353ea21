"""Ends an interaction with an error response."""

from django.db import transaction

from oauth.authorize import answer, pushed_request, response
from oauth.authorize.interaction import Interaction, lock
from oauth.authorize.outcome import Ended, Refuse
from oauth.errors import OAuthError


def refuse(interaction: Interaction, refusal: OAuthError) -> Ended:
    """RFC 9126 §4: an error response also consumes a pushed request."""
    if interaction.row is None:
        return _refuse(interaction, refusal)
    with transaction.atomic():
        interaction = lock(interaction)
        return answer.repeated(interaction) if interaction.is_answered else _refuse(interaction, refusal)


def _refuse(interaction: Interaction, refusal: OAuthError) -> Refuse:
    pushed_request.consume(interaction.request)
    outcome = response.error(interaction.request, interaction.client, refusal)
    answer.keep(interaction, outcome.delivery)
    return outcome
