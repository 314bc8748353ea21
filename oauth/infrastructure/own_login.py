"""Django's LoginRequiredMiddleware, which a project may use, sends every request without a login to the login page. Our
endpoints authenticate clients, not users, and our pages send their users to log in themselves.
"""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern


def without_login_middleware(patterns: list[URLPattern]) -> list[URLPattern]:
    for pattern in patterns:
        login_not_required(pattern.callback)  # sets an attribute of the view
    return patterns
