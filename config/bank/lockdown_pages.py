"""The pages of the admin that lock down a user or a client, and that lift a lockdown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts import changes
from accounts.models import User
from accounts.staff import rank
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.oversight import Officer, lockdown
from config.bank.lockdown import lift_client, lift_user, lock_client, lock_user
from oauth.admin.client_tabs import usage
from oauth.models import Client

OF_USER = ("accounts.change_user", "banking.freeze_account")
OF_CLIENT = ("oauth.change_client", "banking.hold_scheduledtransfer")


class LockdownForm(forms.Form):
    """`name` must be typed, so that nobody locks down the wrong user or client by mistake. `act` must be the act of the
    page that the officer saw: if another officer locks down first, the same URL lifts the lockdown.
    """

    act = forms.CharField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(max_length=120, widget=AdminTextInputWidget, help_text="For a later review.")
    typed = forms.CharField(widget=AdminTextInputWidget({"autocomplete": "off"}))

    def __init__(self, *args: Any, name: str, act: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._name, self._act = name, act
        self.fields["act"].initial = act
        self.fields["typed"].label = f"Type {name}"

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.strip() != self._name:
            raise forms.ValidationError(f"Type {self._name} to confirm.")
        return typed

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("act") != self._act:
            self.data = {**self.data.dict(), "act": self._act}  # type: ignore[attr-defined]  # a QueryDict
            raise forms.ValidationError("Somebody else was faster. Nothing was done. Read what this page does now.")
        return given


@dataclass(frozen=True, slots=True)
class _Page:
    """The texts of a page, and `act`, which carries out the action."""

    title: str
    name: str
    effects: list[str]
    back: str
    done: str
    act: Callable[[Officer, str], object]
    is_emergency: bool


def _of_own_apps(user: User) -> list[str]:
    apps = Client.objects.filter(user=user, is_active=True).count()
    if not apps:
        return []
    return [f"Apps that the user registered: {apps}. They are disabled until you lift the lockdown of each."]


def user_page(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """For staff who may change users and freeze accounts; never for themselves, nor for a user with more rights."""
    user = get_object_or_404(User, pk=user_id)
    if not request.user.has_perms(OF_USER) or request.user.pk == user.pk or not rank.may_touch(request.user, user):
        raise PermissionDenied
    back = reverse("admin:accounts_user_change", args=[user.pk])
    if not user.is_active and (reason := changes.why_inactive(user)):
        raise Http404(reason)
    if user.is_active:
        accounts, orders = lockdown.accounts_to_freeze(user.pk), lockdown.orders_of_user(user.pk)
        effects = [
            "The user is disabled: all browsers are logged out, and all apps lose their access permanently.",
            f"Accounts to freeze: {accounts.count()}. No money goes out; joint holders cannot pay, either.",
            f"Payment orders to put on hold: {orders.count()}. The user resumes them.",
            *_of_own_apps(user),
            "The user gets an email.",
        ]
        page = _Page(
            "Lock down this user", user.email, effects, back, "The user is locked down.",
            lambda by, reason: lock_user(user, by=by, reason=reason), is_emergency=True,
        )  # fmt: skip
    else:
        effects = [
            "The user is enabled. They must log in again, allow each app again, and resume their payment orders.",
            "Accounts that a lockdown froze are open again, if another officer locked down. Others stay frozen, and so "
            "do joint accounts while another holder is disabled.",
        ]
        page = _Page(
            "Lift the lockdown", user.email, effects, back, "The lockdown is lifted.",
            lambda by, reason: lift_user(user, by=by, reason=reason), is_emergency=False,
        )  # fmt: skip
    return _answer(request, page, user)


def client_page(request: HttpRequest, client_pk: int) -> HttpResponse:
    """For staff who may change clients and hold orders."""
    client = get_object_or_404(Client, pk=client_pk)
    if not request.user.has_perms(OF_CLIENT):
        raise PermissionDenied
    back = reverse("admin:oauth_client_change", args=[client.pk])
    name = client.client_id
    if client.is_active:
        orders = lockdown.orders_of_app(client.client_id)
        effects = [
            usage(client),
            "The client is disabled: within seconds, none of its requests is accepted, and its tokens stop working.",
            f"Payment orders that it set up, to put on hold: {orders.count()}. Their users can resume them.",
        ]
        page = _Page(
            "Lock down this client", name, effects, back, "The client is locked down.",
            lambda by, reason: lock_client(client, by=by, reason=reason), is_emergency=True,
        )  # fmt: skip
    else:
        effects = ["The client is enabled: tokens that have not expired work again. Orders stay on hold."]
        page = _Page(
            "Lift the lockdown", name, effects, back, "The lockdown is lifted.",
            lambda by, reason: lift_client(client, by=by, reason=reason), is_emergency=False,
        )  # fmt: skip
    return _answer(request, page, client)


def _answer(request: HttpRequest, page: _Page, about: Any) -> HttpResponse:
    form = LockdownForm(request.POST if request.method == "POST" else None, name=page.name, act=page.title)
    if form.is_valid():
        officer = Officer(request.user, request.META.get("REMOTE_ADDR") or None)
        try:
            in_transaction(lambda: page.act(officer, form.cleaned_data["reason"]))
        except Refusal as refusal:
            form.add_error(None, refusal.detail)
        else:
            messages.success(request, page.done)
            return HttpResponseRedirect(page.back)
    context = {
        **admin.site.each_context(request),
        "title": page.title,
        "effects": page.effects,
        "is_emergency": page.is_emergency,
        "change_url": page.back,
        "form": form,
        "opts": about._meta,
        "original": about,
    }
    return TemplateResponse(request, "admin/effects.html", context)
