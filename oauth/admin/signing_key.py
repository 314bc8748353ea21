"""Signing keys: view, rotate and replace. Private keys are never shown, and no key can be entered."""

import json
from collections.abc import Callable
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
from oauth.keys import rotation, stores
from oauth.models import SigningKey
from oauth.models.audit_event import origin
from oauth.staff import Guarded


class ConfirmRotation(forms.Form):
    """Asks for the key store if there are several."""

    store = forms.ChoiceField(
        label=gettext_lazy("Where new private keys are stored"),
        help_text=gettext_lazy(
            "A new key in another store signs only when every cache has its public key, a few minutes later."
        ),
    )

    def __init__(self, *args: Any, algorithm: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.algorithm = algorithm
        places = stores.choices(algorithm)
        if len(places) == 1:
            del self.fields["store"]
            return
        field = self.fields["store"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name or stores.DATABASE_NAME, name or gettext("This database")) for name in places]
        field.initial = rotation.store_of(algorithm) or stores.DATABASE_NAME

    def clean_store(self) -> str:
        chosen: str = self.cleaned_data["store"]
        return stores.DATABASE if chosen == stores.DATABASE_NAME else chosen


class ConfirmReplacement(ConfirmRotation):
    """Staff must type the algorithm, because a replacement invalidates every token that the key has signed."""

    next_leaked = forms.BooleanField(
        label=gettext_lazy("The next key may have leaked, too"),
        help_text=gettext_lazy(
            "Select this if an attacker has the database and KEY_ENCRYPTION_KEYS. Change these keys first. APIs on "
            "other machines then refuse new tokens for some seconds."
        ),
        required=False,
    )
    confirmation = forms.CharField(label=gettext_lazy("Type the algorithm to confirm"), max_length=10)

    def clean_confirmation(self) -> str:
        if self.cleaned_data["confirmation"] != self.algorithm:
            raise forms.ValidationError(gettext("Type %(algorithm)s.") % {"algorithm": self.algorithm})
        return self.algorithm


def _values(form: ConfirmRotation) -> dict[str, Any]:
    """Keyword arguments of `rotation.rotate` and `rotation.replace_now`."""
    return {name: form.cleaned_data[name] for name in ("store", "next_leaked") if name in form.fields}


@admin.register(SigningKey)
class SigningKeyAdmin(Guarded):
    list_display = ("kid", "algorithm", "state", "place", "active_at", "retiring_at", "retired_at")
    list_filter = ("algorithm",)
    ordering = ("algorithm", "-active_at")
    change_list_template = "admin/oauth/signingkey/change_list.html"
    fields = (
        "kid",
        "algorithm",
        "state",
        "place",
        "published_at",
        "active_at",
        "retiring_at",
        "retired_at",
        "public_key",
    )
    readonly_fields = fields

    @admin.display(description=gettext_lazy("private key"))
    def place(self, key: SigningKey) -> str:
        if key.store:
            return key.store if key.reference else gettext("deleted from %s") % key.store
        return gettext("this database") if key.private_key_encrypted else gettext("deleted")

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

    # --- changes, as with `manage.py rotate_keys`

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
        """Does not affect clients: a key is published before it signs, and stays published as long as tokens that it
        signed are valid.
        """
        self._check(request, algorithm)
        form = ConfirmRotation(request.POST or None, algorithm=algorithm)
        if request.method != "POST" or (form.fields and not form.is_valid()):
            return self._confirm(request, algorithm, form)
        with origin("admin", request):
            key = self._changed(request, rotation.rotate, algorithm, **_values(form))
        if key is not None:
            text = gettext(
                "The next %(algorithm)s key, %(kid)s, signs from %(time)s. The key after it is published, too."
            )
            values = {"algorithm": algorithm, "kid": key.kid, "time": f"{key.active_at:%Y-%m-%d %H:%M:%S} UTC"}
            self.message_user(request, text % values, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:oauth_signingkey_changelist"))

    def replace(self, request: HttpRequest, algorithm: str) -> HttpResponse:
        """For an emergency: within seconds, everything signed by earlier keys of this algorithm is refused."""
        self._check(request, algorithm)
        form = ConfirmReplacement(request.POST or None, algorithm=algorithm)
        if request.method != "POST" or not form.is_valid():
            return self._confirm(request, algorithm, form)
        with origin("admin", request):
            key = self._changed(request, rotation.replace_now, algorithm, **_values(form))
        if key is not None:
            text = gettext(
                "%(kid)s signs. Within 15 seconds, this site refuses everything signed by other %(algorithm)s keys."
            )
            self.message_user(request, text % {"algorithm": algorithm, "kid": key.kid}, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:oauth_signingkey_changelist"))

    def _changed(
        self, request: HttpRequest, change: Callable[..., SigningKey], algorithm: str, **values: Any
    ) -> SigningKey | None:
        """Runs `change`. If the key store fails, adds a message and returns None; nothing has changed then."""
        try:
            return change(algorithm, actor=str(request.user.pk), **values)
        except stores.KeyStoreError as error:
            self.message_user(request, gettext("Nothing has changed. %s") % error, messages.ERROR)
            return None

    def _check(self, request: HttpRequest, algorithm: str) -> None:
        if not self.has_rotate_permission(request):
            raise PermissionDenied
        if algorithm not in SIGNING_ALGORITHMS:
            raise Http404

    def _confirm(self, request: HttpRequest, algorithm: str, form: ConfirmRotation) -> HttpResponse:
        replaces = isinstance(form, ConfirmReplacement)
        title = gettext("Replace all %s keys now") if replaces else gettext("Rotate %s")
        context = {
            **self.admin_site.each_context(request),
            "title": title % algorithm,
            "opts": self.opts,
            "algorithm": algorithm,
            "form": form,
            "replaces": replaces,
        }
        return TemplateResponse(request, "admin/oauth/signingkey/confirm.html", context)
