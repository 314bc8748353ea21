"""Reads a browser's login, its user and the user's decisions about a client in one statement instead of three."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils import timezone

from oauth.authorize import remembered
from oauth.fast_path import browser_login
from oauth.fast_path.model_rows import Columns, source
from oauth.infrastructure.rows import rows
from oauth.models import Client, Session
from oauth.models.secret import digest
from oauth.sessions import login_session
from oauth.sessions.authentication_context import AuthenticationContext, login_of

#: How many decisions are read. If none of them covers the request, the usual path reads all.
NEWEST_DECISIONS = 3


@dataclass(frozen=True, slots=True)
class KnownLogin:
    """`sid` is the ID of the live Session. `decisions` are the user's newest live decisions about the client, as rows
    with `remembered.columns()`.
    """

    login: AuthenticationContext | None
    sid: str
    decisions: list[tuple[Any, ...]]


def find(request: HttpRequest, session_key: str, client: Client) -> KnownLogin | None:
    """Sets `session` and `user` of the request, as Django's middleware does. Returns None if nobody is logged in, if
    the login has expired (ASVS 5.0 7.3.2) or ended (7.4.1), if it has no Session yet, or if the user has no live
    decision about the client.
    """
    now = timezone.now()
    found = rows(_statement(), [digest(session_key), client.pk, now, now, session_key, now])
    if not found:
        return None
    data, sid, *row = found[0]
    session, user = browser_login.opened(session_key, data), _users().instance(row[: _users().count])
    # The statement finds the user by the session key. The signed session data must name the same user.
    if not browser_login.is_logged_in(session, user) or login_session.sid_in(session) != str(sid):
        return None
    request.session, request.user = session, user
    login = login_of(request)
    of_decision = 2 + _users().count
    return KnownLogin(login, str(sid), [row[of_decision:] for row in found])


@cache
def _users() -> Columns[Any]:
    return Columns(get_user_model(), "user_")


@cache
def _statement() -> str:
    users: Any = get_user_model()
    return f"""
SELECT browser.session_data, session.id, {_users().sql}, {remembered.columns()}
  FROM {browser_login.session_table()} browser
  JOIN {Session._meta.db_table} session ON session.browser_digest = %s AND session.ended_at IS NULL
  JOIN {source(users, "user_")} ON user_."{users._meta.pk.column}" = session.user_id
  JOIN {remembered.DECISIONS} ON given.user_id = session.user_id AND {remembered.IS_LIVE}
 WHERE browser.session_key = %s AND browser.expire_date > %s
 ORDER BY decision.decided_at DESC LIMIT {NEWEST_DECISIONS}"""  # noqa: S608 (names of tables and columns)
