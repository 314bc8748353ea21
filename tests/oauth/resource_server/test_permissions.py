"""Scopes are read from the view, and a view that names none permits nothing."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.views import APIView

from oauth.resource_server.permissions import HasScope, required_scopes


class Silent(APIView):
    def get(self, request): ...


class Incomplete(APIView):
    required_scopes = {"GET": ["a"]}

    def get(self, request): ...

    def post(self, request): ...


def test_a_view_that_names_no_scopes_is_a_bug():
    with pytest.raises(ImproperlyConfigured):
        required_scopes(Silent(), "GET")


def test_a_method_that_names_no_scopes_is_a_bug():
    with pytest.raises(ImproperlyConfigured):
        required_scopes(Incomplete(), "POST")


def test_head_needs_what_get_needs():
    assert required_scopes(Incomplete(), "HEAD") == ["a"]


def test_anything_but_a_verified_token_is_refused():
    for auth in (None, "token", object()):
        assert HasScope().has_permission(SimpleNamespace(auth=auth, method="GET"), Incomplete()) is False


def test_every_view_of_the_bank_names_its_scopes():
    from banking.api.consent import ConsentView
    from banking.api.openapi.document import APIDocs, OpenAPIDocument
    from banking.api.urls import urlpatterns

    views = [pattern.callback.cls for pattern in urlpatterns if hasattr(pattern.callback, "cls")]
    checked = 0
    for view in set(views) - {OpenAPIDocument, APIDocs}:  # for everybody
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                # Every token may call the view that describes its permissions; all other views require a scope.
                assert required_scopes(view(), method.upper()) or view is ConsentView
                checked += 1
    assert checked >= 8


def test_a_view_without_permission_classes_still_has_no_token_to_give():
    """`TokenRequest.token` refuses a request without a token, whatever the view forgot."""
    from oauth.resource_server.views import TokenView

    class Forgetful(TokenView):
        permission_classes = []
        throttle_classes = []

        def get(self, request):
            return Response(request.claims.subject)

    answer = Forgetful.as_view()(RequestFactory().get("/"))
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer ")
