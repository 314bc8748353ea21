"""The Session row that belongs to a browser's log-in."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from oauth.authorization import authentication_context
from oauth.models import Session

_SID = "oauth.sid"


def current(request: HttpRequest) -> Session:
    """The Session of the person who is logged in; a new one where they logged in since the last look."""
    user: Any = request.user
    context = authentication_context.of(request)
    sid = request.session.get(_SID)
    if sid:
        known = Session.objects.filter(pk=sid, user=user, ended_at=None, auth_time=context.auth_time).first()
        if known is not None:
            return known
        Session.objects.filter(pk=sid, ended_at=None).update(
            ended_at=timezone.now(), end_reason=Session.EndReason.REPLACED
        )
    session = Session.objects.create(user=user, auth_time=context.auth_time, acr=context.acr, amr=list(context.amr))
    request.session[_SID] = str(session.pk)
    return session


def end(request: HttpRequest, reason: Session.EndReason) -> None:
    """Ends the Session of this browser; what was not allowed offline ends with it."""
    if sid := request.session.get(_SID):
        Session.objects.filter(pk=sid, ended_at=None).update(ended_at=timezone.now(), end_reason=reason)


def end_all(user: Any, reason: Session.EndReason) -> int:
    """Ends every Session of a user, whatever browser."""
    return Session.objects.filter(user=user, ended_at=None).update(ended_at=timezone.now(), end_reason=reason)
