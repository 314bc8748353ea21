"""Users in the admin. The admin uses the login page of the site, because that page has the rate limits."""

from collections.abc import Callable
from typing import Any, ClassVar

import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401  (registers the ModelAdmins that are replaced below)
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts import changes, second_factors
from accounts.addresses import mail_limit, new_email
from accounts.models import FormerUser, NewEmail, User
from accounts.passwords import reset_links
from accounts.staff import rank
from oauth.infrastructure.generic import ModelAdmin, ModelForm
from oauth.staff import audit

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth's documentation does it


class InviteUserForm(ModelForm[User]):
    """Nobody but the user knows their password: an email invites them to choose it (ASVS 5.0 6.4.6)."""

    class Meta:
        model = User
        fields = ("email", "name")
        help_texts: ClassVar = {"email": "An invitation with a link to choose a password goes to this address."}

    def clean_email(self) -> str:
        return new_email.checked(self.cleaned_data["email"], user=None)

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        return super().save(commit=commit)


class ChangeUserForm(UserChangeForm):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    """Its help texts name the effects of each change; accounts.changes applies them."""

    password = None  # type: ignore[assignment]  # removes the inherited field, so that staff do not see the hash

    class Meta(UserChangeForm.Meta):
        model = User
        help_texts: ClassVar = {
            "email": "The user logs in with this email. Another member of staff must approve a new email, under "
            "New emails. It then replaces all emails of the user. All browsers and apps are logged out, and "
            "codes and links sent to the old emails stop working. The old and the new mailbox get a notice. The user "
            "must confirm the new email at the next login. The password, second factors and connections to other "
            "sites are not changed.",
            "is_active": "Untick this instead of deleting the user. All browsers and apps are logged out, and the user "
            "gets a notice. If you tick it again, the user must log in again and allow each app again.",
        }

    def clean_is_active(self) -> bool:
        is_active = bool(self.cleaned_data["is_active"])
        if is_active and (reason := changes.why_inactive(self.instance)):
            raise ValidationError(reason)
        return is_active

    def clean_email(self) -> str:
        return new_email.checked(self.cleaned_data["email"], user=self.instance)


class ResetForm(forms.Form):
    ends_password = forms.BooleanField(
        label="Also remove the password now",
        required=False,
        help_text="Select this if somebody else may know it. All browsers and apps are logged out, and the user gets a "
        "notice. Second factors and connections to other sites are not changed.",
    )


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    form = ChangeUserForm
    add_form = InviteUserForm
    add_form_template = None
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login", "closed_at")
    list_filter = ("is_active", "is_staff", ("closed_at", admin.EmptyFieldListFilter))
    search_fields = ("email__istartswith", "name")
    show_full_result_count = False
    readonly_fields = ("id", "language", "time_zone", "date_joined", "last_login", "closed_at")
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "is_active")}),
        ("Rights", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        ("History", {"fields": ("language", "time_zone", "date_joined", "last_login", "closed_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name")}),)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only staff who may edit roles can assign them here. Others see them on a tab of the page."""
        sets = super().get_fieldsets(request, obj)
        may_give = request.user.has_perm("auth.change_group")
        return [(name, options) for name, options in sets if name != "Rights" or may_give]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Hides links to the page for new users, which Django opens only for staff who may change users."""
        return super().has_add_permission(request) and self.has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change and "email" in form.changed_data:
            self._ask_for_email(request, obj, form)
        super().save_model(request, obj, form, change)
        if not change:
            transaction.on_commit(lambda: reset_links.send(request, obj, "invitation"))
            self.message_user(request, f"An invitation goes to {obj.email}. Its link works once.", messages.SUCCESS)

    def _ask_for_email(self, request: HttpRequest, obj: User, form: Any) -> None:
        """The user keeps the current email until another member of staff approves the new one."""
        asked = obj.email
        obj.email = User.objects.values_list("email", flat=True).get(pk=obj.pk)
        form.changed_data.remove("email")  # the admin log must not list it as changed
        if asked != obj.email:
            new_email.ask(obj, asked, request.user)
            held = f"The user keeps {obj.email} until another member of staff approves {asked}, under New emails."
            self.message_user(request, held, messages.WARNING)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Sends a link to choose a password. Replaces Django's form, where staff type the password."""
        user = self.get_object(request, unquote(id))
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if user is None:
            raise Http404
        is_invited = not user.has_usable_password()
        form = ResetForm(request.POST if request.method == "POST" else None)
        if is_invited:
            del form.fields["ends_password"]
        back = reverse("admin:accounts_user_change", args=[user.pk])
        if request.method == "POST" and form.is_valid():
            if user.closed_at is not None:
                form.add_error(None, changes.why_inactive(user))
            elif not user.is_active:
                form.add_error(None, "The user is not active, so the link would not work. Activate the user first.")
            elif mail_limit.will_be_reached(request, user.email):
                form.add_error(None, "Too many emails went to this address just now. Try again later.")
            else:
                self._send_link(request, user, ends_password=form.cleaned_data.get("ends_password", False))
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": "Send an invitation" if is_invited else "Send a link to choose a password",
            "effects": [f"The link goes to {user.email}. It works once, and you cannot see it."],
            "is_emergency": not is_invited,
            "change_url": back,
            "form": form,
            "opts": self.opts,
            "original": user,
        }
        return TemplateResponse(request, "admin/effects.html", context)

    def _send_link(self, request: HttpRequest, user: User, *, ends_password: bool) -> None:
        kind = "staff_reset" if user.has_usable_password() else "invitation"
        with transaction.atomic():
            if ends_password:
                changes.set_password(user, None)
            self.log_change(request, user, f"Sent a link: {kind}{', removed the password' if ends_password else ''}.")
        reset_links.send(request, user, kind)
        self.message_user(request, f"A link goes to {user.email}.", messages.SUCCESS)


@admin.register(NewEmail)
class NewEmailAdmin(ModelAdmin[NewEmail]):
    """New emails of users. Staff request them on the user's page, and another member of staff approves them here."""

    audits_itself = True
    list_display = ("user", "email", "asked_by", "asked_at", "decided_by", "decided_at", "is_approved")
    list_select_related = ("user", "asked_by", "decided_by")
    list_filter = (("decided_at", admin.EmptyFieldListFilter),)
    ordering = ("-pk",)
    actions = ("approve", "reject")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: NewEmail | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: NewEmail | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: NewEmail | None = None) -> bool:
        return request.user.has_perm("accounts.view_user")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.view_user")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")

    @admin.action(description="Approve the selected new emails", permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[NewEmail]) -> None:
        self._decide(request, queryset, new_email.approve, "Approved")

    @admin.action(description="Reject the selected new emails", permissions=["decide"])
    def reject(self, request: HttpRequest, queryset: QuerySet[NewEmail]) -> None:
        self._decide(request, queryset, new_email.reject, "Rejected")

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[NewEmail], act: Callable[[NewEmail, Any], None], done: str
    ) -> None:
        for asked in queryset.select_related("user"):
            try:
                if not rank.may_touch(request.user, asked.user):  # ASVS 5.0 8.3.1
                    raise PermissionDenied("The user has more rights than you.")
                act(asked, request.user)
            except (PermissionDenied, ValidationError) as refusal:
                said = refusal.messages[0] if isinstance(refusal, ValidationError) else str(refusal)
                self.message_user(request, f"{asked}: {said}", messages.ERROR)
            else:
                audit.record(request, f"{done.lower()}-new-email", [asked.user])
                self.message_user(request, f"{done}: {asked}", messages.SUCCESS)


admin.site.unregister(EmailAddress)  # staff change an email on the user's page, which applies the effects
admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)  # allauth's page shows session keys; users end their sessions on the security page


@admin.register(FormerUser)
class FormerUserAdmin(ModelAdmin[FormerUser]):
    """Identities of former users, to find their records by name or email for as long as the law requires."""

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
    """Second factors. Support can remove a lost one. Nobody can read its secret or add one for another user."""

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
