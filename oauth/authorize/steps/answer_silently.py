"""Answers without a page if the user has allowed the entire request before."""

from django.db import transaction

from oauth.authorize import answer, consent, decision, granting_again, pushed_request
from oauth.authorize.interaction import Interaction, lock
from oauth.authorize.outcome import Repeat, Respond
from oauth.authorize.steps.respond import respond
from oauth.sessions import login_session


def answer_silently(interaction: Interaction) -> Respond | Repeat | None:
    request, client = interaction.request, interaction.client
    if interaction.form is not None or consent.is_always_needed(request, client):
        return None
    sid = login_session.current_sid(interaction.http_request)
    if (usual := granting_again.try_fast(interaction, sid)) is not None:
        return usual
    try:
        with transaction.atomic():
            interaction = lock(interaction)
            if interaction.is_answered:
                return answer.repeated(interaction)
            until, limits = consent.remembered_answer(request, client, interaction.user)
            pushed_request.consume(request)
            # Call this last, because it cannot be rolled back completely: the ID of a new session stays in the browser
            # session.
            session = login_session.current(interaction.http_request)
            authorization = decision.allow_again(request, client, session, limits, until=until)
            return respond(interaction, authorization, request)
    except consent.ConsentNeeded:
        return None
