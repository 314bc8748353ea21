"""Shows the consent page, unless the user has just answered it."""

from oauth.authorize.consent_prompt import consent_prompt
from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import AskConsent, Refuse
from oauth.authorize.steps.refuse import refuse
from oauth.errors import ConsentRequired


def ask_consent(interaction: Interaction) -> AskConsent | Refuse | None:
    """OpenID Connect Core §3.1.2.4, and §3.1.2.6 for prompt=none."""
    if interaction.form is not None:
        return None
    if interaction.request.is_silent:
        return refuse(interaction, ConsentRequired("The user must be asked for consent."))
    asking = start(interaction)
    return AskConsent(asking, consent_prompt(asking))
