"""Shows the consent page, unless the user has just answered it."""

from dataclasses import replace

from oauth.authorize.consent_prompt import consent_prompt
from oauth.authorize.interaction import Interaction, show
from oauth.authorize.outcome import AskConsent, Ended
from oauth.authorize.steps.refuse import refuse
from oauth.errors import ConsentRequired


def ask_consent(interaction: Interaction) -> AskConsent | Ended | None:
    """OpenID Connect Core §3.1.2.4, and §3.1.2.6 for prompt=none.

    ASVS 5.0 10.7.2: ignores the form of a page that was shown to another user, whose options it lists.
    """
    row = interaction.row
    if interaction.form is not None and row is not None and row.user_id == interaction.user.pk:
        return None
    if interaction.request.is_silent:
        return refuse(interaction, ConsentRequired("The user must be asked for consent."))
    asking = show(replace(interaction, form=None))
    return AskConsent(asking, consent_prompt(asking))
