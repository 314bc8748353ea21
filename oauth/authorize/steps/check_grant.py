"""Checks that the grant to change belongs to this user."""

from oauth.authorize import grant_management
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Ended
from oauth.authorize.steps.refuse import refuse
from oauth.errors import InvalidGrantID


def check_grant(interaction: Interaction) -> Ended | None:
    """FAPI Grant Management §5.4: checks the grant_id of an update or a replacement."""
    if interaction.request.grant_id:
        try:
            grant_management.find_grant(interaction.request.grant_id, interaction.client, user=interaction.user)
        except InvalidGrantID as refusal:
            return refuse(interaction, refusal)
    return None
