"""The user pressed a button of the consent page, or of the page that offers another account."""

from dataclasses import replace

from django.contrib.auth import logout

from oauth.authorize import decision, picker, steps
from oauth.authorize.consent_prompt import consent_prompt
from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import AskConsent, LogIn, Outcome
from oauth.authorize.steps.refuse import refuse
from oauth.errors import AccessDenied, InvalidRequest


def decide(interaction: Interaction) -> Outcome:
    """Everything but the button and the ticks is what the server stored. Raises InvalidRequest, to be shown."""
    assert interaction.form is not None
    if interaction.login is None:
        return LogIn(interaction)
    match interaction.form.get("decision", ""):
        case "allow":
            return steps.run(interaction)
        case button if picker.is_look(button):
            return AskConsent(interaction, consent_prompt(interaction))
        case "deny":
            decision.deny(interaction.user, interaction.client, interaction.request.consented_scopes)
            return refuse(interaction, AccessDenied("The user denied the request."))
        case "switch":
            logout(interaction.http_request)
            return LogIn(start(replace(interaction, login=None, id="", form=None)))
        case _:
            raise InvalidRequest("The decision must be allow, deny or switch.")
