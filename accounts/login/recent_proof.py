"""Whether the user logged in or reauthenticated within ACCOUNT_REAUTHENTICATION_TIMEOUT (ASVS 5.0 7.5.1)."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from accounts.login import authentication_context

View = Callable[[HttpRequest], HttpResponseBase]


def exists(request: HttpRequest) -> bool:
    if not request.user.is_authenticated:
        return False
    return authentication_context.age(request) < timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def required(view: View) -> View:
    """Decorator: redirects to reauthentication and back if the last authentication is too old."""

    @login_required
    @wraps(view)
    def asked(request: HttpRequest) -> HttpResponseBase:
        if exists(request):
            return view(request)
        way_back = urlencode({"next": request.path})
        return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{way_back}")

    return asked
