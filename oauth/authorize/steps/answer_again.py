"""Gives an interaction that was answered a moment ago the same answer."""

from oauth.authorize import answer
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Repeat


def answer_again(interaction: Interaction) -> Repeat | None:
    """This step is for double clicks, repeated posts and users who go back. Raises InteractionOver if the answer no
    longer counts.
    """
    return answer.repeated(interaction) if interaction.is_answered else None
