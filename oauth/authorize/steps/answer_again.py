"""Repeats the response of an interaction that was answered a moment ago."""

from oauth.authorize import answer
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Repeat


def answer_again(interaction: Interaction) -> Repeat | None:
    """For double clicks, resubmitted forms and users who go back, unless they decide otherwise. Raises InteractionOver
    if the response must not be repeated.
    """
    if not interaction.is_answered or answer.is_changed(interaction):
        return None
    return answer.repeated(interaction)
