"""Repeats the response of an interaction that was answered a moment ago."""

from oauth.authorize import answer
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Repeat


def answer_again(interaction: Interaction) -> Repeat | None:
    """For double clicks, resubmitted forms and users who go back. Raises InteractionOver if the response must not be
    repeated.
    """
    return answer.repeated(interaction) if interaction.is_answered else None
