"""GET and POST /webhooks, GET and DELETE /webhooks/{id}, POST /webhooks/{id}/ping, GET /webhooks/{id}/deliveries."""

from django.db.models import QuerySet
from django.http import Http404
from django.urls import get_script_prefix
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException

from banking import webhooks
from banking.api.content_filters import named_in
from banking.api.cursors import PAGE, Page
from banking.api.fields import NothingSerializer, StrictCharField, StrictSerializer
from banking.api.operation import operation
from banking.api.problems import Conflict
from banking.api.query import Choices
from banking.api.representations import Delivery, PageOf, Webhook
from banking.api.responses import Accepted, Created, NoContent, Ok
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.models import Account, Event, WebhookDelivery
from banking.models import Webhook as WebhookRow
from banking.models.account_queryset import picked_in
from banking.notation.timestamps import timestamp
from oauth.infrastructure import outbound
from oauth.infrastructure.rate_limits import Limit
from oauth.resource_server import InsufficientScope, TokenRequest, authorization_of, require_live

MOST = 10
_STATUS = Choices(
    "status",
    "One value, or several separated by commas.",
    tuple(one for one in WebhookDelivery.Status.values if one != WebhookDelivery.Status.DROPPED),
)
#: The events that webhooks can subscribe to.
_ACTIONS = ("transactions", "transfers", "direct_debits")
_CHOICES = [event for event in Event if event != Event.PING]


class ConfidentialClientsOnly(APIException):
    status_code = 403
    default_code = "confidential_clients_only"
    default_detail = "Webhooks need a confidential client, which has a server and its own credentials."


class WebhookURLField(StrictCharField):
    pattern = "^https?://[!-~]+$"
    keywords = {"format": "https-url"}
    default_error_messages = {"form": "Must be an https URL in ASCII."}


class NewWebhookSerializer(StrictSerializer):
    url = WebhookURLField(max_length=2000, help_text="An https URL of a public host.")
    events = serializers.ListField(child=serializers.ChoiceField(_CHOICES), min_length=1, max_length=len(_CHOICES))

    def validate_url(self, value: str) -> str:
        try:
            outbound.check_url(value)
        except outbound.OutboundError as error:
            raise serializers.ValidationError(f"This address cannot be called: {error}") from error
        return value


class WebhookList(BankView):
    tag = "Webhooks"
    required_scopes = {"GET": ["webhooks:manage"], "POST": ["webhooks:manage"]}
    query_parameters = {"GET": PAGE}
    bodies = {"POST": NewWebhookSerializer}

    @operation("List webhooks")
    def get(self, request: TokenRequest) -> Ok[PageOf[Webhook]]:
        page = Page(request, "webhooks")
        rows = page.newest_first(_visible(request))
        return Ok(page.envelope([_represent(hook) for hook in rows], key="id"))

    @operation("Add a webhook", refusals={409: f"There are {MOST} already."})
    def post(self, request: TokenRequest) -> Created[Webhook]:
        """For clients with a server. Deliveries contain ids only. `Webhook-Signature` is a detached JWS (RFC 7515
        Appendix F); its key is in the JWK Set of this server.
        """
        body = self.body(request)
        claims, events = request.claims, body["events"]
        user_id = user_or_404(request)
        # An event reveals that something happened, so the app needs the scope with which it could read the same.
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
        hook = WebhookRow.objects.create(
            user_id=user_id,
            client_id=claims.client_id,
            authorization_id=claims.authorization_id,
            accounts=_accounts(request),
            url=body["url"],
            events=sorted(set(events)),
        )
        return Created(_represent(hook), location=f"{get_script_prefix()}api/v1/webhooks/{hook.pk}")


class WebhookDetail(BankView):
    tag = "Webhooks"
    required_scopes = {"GET": ["webhooks:manage"], "DELETE": ["webhooks:manage"]}

    @operation("Read a webhook")
    def get(self, request: TokenRequest, webhook_id: str) -> Ok[Webhook]:
        return Ok(_represent(_hook(request, webhook_id)))

    @operation("Remove a webhook")
    def delete(self, request: TokenRequest, webhook_id: str) -> NoContent:
        """Removes the webhook. Nothing more is sent to it."""
        if not _visible(request).filter(pk=uuid_or_404(webhook_id)).update(ended_at=timezone.now()):
            raise Http404
        return NoContent()


class WebhookPing(BankView):
    tag = "Webhooks"
    required_scopes = {"POST": ["webhooks:manage"]}
    bodies = {"POST": NothingSerializer}
    limit = Limit("webhook-pings", 10)

    @operation("Send a test")
    def post(self, request: TokenRequest, webhook_id: str) -> Accepted:
        """Sends an event of type `ping`. The list of deliveries shows the outcome."""
        self.body(request)
        webhooks.ping(_hook(request, webhook_id))
        return Accepted()


class WebhookDeliveries(BankView):
    tag = "Webhooks"
    required_scopes = {"GET": ["webhooks:manage"]}
    query_parameters = {"GET": (*PAGE, _STATUS)}

    @operation("What was sent")
    def get(self, request: TokenRequest, webhook_id: str) -> Ok[PageOf[Delivery]]:
        hook = _hook(request, webhook_id)
        page = Page(request, f"deliveries|{hook.pk}|{named_in(request, [_STATUS])}")
        statuses = _STATUS.value(request)
        # Withheld events are not listed, because the app must not learn about them.
        deliveries = WebhookDelivery.objects.filter(webhook=hook).exclude(status=WebhookDelivery.Status.DROPPED)
        rows = page.newest_first(deliveries.filter(status__in=sorted(statuses)) if statuses else deliveries)
        return Ok(page.envelope([_represent_delivery(one) for one in rows], key="id"))


def _visible(request: TokenRequest) -> QuerySet[WebhookRow]:
    """The webhooks of this client for this user. Those of an authorization that has ended are left out before the
    background worker ends them: if the user allows the app again, it must register them again.
    """
    claims = request.claims
    if claims.user_id is None:
        return WebhookRow.objects.none()
    rows = WebhookRow.objects.filter(user_id=claims.user_id, client_id=claims.client_id, ended_at=None)
    # The token's own authorization is live.
    of_others = [hook for hook in rows if str(hook.authorization_id) != claims.authorization_id]
    return rows.exclude(pk__in=[hook.pk for hook in of_others if authorization_of(hook) is None])


def _hook(request: TokenRequest, webhook_id: str) -> WebhookRow:
    hook = _visible(request).filter(pk=uuid_or_404(webhook_id)).first()
    if hook is None:
        raise Http404
    return hook


def _accounts(request: TokenRequest) -> list[str] | None:
    """The accounts that the user picked for this app (RFC 9396); None means all."""
    details = request.claims.authorization_details
    picked = [picked_in(details, action) for action in _ACTIONS]
    if None in picked:
        return None
    seen = [Account.objects.visible_to(request.token, action).values_list("pk", flat=True) for action in _ACTIONS]
    return sorted({str(pk) for pks in seen for pk in pks})


def _represent(hook: WebhookRow) -> Webhook:
    return {"id": hook.pk, "url": hook.url, "events": hook.events, "created_at": timestamp(hook.created_at)}


def _represent_delivery(one: WebhookDelivery) -> Delivery:
    return {
        "id": one.pk,
        "event": Event(one.event),
        "status": WebhookDelivery.Status(one.status),
        "attempts": one.attempts,
        "last_answer": one.last_answer or None,
        "created_at": timestamp(one.created_at),
        "delivered_at": timestamp(one.delivered_at) if one.delivered_at else None,
    }
