"""DRF as installed: a view that does nothing, and the list of accounts with Countersign's query, without authentication
and with SimpleJWT's stateless authentication (HS256, its default). With MIDDLEWARE=none, it is a lower bound.
"""

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.urls import path

#: The middleware of `startproject`.
USUAL_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.drf_settings")
django.setup()
# Set only after our apps have loaded, because they check for their own middleware.
settings.MIDDLEWARE = [] if os.environ.get("MIDDLEWARE") == "none" else USUAL_MIDDLEWARE
application = WSGIHandler()

from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication  # noqa: E402

from banking.models import Account  # noqa: E402
from banking.notation import iban  # noqa: E402

USER = os.environ["BENCH_USER"]
FIELDS = ("id", "type", "currency", "name", "status", "iban", "opened_at")


class Hello(APIView):
    def get(self, request: Any) -> Response:
        return Response({"hello": "world"})


class Accounts(APIView):
    def get(self, request: Any) -> Response:
        rows = Account.objects.of_user(getattr(request.user, "id", None) or USER).order_by("id").values(*FIELDS)[:51]
        return Response({"data": [_shown(row) for row in rows], "next_cursor": None})


class AccountsWithSimpleJWT(Accounts):
    authentication_classes = [JWTStatelessUserAuthentication]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "type", "currency", "name", "status")},
        "identifiers": [{"scheme": "iban", "value": iban.masked(row["iban"])}],
        "opened_at": row["opened_at"].isoformat().replace("+00:00", "Z"),
    }


urlpatterns = [
    path("hello", Hello.as_view()),
    path("accounts", Accounts.as_view()),
    path("simplejwt/accounts", AccountsWithSimpleJWT.as_view()),
]
