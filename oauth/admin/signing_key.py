"""Signing keys: view, rotate and replace. The private part is never shown, and no key can be entered."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.keys import rotation
from oauth.models import SigningKey
from oauth.models.audit_event import origin
from oauth.staff import Guarded


class ConfirmReplacement(forms.Form):
    """Staff must type the algorithm, because a replaced key ends every token signed with it."""

    next_leaked = forms.BooleanField(
        label=gettext_lazy("The next key may be known, too"),
        help_text=gettext_lazy(
            "If somebody has the database and KEY_ENCRYPTION_KEYS. Change these first. APIs elsewhere then refuse new "
            "tokens for some seconds."
        ),
        required=False,
    )
    confirmation = forms.CharField(label=gettext_lazy("Type the algorithm to confirm"), max_length=10)

    def __init__(self, *args: Any, algorithm: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.algorithm = algorithm

    def clean_confirmation(self) -> str:
        if self.cleaned_data["confirmation"] != self.algorithm:
            raise forms.ValidationError(gettext("Type %(algorithm)s.") % {"algorithm": self.algorithm})
        return self.algorithm


@admin.register(SigningKey)
class SigningKeyAdmin(Guarded):
    list_display = ("kid", "algorithm", "state", "active_at", "retiring_at", "retired_at")
    list_filter = ("algorithm",)
    ordering = ("algorithm", "-active_at")
    change_list_template = "admin/oauth/signingkey/change_list.html"
    fields = (
        "kid",
        "algorithm",
        "state",
        "published_at",
        "active_at",
        "retiring_at",
        "retired_at",
        "public_key",
    )
    readonly_fields = fields

    @admin.display(description=gettext_lazy("public key (JWK)"))
    def public_key(self, key: SigningKey) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(key.public_jwk, indent=2))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SigningKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SigningKey | None = None) -> bool:
        return False

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("oauth.rotate_signingkey")

    # --- changes: the same as `manage.py rotate_keys`, with a permission

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"may_rotate": self.has_rotate_permission(request), "algorithms": SIGNING_ALGORITHMS}
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(never_cache(function))

        return [
            path("rotate/<str:algorithm>/", view(self.rotate), name="oauth_signingkey_rotate"),
            path("replace/<str:algorithm>/", view(self.replace), name="oauth_signingkey_replace"),
            *super().get_urls(),
        ]

    def rotate(self, request: HttpRequest, algorithm: str) -> HttpResponse:
        """Clients notice nothing: a key is published before it signs, and stays as long as its tokens."""
        self._check(request, algorithm)
        if request.method != "POST":
            return self._confirm(request, algorithm, None)
        with origin("admin", request):
            key = rotation.rotate(algorithm, actor=str(request.user.pk))
        text = gettext("The next %(algorithm)s key, %(kid)s, signs from %(time)s on. One more is published.")
        values = {"algorithm": algorithm, "kid": key.kid, "time": f"{key.active_at:%Y-%m-%d %H:%M:%S} UTC"}
        self.message_user(request, text % values, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:oauth_signingkey_changelist"))

    def replace(self, request: HttpRequest, algorithm: str) -> HttpResponse:
        """For an emergency: everything signed with this algorithm is refused from now on."""
        self._check(request, algorithm)
        form = ConfirmReplacement(request.POST or None, algorithm=algorithm)
        if request.method != "POST" or not form.is_valid():
            return self._confirm(request, algorithm, form)
        with origin("admin", request):
            leaked = form.cleaned_data["next_leaked"]
            key = rotation.replace_now(algorithm, actor=str(request.user.pk), next_leaked=leaked)
        text = gettext("All %(algorithm)s keys are retired; %(kid)s signs. Everything signed before is refused.")
        self.message_user(request, text % {"algorithm": algorithm, "kid": key.kid}, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:oauth_signingkey_changelist"))

    def _check(self, request: HttpRequest, algorithm: str) -> None:
        if not self.has_rotate_permission(request):
            raise PermissionDenied
        if algorithm not in SIGNING_ALGORITHMS:
            raise Http404

    def _confirm(self, request: HttpRequest, algorithm: str, form: ConfirmReplacement | None) -> HttpResponse:
        title = gettext("Replace all %s keys now") if form else gettext("Rotate %s")
        context = {
            **self.admin_site.each_context(request),
            "title": title % algorithm,
            "opts": self.opts,
            "algorithm": algorithm,
            "form": form,
        }
        return TemplateResponse(request, "admin/oauth/signingkey/confirm.html", context)
