"""GET and POST /webhooks, GET and DELETE /webhooks/{id}, POST /webhooks/{id}/ping, GET /webhooks/{id}/deliveries."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from banking import webhooks
from banking.api.cursors import PAGE, Page
from banking.api.money import StrictCharField, StrictSerializer
from banking.api.problems import Conflict
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.models import Account, Event, Webhook, WebhookDelivery
from banking.notation.timestamps import timestamp
from oauth.infrastructure import outbound
from oauth.infrastructure.rate_limits import Limit
from oauth.resource_server import InsufficientScope, TokenRequest, authorization_of, require_live

MOST = 10
_CHOICES = [event for event in Event if event != Event.PING]


class ConfidentialClientsOnly(APIException):
    status_code = 403
    default_code = "confidential_clients_only"
    default_detail = "Webhooks need a confidential client: one with a server and a credential of its own."


class WebhookSerializer(StrictSerializer):
    url = StrictCharField(max_length=2000)
    events = serializers.ListField(child=serializers.ChoiceField(_CHOICES), min_length=1, max_length=len(_CHOICES))

    def validate_url(self, value: str) -> str:
        try:
            outbound.check_url(value)
        except outbound.OutboundError as error:
            raise serializers.ValidationError(f"This address cannot be called: {error}") from error
        return value


class WebhookList(BankView):
    required_scopes = {"GET": ["webhooks:manage"], "POST": ["webhooks:manage"]}
    query_parameters = {"GET": PAGE}

    def get(self, request: TokenRequest) -> Response:
        page = Page(request, "webhooks")
        rows = page.newest_first(_visible(request))
        return Response(page.envelope([_represent(hook) for hook in rows], key="id"))

    def post(self, request: TokenRequest) -> Response:
        """Registers an address of the app's server. Deliveries are signed with a key of our JWK Set and contain ids
        only."""
        serializer = WebhookSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        claims, events = request.claims, serializer.validated_data["events"]
        user_id = user_or_404(request)
        # An event tells that something happened, so the app needs the scope to read about it.
        if missing := {
            webhooks.SCOPES_OF_EVENTS[event] for event in events if event in webhooks.SCOPES_OF_EVENTS
        } - set(claims.scopes):
            raise InsufficientScope(sorted(missing))
        require_live(request.token)
        authorization = authorization_of(request.token)
        if authorization is None or claims.authorization_id is None or not authorization.is_confidential:
            raise ConfidentialClientsOnly
        if _visible(request).count() >= MOST:
            raise Conflict("too_many_webhooks", f"You have {MOST} webhooks already; remove one first.")
        hook = Webhook.objects.create(
            user_id=user_id,
            client_id=claims.client_id,
            authorization_id=claims.authorization_id,
            accounts=_accounts(request),
            url=serializer.validated_data["url"],
            events=sorted(set(events)),
        )
        answer = Response(_represent(hook), status=status.HTTP_201_CREATED)
        answer["Location"] = f"/api/v1/webhooks/{hook.pk}"
        return answer


class WebhookDetail(BankView):
    required_scopes = {"GET": ["webhooks:manage"], "DELETE": ["webhooks:manage"]}

    def get(self, request: TokenRequest, webhook_id: str) -> Response:
        return Response(_represent(_hook(request, webhook_id)))

    def delete(self, request: TokenRequest, webhook_id: str) -> Response:
        """Ends the webhook: nothing more is sent to it."""
        if not _visible(request).filter(pk=uuid_or_404(webhook_id)).update(ended_at=timezone.now()):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookPing(BankView):
    required_scopes = {"POST": ["webhooks:manage"]}
    limit = Limit("webhook-pings", 10)

    def post(self, request: TokenRequest, webhook_id: str) -> Response:
        """Sends an event of type `ping`. The list of deliveries shows the outcome."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        webhooks.ping(_hook(request, webhook_id))
        return Response(status=status.HTTP_202_ACCEPTED)


class WebhookDeliveries(BankView):
    required_scopes = {"GET": ["webhooks:manage"]}
    query_parameters = {"GET": PAGE}

    def get(self, request: TokenRequest, webhook_id: str) -> Response:
        hook = _hook(request, webhook_id)
        page = Page(request, f"deliveries|{hook.pk}")
        # Without what was withheld: the app may not know that something happened.
        deliveries = WebhookDelivery.objects.filter(webhook=hook).exclude(status=WebhookDelivery.Status.DROPPED)
        rows = page.newest_first(deliveries)
        return Response(page.envelope([_represent_delivery(one) for one in rows], key="id"))


def _visible(request: TokenRequest) -> QuerySet[Webhook]:
    """The webhooks of this client for this user."""
    claims = request.claims
    if claims.user_id is None:
        return Webhook.objects.none()
    return Webhook.objects.filter(user_id=claims.user_id, client_id=claims.client_id, ended_at=None)


def _hook(request: TokenRequest, webhook_id: str) -> Webhook:
    hook = _visible(request).filter(pk=uuid_or_404(webhook_id)).first()
    if hook is None:
        raise Http404
    return hook


def _accounts(request: TokenRequest) -> list[str] | None:
    """The accounts that the user picked for this app (RFC 9396); None means all."""
    details = request.claims.authorization_details
    if not details:
        return None
    return [str(pk) for pk in Account.objects.visible_to(request.token, "transactions").values_list("pk", flat=True)]


def _represent(hook: Webhook) -> dict[str, Any]:
    return {"id": hook.pk, "url": hook.url, "events": hook.events, "created_at": timestamp(hook.created_at)}


def _represent_delivery(one: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": one.pk,
        "event": one.event,
        "status": one.status,
        "attempts": one.attempts,
        "last_answer": one.last_answer or None,
        "created_at": timestamp(one.created_at),
        "delivered_at": timestamp(one.delivered_at) if one.delivered_at else None,
    }
