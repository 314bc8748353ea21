"""Requires a login that is as strong as the client requests (step-up authentication)."""

from oauth.authorize.acr import is_met
from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import Ended, StepUp
from oauth.authorize.steps.refuse import refuse
from oauth.conf import conf
from oauth.errors import UnmetAuthenticationRequirements


def step_up(interaction: Interaction) -> StepUp | Ended | None:
    """RFC 9470 §5, OpenID Connect Core §5.5.1.1.

    Users who have set up a stronger login must use it. For other users, an essential acr is refused and a voluntary one
    is ignored.
    """
    login = interaction.login
    assert login is not None, "require_login comes first"
    essential, preferred = interaction.request.essential_acr_values, interaction.request.acr_values
    meets_essential = is_met(login.acr, essential, ladder=conf.ACR_VALUES)
    if meets_essential and is_met(login.acr, preferred, ladder=conf.ACR_VALUES):
        return None
    unmet = preferred if meets_essential else essential
    could_meet = is_met(login.reachable_acr(), unmet, ladder=conf.ACR_VALUES)
    if conf.STEP_UP_URL and not interaction.request.is_silent and could_meet:
        return StepUp(start(interaction))
    if meets_essential:
        return None
    too_weak = UnmetAuthenticationRequirements("The user has no login method that meets the required acr.")
    return refuse(interaction, too_weak)
