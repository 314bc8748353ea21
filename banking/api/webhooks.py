"""GET and POST /webhooks, GET and DELETE /webhooks/{id}, POST /webhooks/{id}/ping, GET /webhooks/{id}/deliveries."""

from typing import Any
from uuid import UUID

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
    default_detail = "Webhooks are for clients with a server and a credential of their own."


class WebhookSerializer(StrictSerializer):
    url = StrictCharField(max_length=2000)
    events = serializers.ListField(child=serializers.ChoiceField(_CHOICES), min_length=1, max_length=len(_CHOICES))

    def validate_url(self, value: str) -> str:
        try:
            outbound.check_url(value)
        except outbound.OutboundError as error:
            raise serializers.ValidationError(f"It cannot be called: {error}") from error
        return value


class WebhookList(BankView):
    required_scopes = {"GET": ["webhooks:manage"], "POST": ["webhooks:manage"]}
    query_parameters = {"GET": PAGE}

    def get(self, request: TokenRequest) -> Response:
        page = Page(request, "webhooks")
        hooks = _visible(request)
        if page.after is not None:
            hooks = hooks.filter(id__lt=UUID(page.after))
        rows = hooks.order_by("-id")[: page.limit + 1]
        return Response(page.envelope([_shown(hook) for hook in rows], key="id"))

    def post(self, request: TokenRequest) -> Response:
        """An address of the app's server. What is sent is signed by a key of our JWK Set, and holds ids only."""
        serializer = WebhookSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        claims, events = request.claims, serializer.validated_data["events"]
        user_id = user_or_404(request)
        # An event tells that something happened; that is for whoever may look at it.
        if missing := {
            webhooks.SCOPES_OF_EVENTS[event] for event in events if event in webhooks.SCOPES_OF_EVENTS
        } - set(claims.scopes):
            raise InsufficientScope(sorted(missing))
        require_live(request.token)
        authorization = authorization_of(request.token)
        if authorization is None or claims.authorization_id is None or not authorization.is_confidential:
            raise ConfidentialClientsOnly
        if _visible(request).count() >= MOST:
            raise Conflict("too_many_webhooks", f"There are {MOST} already; remove one first.")
        hook = Webhook.objects.create(
            user_id=user_id,
            client_id=claims.client_id,
            authorization_id=claims.authorization_id,
            accounts=_accounts(request),
            url=serializer.validated_data["url"],
            events=sorted(set(events)),
        )
        answer = Response(_shown(hook), status=status.HTTP_201_CREATED)
        answer["Location"] = f"/api/v1/webhooks/{hook.pk}"
        return answer


class WebhookDetail(BankView):
    required_scopes = {"GET": ["webhooks:manage"], "DELETE": ["webhooks:manage"]}

    def get(self, request: TokenRequest, webhook_id: str) -> Response:
        return Response(_shown(_hook(request, webhook_id)))

    def delete(self, request: TokenRequest, webhook_id: str) -> Response:
        """Nothing more is sent."""
        if not _visible(request).filter(pk=uuid_or_404(webhook_id)).update(ended_at=timezone.now()):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookPing(BankView):
    required_scopes = {"POST": ["webhooks:manage"]}
    limit = Limit("webhook-pings", 10)

    def post(self, request: TokenRequest, webhook_id: str) -> Response:
        """Sends an event of type `ping`; the deliveries say what came of it."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        webhooks.ping(_hook(request, webhook_id))
        return Response(status=status.HTTP_202_ACCEPTED)


class WebhookDeliveries(BankView):
    required_scopes = {"GET": ["webhooks:manage"]}
    query_parameters = {"GET": PAGE}

    def get(self, request: TokenRequest, webhook_id: str) -> Response:
        hook = _hook(request, webhook_id)
        page = Page(request, f"deliveries|{hook.pk}")
        # What was withheld is not told here either: that something happened is what the app may not know.
        deliveries = WebhookDelivery.objects.filter(webhook=hook).exclude(status=WebhookDelivery.Status.DROPPED)
        if page.after is not None:
            deliveries = deliveries.filter(id__lt=UUID(page.after))
        rows = deliveries.order_by("-id")[: page.limit + 1]
        return Response(page.envelope([_shown_delivery(one) for one in rows], key="id"))


def _visible(request: TokenRequest) -> QuerySet[Webhook]:
    """This client's for this person."""
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
    """Those that the person picked for this app; None: all (RFC 9396)."""
    details = request.claims.authorization_details
    if not details:
        return None
    return [str(pk) for pk in Account.objects.visible_to(request.token, "transactions").values_list("pk", flat=True)]


def _shown(hook: Webhook) -> dict[str, Any]:
    return {"id": hook.pk, "url": hook.url, "events": hook.events, "created_at": timestamp(hook.created_at)}


def _shown_delivery(one: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": one.pk,
        "event": one.event,
        "status": one.status,
        "attempts": one.attempts,
        "last_answer": one.last_answer or None,
        "created_at": timestamp(one.created_at),
        "delivered_at": timestamp(one.delivered_at) if one.delivered_at else None,
    }
