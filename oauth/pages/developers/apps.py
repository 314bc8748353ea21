"""Pages that register and change an app. A new app works with sandbox users immediately; staff decide when it goes
live.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from oauth.clients import EXPLANATIONS, snippets
from oauth.clients.self_service import reviews, sent_twice
from oauth.clients.self_service.host import developers
from oauth.clients.self_service.ownership import MOST_APPS, own_app, own_apps
from oauth.conf import conf
from oauth.models import AuditEvent, Client
from oauth.models.client import Kind
from oauth.pages.developers.app_form import ChangeAppForm, NewAppForm
from oauth.pages.developers.developer_page import DeveloperPage, proof_needed, to_app
from oauth.pages.developers.overview import state_of


class NewApp(DeveloperPage):
    """Asks for the kind first, which sets the same safe values as in the admin."""

    def get(self, request: HttpRequest) -> HttpResponse:
        kind = request.GET.get("kind", "")
        if kind not in Kind.values:
            return self.show("kinds", kinds=[(one, _(one.label), _(EXPLANATIONS[one])) for one in Kind])
        return self._form(NewAppForm(initial={"kind": kind}), kind)

    def post(self, request: HttpRequest) -> HttpResponse:
        owner: Any = request.user
        kind = request.POST.get("kind", "")
        if kind not in Kind.values:
            return HttpResponseRedirect(reverse("oauth:developer-new-app"), status=303)
        # Set `is_live` before validation, because rules for clients may depend on it.
        form = NewAppForm(request.POST, instance=Client(user=owner, is_live=False))
        if not form.is_valid():
            return self._form(form, kind, status=400)
        with transaction.atomic():
            # Lock the owner's row, so that two parallel requests cannot both create the last allowed app.
            get_user_model()._default_manager.select_for_update(of=("self",)).get(pk=owner.pk)
            key = sent_twice.key_of(owner, request.POST)
            if (made := sent_twice.made_before(key)) and (before := own_apps(owner).filter(pk=made).first()):
                return to_app(before)
            if own_apps(owner).count() >= MOST_APPS:
                messages.error(request, _("You have reached the maximum number of apps. Close one first."))
                return HttpResponseRedirect(reverse("oauth:developers"), status=303)
            client = form.save()
            AuditEvent.record(
                AuditEvent.Action.CLIENT_REGISTERED, client=client.client_id, actor=owner.pk, reason="by its developer"
            )
            sent_twice.remember(key, client.pk)
        messages.success(request, _("Registered. Your app works with sandbox users now."))
        return to_app(client)

    def _form(self, form: NewAppForm, kind: str, status: int = 200) -> HttpResponse:
        form.fields.pop("note", None)
        label = _(Kind(kind).label)
        value = self.request.POST.get(sent_twice.FIELD) or sent_twice.new_value()
        text = _(EXPLANATIONS[Kind(kind)])
        return self.show("new_app", status=status, form=form, kind=kind, label=label, text=text, form_value=value)


class App(DeveloperPage):
    """An app: its state, values and secret, and what to do next."""

    def get(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        client = own_app(request.user, client_pk)
        host = developers()
        badge, state = state_of(client)
        return self.show(
            "app",
            client=client,
            badge=badge,
            state=state,
            label=_(Kind(client.kind).label) if client.kind in Kind.values else client.kind,
            review=reviews.open_review(client),
            decided=reviews.last_decided(client),
            app_links=host.links_of_app(client) if host else (),
            issuer=conf.ISSUER,
        )


class ChangeApp(DeveloperPage):
    """New values of a live app wait for a review; those of any other app take effect immediately."""

    def get(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        client = own_app(request.user, client_pk)
        waiting = reviews.open_review(client) if client.is_live else None
        form = ChangeAppForm(instance=client, initial=_as_initial(waiting.values) if waiting else None)
        return self._form(form, client)

    def post(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        with transaction.atomic():
            client = own_app(request.user, client_pk, lock=True)
            if not client.is_active:
                return _disabled(request, client)
            form = ChangeAppForm(request.POST, instance=own_app(request.user, client_pk))
            if not form.is_valid():
                return self._form(form, client, status=400)
            waits = reviews.change(client, form.values(), request.user, note=form.cleaned_data["note"])
        messages.success(request, _("Sent for review. Your app stays as it is until then.") if waits else _("Saved."))
        return to_app(client)

    def _form(self, form: ChangeAppForm, client: Client, status: int = 200) -> HttpResponse:
        if not client.is_live:
            form.fields.pop("note", None)
        return self.show("change_app", status=status, form=form, client=client)


class Review(DeveloperPage):
    """Sends the app to staff for review, or withdraws the request."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        with transaction.atomic():
            client = own_app(request.user, client_pk, lock=True)
            if not client.is_active:
                return _disabled(request, client)
            if request.POST.get("act") == "withdraw":
                reviews.withdraw(client, request.user)
                messages.success(request, _("Withdrawn. We will not review it."))
            elif not client.is_live and reviews.open_review(client) is None:
                reviews.ask(client, request.user, note=request.POST.get("note", "").replace("\x00", "")[:1000])
                messages.success(request, _("Sent. You get an email when we have decided."))
        return to_app(client)


class CloseApp(DeveloperPage):
    """Deletes the app and its authorizations."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        if needed := proof_needed(request, reverse("oauth:developer-app", args=[client_pk])):
            own_app(request.user, client_pk)
            return needed
        with transaction.atomic():
            client = own_app(request.user, client_pk, lock=True)
            if not client.is_active:
                return _disabled(request, client)
            if request.POST.get("typed", "").strip() != client.name:
                messages.error(request, _("Type the name of the app to close it. Nothing was changed."))
                return to_app(client)
            AuditEvent.record(
                AuditEvent.Action.CLIENT_DELETED,
                client=client.client_id,
                actor=getattr(request.user, "pk", ""),
                reason="by its developer",
            )
            client.delete()
        messages.success(request, _("Closed. Nobody can use this app any more."))
        return HttpResponseRedirect(reverse("oauth:developers"), status=303)


class Programs(DeveloperPage):
    """Sample programs with the values of this app."""

    def get(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        client = own_app(request.user, client_pk)
        found, why_none = snippets.for_client(client), snippets.why_none(client)
        return self.show("programs", client=client, snippets=found, why_none=why_none)


def _as_initial(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "note"}


def _disabled(request: HttpRequest, client: Client) -> HttpResponse:
    messages.error(request, _("Our staff disabled this app, so you cannot change it."))
    return to_app(client)
