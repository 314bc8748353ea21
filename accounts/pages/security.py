"""The security page: how the user logs in, where they are logged in, and recent events."""

from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter as get_social_adapter
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.browsers import sessions, trusted_browsers
from accounts.models import User
from accounts.pages import recent_events


@login_required
def security(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    factors = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    of_type = {
        kind: [factor for factor in factors if factor.type == kind]
        for kind in (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    }
    context = {
        "passkeys": of_type[Authenticator.Type.WEBAUTHN],
        "totp": of_type[Authenticator.Type.TOTP],
        "recovery_codes_left": sum(
            len(codes.wrap().get_unused_codes()) for codes in of_type[Authenticator.Type.RECOVERY_CODES]
        ),
        "has_second_factor": get_mfa_adapter().is_mfa_enabled(user),
        "addresses": user.emailaddress_set.order_by("-primary", "email"),
        "upstream": SocialAccount.objects.filter(user=user),
        "has_providers": bool(get_social_adapter().list_apps(request)),
        "events": recent_events.recent(user),
        **sessions.listed(request),
        **trusted_browsers.listed(request),
    }
    return render(request, "account/security.html", context)
