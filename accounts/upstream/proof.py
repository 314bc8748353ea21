"""Reauthentication at the provider, for users who have no other way to log in."""

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
    """Reauthentication methods in allauth's form: one for each provider that the user is connected to."""
    if not user.is_authenticated:
        return []
    connected = SocialAccount.objects.filter(user=user).values("provider")
    # OpenID Connect Core §3.1.2.1: max_age makes the provider ask, and say when it did.
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
    """Only for the user who is logged in, and only if the provider says that it has just authenticated them. That
    we asked the provider for this proves nothing, because the browser could have changed our request.
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
