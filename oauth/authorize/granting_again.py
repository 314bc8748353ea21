"""The usual answer without a page, in two statements: a read without locks, and a write that happens only if nothing
has changed since.

The write locks the decision and the session, and happens only if the row of the client is as it was read. PostgreSQL
re-reads a row that it had to wait for, so a denial in another tab or a logout that commits first leaves nothing to
write. Then, and in every case that is not the usual one, the caller decides again in a transaction.
"""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from django.db import transaction

from oauth import authorization_details, fast_path
from oauth.authorization_details import Detail
from oauth.authorize import code, decision, remembered, response
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Respond
from oauth.fast_path.model_rows import Values, values
from oauth.infrastructure.rows import changed
from oauth.models import AuditEvent, Authorization, AuthorizationCode, Client, RememberedConsent, Session


def try_fast(interaction: Interaction, sid: str | None) -> Respond | None:
    """The code for what the user allowed before in the session `sid`; None if the caller must decide again. Raises
    LoginRequired if the user has logged out since the read."""
    request, client, user = interaction.request, interaction.client, interaction.user
    is_usual = interaction.row is None and request.pushed_id is None and request.response_type == "code"
    login = interaction.login
    if not (fast_path.is_on() and is_usual and login and sid):
        return None
    session = Session(id=UUID(sid), user=user, auth_time=login.auth_time, acr=login.acr, amr=list(login.amr))
    known = remembered.find_decision(request, client, user, unlocked_in=session)
    if known is None:
        return None
    details = known.authorization.authorization_details
    if authorization_details.limited_by(details).isdisjoint(request.scopes):
        return _respond(interaction, session, known, [])
    try:
        with transaction.atomic():  # the limits are written by those who know them
            limits = authorization_details.granted_again(details, user, client.client_id, request.scopes)
            outcome = _respond(interaction, session, known, limits)
            if outcome is None:
                transaction.set_rollback(True)
    except authorization_details.NotAnswered:
        return None
    return outcome


def _respond(
    interaction: Interaction, session: Session, known: RememberedConsent, limits: Sequence[Detail]
) -> Respond | None:
    request, client, user = interaction.request, interaction.client, interaction.user
    given, event = decision.unsaved_again(request, client, session, limits, until=known.expires_at)
    secret, row = code.unsaved(given, request)
    parameters = [
        *remembered.same_decision(known, client, user),
        *(session.pk, user.pk, session.auth_time, session.acr, session.amr),
        *(client.pk, client.row_version, client.row_version),
        *_authorizations().of(given),
        *values(AuditEvent).of(event),
        *values(AuthorizationCode).of(row),
    ]
    if changed(_statement(), parameters) != 1:
        decision.keep_open(session)  # or the caller would begin a new session after a logout
        return None
    return response.success(request, client, {"code": secret})


@cache
def _authorizations() -> Values[Authorization]:
    return Values(Authorization, by_database=("status_index",))


@cache
def _statement() -> str:
    """`open` is the session as the browser's login says; a logout waits for FOR KEY SHARE (ASVS 5.0 7.4.1). The client
    is as it was read, if its version is known."""
    sessions, clients = Session._meta.db_table, Client._meta.db_table
    events, codes = values(AuditEvent), values(AuthorizationCode)
    return f"""
WITH decision AS ({remembered.SAME_DECISION}),
open AS (
  SELECT session.id FROM decision, {sessions} session
   WHERE session.id = %s AND session.user_id = %s AND session.ended_at IS NULL AND session.auth_time = %s
     AND session.acr = %s AND session.amr = %s::varchar[]
     AND EXISTS (SELECT FROM {clients} WHERE id = %s::bigint AND (%s::text IS NULL OR xmin::text = %s::text))
     FOR KEY SHARE OF session),
given AS (
  INSERT INTO {Authorization._meta.db_table} ({_authorizations().columns}) SELECT {_authorizations().marks} FROM open
  RETURNING id),
event AS (INSERT INTO {AuditEvent._meta.db_table} ({events.columns}) SELECT {events.marks} FROM given)
INSERT INTO {AuthorizationCode._meta.db_table} ({codes.columns}) SELECT {codes.marks} FROM given"""  # noqa: S608
