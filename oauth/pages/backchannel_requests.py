"""The page where a user answers backchannel requests of apps (CIBA §8)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from oauth import authorization_details, parameters
from oauth.authorization_details import NotAnswered
from oauth.authorize import backchannel_notices, backchannel_request, consent, decision, permissions, picker
from oauth.authorize.acr import is_met
from oauth.conf import conf
from oauth.errors import InvalidRequest
from oauth.infrastructure import clock, display_names
from oauth.models import BackchannelRequest
from oauth.pages import usual_login
from oauth.pages.user_page import UserPage
from oauth.parameters import Parameters
from oauth.sessions import authentication_context, login_session


class RequestsPage(UserPage):
    endpoint = "requests"
    referrer_policy = "no-referrer"

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Returns 404 for a request that is unknown, expired, or for another user."""
        try:
            params = parameters.from_body(request, repeatable=picker.REPEATABLE)
            request_id, button = UUID(params.require("request")), params.get("decision")
        except (InvalidRequest, ValueError):
            raise Http404 from None
        if picker.is_look(button or ""):
            return _page(request, request_id, given=params)
        if button not in ("allow", "deny"):
            raise Http404
        with transaction.atomic():
            asked = (
                _theirs(request).select_for_update(of=("self",)).select_related("client").filter(pk=request_id).first()
            )
            if asked is None:
                return _decide_again(request, request_id, button)
            if button == "allow":
                login = authentication_context.current(request)
                if not is_met(login.acr, asked.acr_values, ladder=conf.ACR_VALUES):
                    return _log_in_more_strongly(
                        request, can=is_met(login.reachable_acr(), asked.acr_values, ladder=conf.ACR_VALUES)
                    )
                preferred = () if asked.acr_values else asked.client.default_acr_values
                elsewhere = usual_login.way_to_login(
                    request, asked.client, asked_at=asked.created_at, acr_values=preferred,
                    way_back=reverse("oauth:requests"),
                )  # fmt: skip
                if elsewhere is not None:
                    return elsewhere
                wanted = asked.scopes
                try:
                    kept = permissions.kept(wanted, asked.client, params)
                    with transaction.atomic():
                        asked.authorization = decision.allow_scopes(
                            asked.client,
                            login_session.current(request),
                            scopes=kept,
                            resources=asked.resources,
                            chosen=picker.chosen(params),
                            withheld=set(wanted) - set(kept),
                        )
                except NotAnswered as error:
                    messages.error(request, str(error))
                    return HttpResponseRedirect(reverse("oauth:requests"), status=303)
                asked.scopes = list(kept)
                messages.success(request, _("Allowed. The app continues by itself."))
            else:
                asked.denied_at = clock.now()
                decision.deny(request.user, asked.client, asked.scopes)
                messages.success(request, _("Denied. Nothing was shared."))
            asked.save(update_fields=["authorization", "denied_at", "scopes"])
            backchannel_notices.enqueue_client_notice(asked)
        return HttpResponseRedirect(reverse("oauth:requests"), status=303)


def _decide_again(request: HttpRequest, request_id: UUID, button: str) -> HttpResponse:
    """For a double click, or a user who goes back. Denying what they have allowed ends the access."""
    user: Any = request.user
    decided = decision.decided_before(user, BackchannelRequest.objects.filter(pk=request_id))
    if decided is None:
        raise Http404
    if button == "deny" and decided.denied_at is None:
        decision.take_back(user, decided)
        messages.success(request, _("Removed. The app no longer has access."))
    return HttpResponseRedirect(reverse("oauth:requests"), status=303)


def _page(request: HttpRequest, looked_at: UUID | None = None, *, given: Parameters | None = None) -> HttpResponse:
    """`given` is the submitted form of the request `looked_at`."""
    shown = []
    for one in _theirs(request).select_related("client").order_by("created_at"):
        form = given if one.pk == looked_at else None
        questions = authorization_details.questions(authorization_details.completed((), one.scopes), request.user)
        groups = permissions.groups(one.scopes, one.client, given=form)
        shown.append(
            {
                "asked": one,
                "client": one.client,
                "message": display_names.plain(one.binding_message, longest=200),
                "groups": groups,
                "shown": permissions.shown(groups, one.client),
                "parts": picker.parts(questions, form),
                "expires_at": consent.expires_at(one.client),
            }
        )
    return render(request, "oauth/requests.html", {"requests": shown})


def _theirs(request: HttpRequest) -> Any:
    user: Any = request.user
    return backchannel_request.undecided().filter(user=user)


def _log_in_more_strongly(request: HttpRequest, *, can: bool) -> HttpResponse:
    """CIBA §7.1 acr_values: the user must log in as strongly as the app requires before allowing anything."""
    if can and conf.STEP_UP_URL:
        return usual_login.to_stronger_login(reverse("oauth:requests"))
    messages.error(request, _("This app requires a stronger login. Set up a passkey or an authenticator app first."))
    return HttpResponseRedirect(reverse("oauth:requests"), status=303)
