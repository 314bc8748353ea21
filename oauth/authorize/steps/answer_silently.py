"""Answers without a page if the user has allowed all of the request before."""

from django.db import transaction

from oauth.authorize import consent, decision, pushed_request
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Respond
from oauth.authorize.steps.respond import respond, response_parameters
from oauth.sessions import login_session


def answer_silently(interaction: Interaction) -> Respond | None:
    request, client = interaction.request, interaction.client
    if interaction.form is not None or consent.is_always_needed(request, client):
        return None
    try:
        with transaction.atomic():
            until = consent.remembered_until(request, client, interaction.user)
            pushed_request.consume(request)
            # Last: a new session may end an older one, and its id stays in the user's session after a rollback.
            session = login_session.current(interaction.http_request)
            authorization = decision.allow(request, client, session, {}, until=until)
            parameters = response_parameters(authorization, request)
    except consent.ConsentNeeded:
        return None
    return respond(interaction, parameters)
