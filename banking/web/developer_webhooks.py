"""The webhooks of a developer's app and their deliveries. A page of the developer portal."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from banking import webhooks
from banking.models import Webhook, WebhookDelivery
from oauth.clients.self_service.door import for_developers
from oauth.clients.self_service.ownership import own_app
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

MOST_WEBHOOKS = 20
MOST_DELIVERIES = 100
#: Limits the requests that are sent to the developer's server.
ACTS = Limit("developer-deliveries", 30)


@require_http_methods(["GET", "HEAD", "POST"])
@for_developers
def app_webhooks(request: HttpRequest, client_pk: int) -> HttpResponse:
    """The newest webhooks of the app for all users, without their names. POST sends a test event, or a failed delivery
    again.
    """
    client = own_app(request.user, client_pk)
    of_app = Webhook.objects.filter(client_id=client.client_id)
    if request.method == "POST":
        _act(request, client.client_id, is_active=client.is_active)
        return HttpResponseRedirect(reverse("developer-webhooks", args=[client_pk]), status=303)
    found = list(of_app.order_by("-id")[:MOST_WEBHOOKS])
    # Withheld events are not listed, because the app must not learn about them. GONE was the answer of the app itself.
    withheld = Q(status=WebhookDelivery.Status.DROPPED) & ~Q(last_answer=webhooks.GONE)
    deliveries = WebhookDelivery.objects.filter(webhook__in=found).exclude(withheld).order_by("-id")
    context = {
        "client": client,
        "webhooks": found,
        "deliveries": deliveries[:MOST_DELIVERIES],
        "most": MOST_DELIVERIES,
    }
    return render(request, "bank/developer_webhooks.html", context)


def _act(request: HttpRequest, client_id: str, *, is_active: bool) -> None:
    if not is_active:
        messages.error(request, _("Our staff disabled this app, so nothing is sent to it."))
        return
    try:
        rate_limits.spend(ACTS, client_id)
    except LimitReached:
        messages.error(request, _("Too often. Wait a minute, then try again."))
        return
    if delivery := request.POST.get("delivery"):
        failed = get_object_or_404(WebhookDelivery, pk=_uuid(delivery), webhook__client_id=client_id)
        webhooks.send_again(failed.pk)
        messages.success(request, _("We are sending it again."))
    else:
        webhook = get_object_or_404(
            Webhook, pk=_uuid(request.POST.get("webhook", "")), client_id=client_id, ended_at=None
        )
        webhooks.ping(webhook)
        messages.success(request, _("We are sending a test event."))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
