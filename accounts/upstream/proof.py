"""Reauthentication at an identity provider, for users who have no other login method."""

import time
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def ways(user: Any) -> list[dict[str, Any]]:
    """One reauthentication method, as allauth represents it, for each provider to which the user is connected."""
    if not user.is_authenticated:
        return []
    connected = SocialAccount.objects.filter(user=user).values("provider")
    # OpenID Connect Core §3.1.2.1: `max_age` makes the provider reauthenticate the user and return `auth_time`.
    query = urlencode({"process": AuthProcess.REDIRECT, "auth_params": "prompt=login&max_age=0"})
    return [
        {
            "id": f"upstream:{app.provider_id}",
            "description": _("Log in at %(name)s again") % {"name": app.name},
            "url": f"{reverse('openid_connect_login', kwargs={'provider_id': app.provider_id})}?{query}",
        }
        for app in SocialApp.objects.filter(provider_id__in=connected)
    ]


def record(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Records a reauthentication if the provider's user is the logged-in user and `auth_time` is recent. The request
    alone proves nothing, because the browser could have removed `max_age` from it.
    """
    asked_at = (sociallogin.account.extra_data.get("id_token") or {}).get("auth_time")
    user = request.user
    is_theirs = sociallogin.is_existing and user == sociallogin.user
    is_recent = isinstance(asked_at, int) and time.time() - asked_at < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    if user.is_authenticated and is_theirs and is_recent:
        account = sociallogin.account
        record_authentication(
            request, user, "socialaccount", provider=account.provider, uid=account.uid, reauthenticated=True
        )
