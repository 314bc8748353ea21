"""Answers with what the user allowed on the consent page."""

from django.db import transaction

from oauth.authorization_details import NotAnswered
from oauth.authorize import answer, decision, permissions, picker, pushed_request
from oauth.authorize.consent_prompt import consent_prompt
from oauth.authorize.interaction import Interaction, lock
from oauth.authorize.outcome import AskConsent, Repeat, Respond
from oauth.authorize.steps.respond import respond
from oauth.sessions import login_session


def answer_with_consent(interaction: Interaction) -> Respond | Repeat | AskConsent:
    """Consumes the request and writes the authorization and its code in one transaction.

    If a form is submitted twice at the same moment, the second request waits and then gets the same response.
    """
    request, client, form = interaction.request, interaction.client, interaction.form
    assert form is not None, "ask_consent comes first"
    session = login_session.current(interaction.http_request)
    try:
        with transaction.atomic():
            interaction = lock(interaction)
            if not interaction.is_answered:
                pushed_request.consume(request)
            elif answer.is_changed(interaction):
                answer.replace(interaction)
            else:
                return answer.repeated(interaction)
            allowed = permissions.allowed_part(request, client, form)
            authorization = decision.allow(allowed, client, session, picker.chosen(form), shown=request)
            return respond(interaction, authorization, allowed)
    except NotAnswered as error:
        return AskConsent(interaction, consent_prompt(interaction, problem=str(error)))
