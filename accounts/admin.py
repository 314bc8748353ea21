"""Users in the admin. The admin has no login form of its own: allauth's has the rate limits."""

from typing import Any, ClassVar

import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401  (these register what is replaced below)
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import second_factors
from accounts.models import FormerUser, User, UserManager
from oauth.infrastructure.generic import ModelAdmin

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth's documentation does it


class AddUserForm(AdminUserCreationForm):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    class Meta:
        model = User
        fields = ("email", "name")


class ChangeUserForm(UserChangeForm):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    """Its help texts say what follows from each change; accounts.changes does it."""

    class Meta(UserChangeForm.Meta):
        model = User
        help_texts: ClassVar = {
            "email": "The email that the user logs in with. A new email removes every other email of the user. "
            "All browsers and apps are logged out, and codes and links sent to the old emails stop working. "
            "The old and the new mailbox get a notice. The user must confirm the new email at the next login. "
            "The password, second factors and connections to other sites stay.",
            "is_active": "Untick this instead of deleting the user. All browsers and apps are logged out, and the user "
            "gets a notice. If you tick it again, the user must log in again and allow each app again.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if password := self.fields.get("password"):
            password.help_text = (
                "A new password logs out all browsers and apps, and the user gets a notice by email. "
                "Second factors and connections to other sites stay. Remove those that are not the user's."
            )

    def clean_is_active(self) -> bool:
        is_active = bool(self.cleaned_data["is_active"])
        if is_active and self.instance.closed_at is not None:
            raise ValidationError("The user has closed this account for good. They can sign up anew.")
        return is_active

    def clean_email(self) -> str:
        email = UserManager.normalize_email(self.cleaned_data["email"])
        if EmailAddress.objects.filter(email=email, verified=True).exclude(user=self.instance).exists():
            raise ValidationError("This email belongs to another user.")
        return email


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    form = ChangeUserForm
    add_form = AddUserForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login", "closed_at")
    list_filter = ("is_active", "is_staff", ("closed_at", admin.EmptyFieldListFilter))
    search_fields = ("email__istartswith", "name")
    show_full_result_count = False
    readonly_fields = ("id", "language", "time_zone", "date_joined", "last_login", "closed_at")
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "password", "is_active")}),
        ("Rights", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        ("History", {"fields": ("language", "time_zone", "date_joined", "last_login", "closed_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)


admin.site.unregister(EmailAddress)  # an email is changed on the user's page only, because more follows from it
admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)  # it shows session keys; users end their sessions on the security page


@admin.register(FormerUser)
class FormerUserAdmin(ModelAdmin[FormerUser]):
    """Who a former user was, to find their records by name or email for as long as the law asks for it."""

    list_display = ("email", "name", "closed_at")
    fields = readonly_fields = ("user", "email", "name", "closed_at")
    search_fields = ("email__istartswith", "name")
    ordering = ("-closed_at",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: FormerUser | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: FormerUser | None = None) -> bool:
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin[Authenticator]):
    """Second factors: support can remove a lost one. Nobody can read a secret or add a factor for another user."""

    list_display = fields = readonly_fields = ("user", "type", "created_at", "last_used_at")
    search_fields = ("user__email__exact",)
    list_select_related = ("user",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        second_factors.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        for factor in list(queryset):
            second_factors.remove(factor)
