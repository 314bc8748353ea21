"""A Django site that only has an API: `python -m ... ISSUER JWKS_URI TOKEN` prints the answers it gives.

Run in its own process by the test beside it: no database, no app of ours installed.
"""

import json
import sys

import django
from django.conf import settings

ISSUER, JWKS_URI, *TOKENS = sys.argv[1:]

settings.configure(
    SECRET_KEY="an API on its own machine",
    ALLOWED_HOSTS=["*"],
    DATABASES={},
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    OAUTH={"ISSUER": ISSUER, "JWKS_URI": JWKS_URI, "AUDIENCES": [f"{ISSUER}/api/v1"]},
)
django.setup()

from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from oauth.resource_server import HasScope, JWTBearer  # noqa: E402


class Hello(APIView):
    authentication_classes = [JWTBearer]
    permission_classes = [HasScope]
    required_scopes = {"GET": ["accounts:read"]}

    def get(self, request):
        return Response({"sub": request.auth.claims.subject})


urlpatterns = [path("hello", Hello.as_view())]

if __name__ == "__main__":
    forbidden = [name for name in sys.modules if name.startswith(("oauth.models", "oauth.keys", "oauth2_provider"))]
    answers = [Client().get("/hello", headers={"Authorization": f"Bearer {token}"}) for token in TOKENS]
    print(json.dumps({"statuses": [a.status_code for a in answers], "body": answers[0].json(), "loaded": forbidden}))  # noqa: T201
