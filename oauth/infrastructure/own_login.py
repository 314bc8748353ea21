"""Exempts views from Django's LoginRequiredMiddleware, which redirects every request without a login. The endpoints of
`oauth` authenticate clients, not users, and its pages redirect users to the login page themselves.
"""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern


def without_login_middleware(patterns: list[URLPattern]) -> list[URLPattern]:
    for pattern in patterns:
        login_not_required(pattern.callback)  # sets an attribute of the view
    return patterns
