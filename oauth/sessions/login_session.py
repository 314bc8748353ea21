"""The Session of a browser's login, and what ends with it."""

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from oauth.models import AuditEvent, Authorization, Session
from oauth.models.secret import digest
from oauth.sessions import authentication_context, backchannel_logout
from oauth.sessions.authentication_context import AuthenticationContext

_SID = "oauth.sid"


def current(request: HttpRequest) -> Session:
    """The Session of the logged-in user. Creates or updates it if the user has logged in since."""
    user: Any = request.user
    context = authentication_context.current(request)
    sid = request.session.get(_SID)
    if sid:
        known = Session.objects.filter(pk=sid, user=user, ended_at=None).first()
        if known is not None:
            known.user = user  # saves a query
            if known.auth_time != context.auth_time:
                # If the user has logged in again in this browser, continue the session with the new login.
                known.auth_time, known.acr, known.amr = context.auth_time, context.acr, list(context.amr)
                known.save(update_fields=["auth_time", "acr", "amr"])
            return known
        _end(Session.objects.filter(pk=sid), Session.EndReason.REPLACED)
    session = _begin(user, context, request.session.session_key)
    request.session[_SID] = str(session.pk)
    return session


def _begin(user: Any, context: AuthenticationContext, session_key: str | None) -> Session:
    """ASVS 5.0 7.4.1: parallel requests of several tabs must get the same row, so that one logout ends all access."""
    key = digest(session_key) if session_key else None
    session = Session(
        user=user, auth_time=context.auth_time, acr=context.acr, amr=list(context.amr), browser_digest=key
    )
    Session.objects.bulk_create([session], ignore_conflicts=True)
    if key is None:
        return session
    begun = Session.objects.filter(browser_digest=key, user=user, ended_at=None).first()
    if begun is None:
        return session  # ended meanwhile; writing an authorization will fail
    begun.user = user  # saves a query
    return begun


def current_sid(request: HttpRequest) -> str | None:
    """The `sid` of this browser's login; None before the first authorization."""
    return sid_in(request.session)


def sid_in(browser_session: SessionBase) -> str | None:
    """The `sid` in a Django session; None before the first authorization."""
    sid: str | None = browser_session.get(_SID)
    return sid


def end(request: HttpRequest, reason: Session.EndReason) -> None:
    """Ends the Session of this browser and all access without `offline_access`."""
    end_in_browser(request.session, reason)


def end_in_browser(browser_session: SessionBase, reason: Session.EndReason) -> None:
    """Like `end`, for any browser's Django session."""
    if sid := browser_session.get(_SID):
        _end(Session.objects.filter(pk=sid), reason)


def end_replaced(browser_session_key: str, user: Any) -> None:
    """Ends the Session of this browser session unless it is of this user. Django removes a browser session without a
    logout if another user logs in with it.
    """
    live = Session.objects.filter(browser_digest=digest(browser_session_key), ended_at=None)
    replaced = live.exclude(user=user)
    if replaced.exists():  # hardly ever: most logins are spared the transaction and its lock
        _end(replaced, Session.EndReason.REPLACED)


def end_all(user: Any, reason: Session.EndReason) -> int:
    """Ends every Session of a user and every authorization without `offline_access`, also one with no live Session."""
    with transaction.atomic():
        ended = _end(Session.objects.filter(user=user), reason)
        Authorization.objects.filter(user=user).online().revoke(Authorization.RevocationReason.LOGOUT)
    return ended


_WHY = {
    Session.EndReason.PASSWORD: Authorization.RevocationReason.PASSWORD,
    Session.EndReason.ADDRESS: Authorization.RevocationReason.ADDRESS,
    Session.EndReason.DEACTIVATED: Authorization.RevocationReason.DEACTIVATED,
}


def end_access(user: Any, reason: Session.EndReason, *, by: Any = None) -> None:
    """Ends every Session and every authorization of a user, including offline access (ASVS 5.0 7.4.2, 7.4.3).

    `by` is the member of staff who causes this.
    """
    with transaction.atomic():
        end_all(user, reason)
        Authorization.objects.filter(user=user).revoke(_WHY[reason], by=by)


def _end(sessions: QuerySet[Session], reason: Session.EndReason) -> int:
    """Ends the sessions and their online access, and enqueues the notices to clients, in one transaction."""
    with transaction.atomic():
        ended = list(sessions.filter(ended_at=None).select_for_update().order_by("pk"))
        if not ended:
            return 0
        Session.objects.filter(pk__in=[session.pk for session in ended]).update(
            ended_at=timezone.now(), end_reason=reason
        )
        for session in ended:
            AuditEvent.record(AuditEvent.Action.LOGGED_OUT, user=session.user_id, reason=reason.label)
            backchannel_logout.enqueue_notices(session)
        Authorization.objects.filter(session__in=ended).online().revoke(Authorization.RevocationReason.LOGOUT)
    return len(ended)
