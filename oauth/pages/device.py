"""The page where a user enters a user code and decides about a device's request (RFC 8628 §3.3)."""

import unicodedata
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from oauth import authorization_details, parameters
from oauth.authorization_details import NotAnswered
from oauth.authorize import consent, decision, permissions, picker
from oauth.conf import conf
from oauth.errors import InvalidRequest
from oauth.infrastructure import clock, rate_limits
from oauth.models import DeviceCode, SandboxUser
from oauth.models.device_code import USER_CODE_ALPHABET, USER_CODE_LENGTH
from oauth.pages import usual_login
from oauth.pages.user_page import UserPage
from oauth.parameters import Parameters
from oauth.sessions import login_session

# RFC 8628 §5.1: the number of wrong codes of a user is limited.
WRONG_CODES = 10
WRONG_CODES_WINDOW_SECONDS = 600
# Django's `timesince` shows a shorter time as "0 minutes".
JUST_NOW = timedelta(minutes=1)


class DevicePage(UserPage):
    endpoint = "device"
    referrer_policy = "no-referrer"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Only fills in a code from the URL, because the user must compare it with the one on the device (RFC 8628
        §5.4).
        """
        return _ask_for_code(request, given=_normalized(request.GET.get("user_code", "")))

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            params = parameters.from_body(request, repeatable=picker.REPEATABLE)
        except InvalidRequest:
            return _ask_for_code(request, error=_("This code does not work."), status=400)
        if _has_guessed_too_often(request.user):
            return _ask_for_code(request, error=_("Too many wrong codes. Wait ten minutes."), status=429)
        user_code = _normalized(params.get("user_code", ""))
        with transaction.atomic():
            waiting = _take(user_code, request.user)
            if waiting is None and (decided := _decide_again(user_code, request.user, params.get("decision", ""))):
                return _done(request, decided)
            if waiting is None:
                _count_wrong_code(request.user)
                return _ask_for_code(request, error=_("This code does not work. It may have expired."), status=404)
            if params.get("decision") != "deny" and (elsewhere := _way_to_login(request, waiting)):
                return elsewhere
            match params.get("decision"):
                case "allow":
                    return self._allow(request, waiting, params)
                case "deny":
                    waiting.denied_at = clock.now()
                    waiting.save(update_fields=["denied_at"])
                    decision.deny(request.user, waiting.client, waiting.scopes)
                    return _done(request, waiting)
                case button:
                    looks = picker.is_look(button or "")
                    return _consent_page(request, waiting, given=params if looks else None)

    def _allow(self, request: HttpRequest, waiting: DeviceCode, given: Parameters) -> HttpResponse:
        asked = waiting.scopes
        try:
            kept = permissions.kept(asked, waiting.client, given)
            with transaction.atomic():
                waiting.authorization = decision.allow_scopes(
                    waiting.client,
                    login_session.current(request),
                    scopes=kept,
                    resources=waiting.resources,
                    chosen=picker.chosen(given),
                    withheld=set(asked) - set(kept),
                )
        except NotAnswered as error:
            return _consent_page(request, waiting, given=given, problem=str(error))
        waiting.scopes = list(kept)
        waiting.save(update_fields=["authorization", "scopes"])
        return _done(request, waiting)


def _take(user_code: str, user: Any) -> DeviceCode | None:
    """Assigns the undecided request with this code to this user. None if the code is unknown or expired, or if another
    user has entered it.
    """
    waiting = (
        DeviceCode.objects.select_for_update(of=("self",))
        .select_related("client")
        .filter(user_code=user_code, expires_at__gt=clock.now(), denied_at=None, authorization=None)
        .filter(client__is_active=True)
        .first()
    )
    if waiting is None or waiting.user_id not in (None, user.pk):
        return None
    # Treat it like an unknown code if this user may not allow the app, which may not be live.
    if not SandboxUser.may_allow(waiting.client, user.pk):
        return None
    if waiting.user_id is None:
        waiting.user = user
        waiting.save(update_fields=["user"])
    return waiting


def _decide_again(user_code: str, user: Any, button: str) -> DeviceCode | None:
    """The request that this user has decided before, for a double click or a user who goes back. Denying what they have
    allowed ends the access. None if there is no such request, or if the form is only a typed code.
    """
    if button not in ("allow", "deny"):
        return None
    decided = decision.decided_before(user, DeviceCode.objects.filter(user_code=user_code))
    if decided is not None and button == "deny":
        decision.take_back(user, decided)
    return decided


def _way_to_login(request: HttpRequest, waiting: DeviceCode) -> HttpResponse | None:
    """A redirect to the login that this client requires, and then back to the same code; None if the present login
    suffices.
    """
    way_back = f"{reverse('oauth:device')}?{urlencode({'user_code': waiting.user_code_shown})}"
    client = waiting.client
    return usual_login.way_to_login(
        request, client, asked_at=waiting.created_at, acr_values=client.default_acr_values, way_back=way_back
    )


def _normalized(user_code: str) -> str:
    """RFC 8628 §6.1: ignores case, dashes, spaces, and the width of letters that an East Asian keyboard writes."""
    narrow = unicodedata.normalize("NFKC", user_code[:64])
    kept = "".join(c for c in narrow.upper() if c in USER_CODE_ALPHABET)
    return kept if len(kept) == USER_CODE_LENGTH else ""


def _done(request: HttpRequest, decided: DeviceCode) -> HttpResponse:
    context = {"client": decided.client, "is_allowed": decided.denied_at is None}
    return render(request, "oauth/device_done.html", context)


def _ask_for_code(request: HttpRequest, *, given: str = "", error: str = "", status: int = 200) -> HttpResponse:
    shown = f"{given[:4]}-{given[4:]}" if given else ""
    return render(request, "oauth/device.html", {"user_code": shown, "error": error}, status=status)


def _consent_page(
    request: HttpRequest, waiting: DeviceCode, *, given: Parameters | None = None, problem: str = ""
) -> HttpResponse:
    asked = authorization_details.completed((), waiting.scopes)
    groups = permissions.groups(waiting.scopes, waiting.client, given=given)
    context = {
        "client": waiting.client,
        "user_code": waiting.user_code_shown,
        "groups": groups,
        "shown": permissions.shown(groups, waiting.client),
        "parts": picker.parts(authorization_details.questions(asked, request.user), given),
        "problem": problem,
        "asked_at": waiting.created_at,
        "was_just_asked": clock.now() - waiting.created_at < JUST_NOW,
        "address": waiting.address,
        "is_from_here": waiting.address == rate_limits.address_of(request),
        "expires_at": consent.expires_at(waiting.client),
    }
    return render(request, "oauth/device_consent.html", context, status=400 if problem else 200)


def _wrong_codes_key(user: Any) -> str:
    return f"oauth.device.wrong.{user.pk}"


def _has_guessed_too_often(user: Any) -> bool:
    return int(cache.get(_wrong_codes_key(user), 0)) >= WRONG_CODES * conf.THROTTLE_SCALE


def _count_wrong_code(user: Any) -> None:
    if not cache.add(_wrong_codes_key(user), 1, WRONG_CODES_WINDOW_SECONDS):
        cache.incr(_wrong_codes_key(user))
