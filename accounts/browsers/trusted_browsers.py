"""Trusted browsers: logins in them need no second factor for a while. The user can list them and end the trust in each.

allauth stores the trust only in a signed cookie, which can be neither listed nor ended. Here the cookie holds a random
value, and a row holds its digest. Trust ends with a new password, with any change of second factors, with "log out all
other browsers", and after MFA_TRUST_COOKIE_AGE.
"""

import hashlib
import secrets
from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.mfa.base.views import TrustView as AllauthTrustView
from allauth.mfa.internal.flows.trust import create_config_fingerprint
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage, TrustStage
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.browsers import user_agents
from accounts.models import TrustedBrowser, User

# The cookie holds one value for each user who shares the browser.
_MAX_VALUES = 4


class SecondStep(AuthenticateStage):
    """allauth's login stage, with the rows of trusted browsers instead of allauth's cookie."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        return (
            user is not None
            and is_mfa_enabled(user, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN])
            and not did_use_passwordless_login(request, user)
            and not trust_of(request, user).exists()
        )


@method_decorator(login_stage_required(stage=TrustStage.key, redirect_urlname="account_login"), name="dispatch")
class TrustView(AllauthTrustView):
    def form_valid(self, form: Any) -> HttpResponse:
        stage: Any = self.request._login_stage  # type: ignore[attr-defined]  # set by login_stage_required
        response: HttpResponse = stage.exit()
        if self.request.POST.get("action") == "trust":
            remember(self.request, stage.login.user, response)
        return response


def remember(request: HttpRequest, user: User, response: HttpResponse) -> None:
    """Always sets a new value, so that a value planted in the browser is useless."""
    value = secrets.token_urlsafe(32)
    TrustedBrowser.objects.filter(user=user).exclude(pk__in=_live(user)).delete()
    TrustedBrowser.objects.create(
        user=user,
        digest=_digest(value),
        fingerprint=create_config_fingerprint(user),
        user_agent=request.headers.get("User-Agent", "")[:200],
        address=request.META.get("REMOTE_ADDR") or None,
    )
    response.set_cookie(
        settings.MFA_TRUST_COOKIE_NAME,
        ".".join([value, *_values(request)][:_MAX_VALUES]),
        max_age=settings.MFA_TRUST_COOKIE_AGE,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def trust_of(request: HttpRequest, user: Any) -> QuerySet[TrustedBrowser]:
    """The row of this browser if this user trusts it."""
    return _live(user).filter(digest__in=[_digest(value) for value in _values(request)])


def listed(request: HttpRequest) -> dict[str, Any]:
    """Context for the security page."""
    here = set(trust_of(request, request.user).values_list("pk", flat=True))
    rows = list(_live(request.user).order_by("-created_at"))
    shown = [{"row": row, "device": user_agents.describe(row.user_agent), "is_current": row.pk in here} for row in rows]
    return {"trusted_browsers": shown}


def end_others(request: HttpRequest) -> None:
    here = list(trust_of(request, request.user).values_list("pk", flat=True))
    _user(request).trusted_browsers.exclude(pk__in=here).delete()


@login_required
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("browser", "")
    if wanted.isdecimal() and len(wanted) < 19:
        _user(request).trusted_browsers.filter(pk=wanted).delete()
        messages.success(request, _("That browser will need the second step again."))
    return HttpResponseRedirect(reverse("account_security") + "#trusted")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # both callers require a login
    return request.user


def _live(user: Any) -> QuerySet[TrustedBrowser]:
    since = timezone.now() - settings.MFA_TRUST_COOKIE_AGE
    return TrustedBrowser.objects.filter(
        user_id=user.pk, created_at__gt=since, fingerprint=create_config_fingerprint(user)
    )


def _values(request: HttpRequest) -> list[str]:
    written = request.COOKIES.get(settings.MFA_TRUST_COOKIE_NAME, "")
    return [value for value in written.split(".")[:_MAX_VALUES] if 40 <= len(value) <= 50]


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
