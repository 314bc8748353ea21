"""People in the admin, and the admin's own log-in through allauth with its rate limits."""

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

from accounts.models import User, UserManager
from accounts.staff import support
from oauth.infrastructure.generic import ModelAdmin

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


class AddUserForm(AdminUserCreationForm):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    class Meta:
        model = User
        fields = ("email", "name")


class ChangeUserForm(UserChangeForm):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    """Says what each change does; accounts.changes does it."""

    class Meta(UserChangeForm.Meta):
        model = User
        help_texts: ClassVar = {
            "email": "The address the user logs in with. A new one: Removes every other address of the user. "
            "All browsers and apps are logged out; codes and links on their way to the old addresses stop working. "
            "The old and the new mailbox are told. The user must confirm the new address at the next login. "
            "The password, second factors and connections to other sites stay.",
            "is_active": "Untick instead of deleting. All browsers and apps are logged out, and the user is told. "
            "What ended stays ended when you tick this again: the user must log in, and let each app in, anew.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if password := self.fields.get("password"):
            password.help_text = (
                "A new password: All browsers and apps are logged out, and the user is told by mail. "
                "Second factors and connections to other sites stay; remove those that are not the user's."
            )

    def clean_email(self) -> str:
        email = UserManager.normalize_email(self.cleaned_data["email"])
        if EmailAddress.objects.filter(email=email, verified=True).exclude(user=self.instance).exists():
            raise ValidationError("This address belongs to another user.")
        return email


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    form = ChangeUserForm
    add_form = AddUserForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email__istartswith", "name")
    show_full_result_count = False
    readonly_fields = ("id", "date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "password", "is_active")}),
        ("Rights", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        ("History", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)


admin.site.unregister(EmailAddress)  # an address is changed on the user's page only, with all that follows
admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)  # holds session keys; people end theirs on the security page


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin[Authenticator]):
    """Second factors: support removes a lost one; nobody reads its secret, and nobody adds one for somebody else."""

    list_display = fields = readonly_fields = ("user", "type", "created_at", "last_used_at")
    search_fields = ("user__email__exact",)
    list_select_related = ("user",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        support.remove_factor(obj, request)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        for factor in list(queryset):
            support.remove_factor(factor, request)
