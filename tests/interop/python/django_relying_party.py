"""A Django project whose users log in with mozilla-django-oidc, installed as in its documentation."""

import os
import sys

import django
import requests
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.management import call_command, execute_from_command_line
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

issuer, origin = os.environ["ISSUER"], os.environ["ORIGIN"]


def logout_url(request: HttpRequest) -> str:
    """OIDC_OP_LOGOUT_URL_METHOD: where the browser goes after the local logout."""
    hint = request.session["oidc_id_token"]
    return f"{issuer}/oauth/logout?id_token_hint={hint}&post_logout_redirect_uri={origin}/me"


settings.configure(
    SECRET_KEY="the key of an app that is only a test",
    ROOT_URLCONF="django_relying_party",
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "mozilla_django_oidc",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "mozilla_django_oidc.middleware.SessionRefresh",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    AUTHENTICATION_BACKENDS=["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
    OIDC_RP_CLIENT_ID=os.environ["CLIENT_ID"],
    OIDC_RP_CLIENT_SECRET=os.environ["CLIENT_SECRET"],
    OIDC_RP_SIGN_ALGO="RS256",
    OIDC_RP_SCOPES="openid email accounts:read",
    OIDC_OP_JWKS_ENDPOINT=f"{issuer}/oauth/jwks",
    OIDC_OP_AUTHORIZATION_ENDPOINT=f"{issuer}/oauth/authorize",
    OIDC_OP_TOKEN_ENDPOINT=f"{issuer}/oauth/token",
    OIDC_OP_USER_ENDPOINT=f"{issuer}/oauth/userinfo",
    OIDC_USE_PKCE=True,
    OIDC_STORE_ACCESS_TOKEN=True,
    OIDC_STORE_ID_TOKEN=True,
    OIDC_OP_LOGOUT_URL_METHOD="django_relying_party.logout_url",
    OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS=int(os.environ.get("RENEW_SECONDS", "900")),
    LOGIN_REDIRECT_URL="/me",
    LOGOUT_REDIRECT_URL="/me",
    LOGIN_URL="/oidc/authenticate/",
    ALLOW_LOGOUT_GET_METHOD=True,
)


def me(request: HttpRequest) -> JsonResponse:
    if not request.user.is_authenticated:
        return JsonResponse({"user": None, "accounts": None})
    headers = {"Authorization": f"Bearer {request.session['oidc_access_token']}"}
    answer = requests.get(f"{os.environ['API']}/accounts", headers=headers, timeout=60).json()
    return JsonResponse({"user": request.user.email, "accounts": answer["data"]})


@login_required
def refresh(request: HttpRequest) -> JsonResponse:
    """SessionRefresh asks the server again with prompt=none before this view runs, once the ID token counts as old."""
    return JsonResponse({"refreshed": request.session["oidc_id_token_expiration"] > 0})


def expire(request: HttpRequest) -> HttpResponse:
    request.session["oidc_id_token_expiration"] = 0
    return HttpResponse("expired")


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ready")


urlpatterns = [
    path("oidc/", include("mozilla_django_oidc.urls")),
    path("me", me),
    path("refresh", refresh),
    path("expire", expire),
    path("health", health),
]

if __name__ == "__main__":
    sys.modules["django_relying_party"] = sys.modules["__main__"]
    django.setup()
    call_command("migrate", verbosity=0)
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", f"127.0.0.1:{os.environ['PORT']}"])
