"""The page where a user changes what an authorization covers, such as the accounts (ASVS 5.0 10.7.3)."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from oauth import authorization_details, parameters
from oauth.authorization_details import Detail, NotAnswered, Question, ScopeDetails
from oauth.authorize import grant_management, picker, remembered
from oauth.errors import InvalidRequest
from oauth.models import AuditEvent, Authorization
from oauth.pages.user_page import UserPage
from oauth.parameters import Parameters

# The form field with the digest of the detail that the page showed.
_SHOWN = "shown"


class AppDetails(UserPage):
    """Returns 404 for an authorization that is unknown, ended, another user's, or has nothing to change."""

    endpoint = "apps"

    def get(self, request: HttpRequest, authorization_id: UUID, number: int) -> HttpResponse:
        return _page(request, *_find(request, authorization_id, number))

    def post(self, request: HttpRequest, authorization_id: UUID, number: int) -> HttpResponse:
        try:
            params = parameters.from_body(request, repeatable=picker.REPEATABLE)
        except InvalidRequest:
            raise Http404 from None
        if params.get("decision") != "save":
            return _page(request, *_find(request, authorization_id, number), given=params)
        with transaction.atomic():
            _lock_all_of_app(request.user, authorization_id)
            grant, detail, question = _find(request, authorization_id, number)
            if params.get(_SHOWN, _digest(detail)) != _digest(detail):
                # The choice must not apply to a detail that the user has not seen: the app may have got a wider one.
                problem = _("This permission has changed since you opened the page. Check what is selected now.")
                return _page(request, grant, detail, question, problem=problem)
            try:
                _change(grant, number, picker.chosen(params)[0])
            except NotAnswered as error:
                return _page(request, grant, detail, question, given=params, problem=str(error))
        messages.success(request, _("Changed. The app no longer has what you unticked."))
        return HttpResponseRedirect(reverse("oauth:apps"), status=303)


def _find(request: HttpRequest, authorization_id: UUID, number: int) -> tuple[Authorization, Detail, Question]:
    user: Any = request.user
    grant = Authorization.objects.live().filter(user=user, pk=authorization_id).select_related("client").first()
    details = authorization_details.explicit_details(grant.authorization_details, grant.scopes) if grant else []
    question = authorization_details.question_again(details[number], user) if number < len(details) else None
    if grant is None or question is None:
        raise Http404
    return grant, details[number], question


def _lock_all_of_app(user: Any, authorization_id: UUID) -> None:
    """Locks the user's live authorizations of the app, in one order, so that two changes wait for each other."""
    client = Authorization.objects.filter(user=user, pk=authorization_id).values("client")
    theirs = Authorization.objects.live().filter(user=user, client__in=client)
    list(theirs.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _digest(detail: Detail) -> str:
    """Identifies the detail in the form, because its number may be that of another detail when the form comes."""
    return hashlib.sha256(json.dumps(detail, sort_keys=True).encode()).hexdigest()


def _change(grant: Authorization, number: int, chosen: list[str]) -> None:
    details = authorization_details.explicit_details(grant.authorization_details, grant.scopes)
    detail = details[number]
    details_type = authorization_details.types()[detail["type"]]
    limits = details_type if isinstance(details_type, ScopeDetails) else None
    taken = limits.taken_away(detail, grant.user, chosen) if limits else ()
    changed = details_type.changed(detail, grant.user, grant.client.client_id, chosen)
    if [changed] != details or grant.authorization_details:  # otherwise still without a limit
        _write(grant, [changed if n == number else one for n, one in enumerate(details)], detail)
    if limits is None or not taken:
        return
    # The app may have several authorizations, for example one for each login without a page. Each of them would still
    # cover what the user has just taken away. `narrow`, in `_write`, has waited for a parallel login without a page.
    others = Authorization.objects.live().filter(user=grant.user, client=grant.client).select_related("client")
    for other in others.select_for_update(of=("self",)).order_by("pk"):
        before = authorization_details.explicit_details(other.authorization_details, other.scopes)
        after = [
            limits.without(one, grant.user, grant.client.client_id, taken)
            if one["type"] == detail["type"] and (other.pk != grant.pk or n != number)
            else one
            for n, one in enumerate(before)
        ]
        if after != before:
            _write(other, after, *[one for one in before if one not in after])


def _write(grant: Authorization, details: Sequence[Detail], *changed: Detail) -> None:
    grant_management.change_details(grant, details)
    remembered.narrow_by_details(grant.user, grant.client, changed)
    AuditEvent.record(
        AuditEvent.Action.ALLOWED,
        user=grant.user_id,
        client=grant.client.client_id,
        authorization=grant.pk,
        reason=f"changed: {', '.join(sorted({one['type'] for one in changed}))}",
    )


def _page(
    request: HttpRequest,
    grant: Authorization,
    detail: Detail,
    question: Question,
    *,
    given: Parameters | None = None,
    problem: str = "",
) -> HttpResponse:
    context = {
        "client": grant.client,
        "parts": picker.parts([question], given),
        "problem": problem,
        "shown": _digest(detail),
    }
    return render(request, "oauth/app_details.html", context, status=400 if problem else 200)
