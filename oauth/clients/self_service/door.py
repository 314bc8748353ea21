"""A decorator for pages that the site adds to the developer portal."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from oauth.clients.self_service.ownership import why_not_a_developer

View = Callable[..., HttpResponseBase]


def for_developers(view: View) -> View:
    """Allows only developers, like the portal's own pages. The view must also check the app's owner with `own_app`."""

    @login_required
    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        why_not = why_not_a_developer(request.user)
        if why_not is None:
            raise Http404
        if why_not:
            raise PermissionDenied(why_not)
        answer = view(request, *args, **kwargs)
        answer["Cache-Control"] = "no-store"
        return answer

    return asked
