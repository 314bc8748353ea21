"""The admin site. Staff must log in with a second factor, and must have authenticated recently to change anything."""

from functools import update_wrapper
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from accounts import second_factors
from accounts.staff import navigation, proof, rank
from oauth.pages import brand
from oauth.staff import GuardedSite, changes_nothing

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class StaffSite(GuardedSite):
    index_title = "Administration"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        name = brand.current().name
        return {**super().each_context(request), "site_header": name, "site_title": name}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps: list[Any] = super().get_app_list(request, app_label)
        return apps if app_label else navigation.by_job(apps)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        for model in models:
            super().register(model, rank.respecting(model, admin_class or ModelAdmin), **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and proof.is_strong_enough(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wraps every page of the admin, including those of third-party apps."""
        if getattr(view, "changes_nothing", False):
            return super().admin_view(view, cacheable)

        def with_proof(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in _READING or proof.is_recent(request):
                page: HttpResponseBase = view(request, *args, **kwargs)
                return page
            return self._ask_again(request)

        return super().admin_view(update_wrapper(with_proof, view), cacheable)

    def _ask_again(self, request: HttpRequest) -> HttpResponse:
        """Asks the user to authenticate in a new tab. The form stays open in the browser, because the server must not
        store its fields.
        """
        context = {
            **self.each_context(request),
            "title": "Confirm that it is you",
            "url": f"{reverse('account_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})}",
        }
        return TemplateResponse(request, "admin/proof_needed.html", context, status=403)

    @changes_nothing
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().logout(request, extra_context)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirects to the login page of the site, which has the rate limits and asks for the second factor.

        Staff who logged in without their second factor are redirected to it. Staff who have none see how to set one up.
        """
        way_back = request.GET.get(REDIRECT_FIELD_NAME, "")
        if not url_has_allowed_host_and_scheme(way_back, allowed_hosts=None):
            way_back = reverse("admin:index", current_app=self.name)
        query = urlencode({REDIRECT_FIELD_NAME: way_back})
        user = request.user
        if not user.is_authenticated:
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?{query}")
        if not (user.is_staff and user.is_active):
            raise PermissionDenied
        if self.has_permission(request):
            return HttpResponseRedirect(way_back)
        if second_factors.types_of(user):
            return HttpResponseRedirect(f"{reverse('account_stronger')}?{query}")
        context = {**self.each_context(request), "title": "Set up a second factor", "url": reverse("mfa_index")}
        return TemplateResponse(request, "admin/second_factor_needed.html", context, status=403)
