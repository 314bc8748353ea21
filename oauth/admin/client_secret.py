"""Client secrets. Only the response to the POST that creates a secret shows it. After a change, the old one works for a
while.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from oauth.admin.client_tabs import is_confirmed
from oauth.clients.rotation import SECRET_OVERLAP, retire_previous_secret, store_new_secret
from oauth.models import Client
from oauth.models.audit_event import origin


class SecretViews:
    """Mixin for the ModelAdmin of Client: the views of the secret."""

    opts: Any
    admin_site: Any
    has_change_permission: Any
    log_change: Any
    message_user: Any
    change_url: Any

    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Creates a secret. The old one still works for SECRET_OVERLAP."""
        client = get_object_or_404(Client, pk=object_id)
        if request.method != "POST" or not client.has_secret or not self.has_change_permission(request, client):
            raise PermissionDenied
        if client.has_two_secrets and not is_confirmed(request, client):
            return HttpResponseRedirect(reverse("admin:oauth_client_secret", args=[client.pk]))
        with transaction.atomic(), origin("admin", request):
            secret = store_new_secret(client, request.user, overlap_until=timezone.now() + SECRET_OVERLAP)
        self.log_change(request, client, "Issued a new secret.")
        return self.show_secret(request, client, secret)

    def retire_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ends the old secret before SECRET_OVERLAP is over."""
        client = get_object_or_404(Client, pk=object_id)
        if request.method != "POST" or not self.has_change_permission(request, client):
            raise PermissionDenied
        if client.has_two_secrets and not is_confirmed(request, client):
            return HttpResponseRedirect(reverse("admin:oauth_client_secret", args=[client.pk]))
        with transaction.atomic(), origin("admin", request):
            was_retired = retire_previous_secret(client, request.user)
        if was_retired:
            self.log_change(request, client, "Retired the old secret.")
            self.message_user(request, _("The old secret no longer works."), messages.SUCCESS)
        return HttpResponseRedirect(self.change_url(client))

    def show_secret(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Client secret"),
            "opts": self.opts,
            "client": client,
            "secret": secret,
            "change_url": self.change_url(client),
        }
        response = TemplateResponse(request, "admin/oauth/client/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response
