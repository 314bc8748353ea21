"""The redirect to the provider and its callback, with our OAuth adapter."""

from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView, OAuth2View
from django.http import Http404, HttpRequest, HttpResponseBase
from requests import RequestException

from accounts.upstream.provider import UpstreamOAuth2Adapter


def login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    return _answer(OAuth2LoginView, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    return _answer(OAuth2CallbackView, request, provider_id)


def _answer(view: type[OAuth2View], request: HttpRequest, provider_id: str) -> HttpResponseBase:
    adapter = UpstreamOAuth2Adapter(request, provider_id)
    response: HttpResponseBase
    try:
        response = view.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (OAuth2Error, RequestException) as error:  # the metadata is fetched before the redirect, too
        response = render_authentication_error(request, adapter.get_provider(), exception=error)
    return response
