"""Handles the buttons of the consent page and of the page that offers another account, and “Back to the app”."""

from dataclasses import replace

from django.contrib.auth import logout
from django.db import transaction

from oauth.authorize import answer, decision, picker, steps
from oauth.authorize.consent_prompt import consent_prompt
from oauth.authorize.interaction import Interaction, lock
from oauth.authorize.outcome import AskConsent, Ended, LogIn, Outcome
from oauth.authorize.steps.check_redirect_uri import check_redirect_uri
from oauth.authorize.steps.refuse import refuse
from oauth.errors import AccessDenied, InvalidRequest


def decide(interaction: Interaction) -> Outcome:
    """Reads only the button and the ticks from the form; the stored request has everything else. Raises InvalidRequest,
    which must be shown to the user.
    """
    assert interaction.form is not None
    button = interaction.form.get("decision", "")
    if button == "deny":
        return _deny(interaction)
    if interaction.login is None:
        return LogIn(interaction)
    if button == "allow" or interaction.is_answered:
        return steps.run(interaction)
    if picker.is_look(button):
        return AskConsent(interaction, consent_prompt(interaction))
    if button == "switch":
        logout(interaction.http_request)
        return LogIn(replace(interaction, login=None, form=None))
    raise InvalidRequest("The decision must be allow, deny or switch.")


@transaction.atomic
def _deny(interaction: Interaction) -> Ended:
    """Also works without a login, so that a user who does not want to log in can go back to the client."""
    check_redirect_uri(interaction)
    interaction = lock(interaction)
    if interaction.is_answered:
        return answer.take_back(interaction)
    if interaction.login is not None:
        decision.deny(interaction.user, interaction.client, interaction.request.consented_scopes)
    return refuse(interaction, AccessDenied("The user denied the request."))
