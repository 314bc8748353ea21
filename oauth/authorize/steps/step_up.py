"""Requires a login as strong as the client asked for."""

from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import Refuse, StepUp
from oauth.authorize.steps.refuse import refuse
from oauth.conf import conf
from oauth.errors import UnmetAuthenticationRequirements
from oauth.sessions import authentication_context


def step_up(interaction: Interaction) -> StepUp | Refuse | None:
    """RFC 9470 §5, OpenID Connect Core §5.5.1.1.

    Users who have set up a stronger login are asked for it. For others, an essential acr is refused and a preferred one
    is ignored.
    """
    context = authentication_context.current(interaction.http_request)
    essential, preferred = interaction.request.essential_acr_values, interaction.request.acr_values
    meets_essential = context.meets(essential)
    if meets_essential and context.meets(preferred):
        return None
    unmet = preferred if meets_essential else essential
    if conf.STEP_UP_URL and not interaction.request.is_silent and context.could_meet(unmet):
        return StepUp(start(interaction))
    if meets_essential:
        return None
    too_weak = UnmetAuthenticationRequirements("The user must log in as strongly as acr requires, and cannot.")
    return refuse(interaction, too_weak)
