"""Forms for a new password, with the choice whether apps keep their access."""

from allauth.account.forms import ChangePasswordForm, SetPasswordForm
from django import forms
from django.utils.translation import gettext_lazy as _


class _EndApps(forms.Form):
    """Somebody who knew the old password may have allowed an app, so by default a new password ends the access of all
    apps.

    ASVS 5.0 7.4.3 requires the choice. A password reset by an emailed link always ends their access.
    """

    end_apps = forms.BooleanField(
        label=_("Remove the access of all apps as well"),
        initial=True,
        required=False,
        help_text=_("Leave this on if somebody else may have known your password."),
    )

    def save(self) -> None:
        self.user.are_apps_kept = not self.cleaned_data["end_apps"]  # type: ignore[attr-defined]  # User.save() reads it
        super().save()  # type: ignore[misc]  # allauth is untyped


class NewPasswordForm(_EndApps, ChangePasswordForm):
    field_order = ("oldpassword", "password1", "password2", "end_apps")


class FirstPasswordForm(_EndApps, SetPasswordForm):
    field_order = ("password1", "password2", "end_apps")
