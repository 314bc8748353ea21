"""The profile page: name, language, time zone and emails. The forms for emails post to allauth's page of emails."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import names, notices, time_zones
from accounts.browsers import time_zone
from accounts.models import User
from accounts.pages.home import choose_language


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy(
            "Pages, emails and files show times in this time zone. Booking dates always follow the bank's time zone."
        ),
    )

    class Meta:
        model = User
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.instance.time_zone
        bank: Any = [("", _("The bank's time zone: %(zone)s") % {"zone": settings.BANK_TIME_ZONE})]
        self.fields["time_zone"].choices = [*bank, *time_zones.choices(chosen)]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["name"].label = _("Name")
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        if self.instance.name and import_string(settings.NAME_IS_KEPT)(self.instance):
            self.fields["name"].disabled = True
            self.fields["name"].help_text = _("Others see this name when they pay you. To change it, contact the bank.")
        self.initial.update(language=translation.get_language(), time_zone=chosen)

    def clean_name(self) -> str:
        return names.checked(self.cleaned_data["name"])

    def save(self, commit: bool = True) -> Any:
        """Saves only changed fields, so that a form in another tab cannot undo a change."""
        user = self.instance
        user.language, user.time_zone = self.cleaned_data["language"], self.cleaned_data["time_zone"]
        if self.changed_data:
            user.save(update_fields=self.changed_data)
        return user


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    if request.method == "GET":
        return _shown(request, ProfileForm(instance=user, label_suffix=""))
    form = ProfileForm(request.POST, instance=user, label_suffix="")
    if not form.is_valid():
        user.refresh_from_db()  # the page shows the stored name, not the invalid one
        return _shown(request, form, status=400)
    form.save()
    if "name" in form.changed_data:
        notices.enqueue_notice("name_changed", user, request)
    with translation.override(user.language):
        messages.success(request, _("Saved."))
    return choose_language(request)


def _shown(request: HttpRequest, form: ProfileForm, *, status: int = 200) -> HttpResponse:
    user: Any = request.user
    context = {
        "form": form,
        "addresses": user.emailaddress_set.order_by("-primary", "email"),
        "told_zone": time_zone.told_by(request),
        "here": reverse("account_profile"),
    }
    return render(request, "account/profile.html", context, status=status)
