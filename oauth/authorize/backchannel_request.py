"""What a client asks over the back channel, read and kept (OpenID Connect CIBA Core 1.0 §7), and the word to it that
the person has decided (§10.2)."""

import json
import re
import unicodedata
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from oauth.authorize import request_object
from oauth.authorize.request import requested_resources, requested_scopes
from oauth.conf import conf
from oauth.errors import (
    InvalidAuthorizationDetails,
    InvalidBindingMessage,
    InvalidRequest,
    InvalidScope,
    TooManyRequests,
)
from oauth.infrastructure import display_names, outbound, rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import Authorization, BackchannelRequest, Client, Session
from oauth.models.client import DeliveryMode
from oauth.models.secret import digest, new_secret
from oauth.parameters import Parameters
from oauth.tokens import id_token

INTERVAL_SECONDS = 5
LONGEST = timedelta(minutes=10)
LONGEST_BINDING_MESSAGE = 60
TELL_PERSON, TELL_CLIENT = "oauth.tell_person_of_request", "oauth.tell_client_of_decision"
# A user is not worn down until they allow: per client, so that none spends what another lives on. Counted by hint, so
# that the refusal says nothing; and by user, whom another spelling of the hint does not reach more often.
OF_A_HINT = Limit("backchannel-requests", 20, seconds=3600)
OF_A_USER = Limit("backchannel-requests-of-user", 20, seconds=3600)
MOST_AT_ONCE = 5
_NOBODY = UUID(int=0)
# RFC 6750 §2.1.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{22,1024}=*")


class NotDelivered(Exception):
    """The client was not reached; the worker tries again."""


def undecided() -> QuerySet[BackchannelRequest]:
    return BackchannelRequest.objects.filter(
        denied_at=None, authorization=None, expires_at__gt=timezone.now(), client__is_active=True
    )


def read(params: Parameters, client: Client) -> tuple[BackchannelRequest, str]:
    """A new request, not yet saved, and its auth_req_id. Raises the OAuthError that the client is told (§13)."""
    if client.is_fapi and "request" not in params:
        raise InvalidRequest("This client signs its requests (FAPI-CIBA §5.2.2): send a request object.")
    params = request_object.opened(params, client)
    if "authorization_details" in params:
        raise InvalidAuthorizationDetails("Details are asked for at the authorization endpoint.")
    scopes = requested_scopes(params.get("scope"), client)
    if "openid" not in scopes:
        raise InvalidScope("The scope holds openid (CIBA §7.1).")
    is_ping = client.backchannel_token_delivery_mode == DeliveryMode.PING
    token = params.get("client_notification_token", "")
    if is_ping and (not _TOKEN.fullmatch(token) or len(token) > 1024):
        raise InvalidRequest("client_notification_token is a bearer token of 22 to 1024 characters (CIBA §7.1).")
    message = _binding_message(params, client)
    hint, found = _hint(params, client)
    _refuse_too_many(hint, client)
    user = found if _may_be_asked(found, hint, client) else None
    auth_req_id = new_secret()
    asked = BackchannelRequest(
        request_digest=digest(auth_req_id),
        client=client,
        user=user,
        hint_digest=hint,
        scopes=list(scopes),
        resources=list(requested_resources(params.all("resource"), client)),
        acr_values=params.get("acr_values", "").split(),
        binding_message=message,
        auth_req_id=auth_req_id if is_ping else "",
        client_notification_token=token if is_ping else "",
        expires_at=timezone.now() + _lifetime(params.get("requested_expiry")),
        interval_seconds=INTERVAL_SECONDS,
    )
    return asked, auth_req_id


def _binding_message(params: Parameters, client: Client) -> str:
    """§7.1: shown on both devices, so that the user knows what they allow. It stands in mail of ours, so it leads
    nowhere (§13 invalid_binding_message)."""
    message = params.get("binding_message", "")
    if len(message) > LONGEST_BINDING_MESSAGE or not message.isprintable():
        raise InvalidBindingMessage(f"binding_message is at most {LONGEST_BINDING_MESSAGE} printable characters.")
    if display_names.holds_link(message):
        raise InvalidBindingMessage("binding_message must not hold a link, a host name or an email address.")
    if client.is_fapi and not message:
        raise InvalidBindingMessage("binding_message is missing (FAPI-CIBA §5.2.2).")
    return message


def _lifetime(asked: str | None) -> timedelta:
    if asked is None:
        return conf.BACKCHANNEL_REQUEST_LIFETIME
    if not re.fullmatch(r"[1-9][0-9]{0,5}", asked):
        raise InvalidRequest("requested_expiry is a positive number of seconds.")
    return min(timedelta(seconds=int(asked)), LONGEST)


def _hint(params: Parameters, client: Client) -> tuple[bytes, Any]:
    """§7.1: the digest of the one hint, and the user it means or None."""
    hints = [name for name in ("login_hint", "id_token_hint", "login_hint_token") if name in params]
    if len(hints) != 1:
        raise InvalidRequest("Name the user by exactly one of login_hint and id_token_hint.")
    match hints[0]:
        case "login_hint":
            named = params["login_hint"]
            return digest(unicodedata.normalize("NFKC", named).casefold().strip()), import_string(conf.FIND_USER)(named)
        case "id_token_hint":
            hint = id_token.read_hint(params["id_token_hint"])
            if hint is None or hint.client_id != client.client_id:
                raise InvalidRequest("id_token_hint is not an ID token of this server for this client.")
            session = Session.objects.select_related("user").filter(pk=hint.sid).first()
            return digest(f"sub {hint.subject}"), session.user if session else None
        case _:
            raise InvalidRequest("login_hint_token is not supported.")


def _refuse_too_many(hint: bytes, client: Client) -> None:
    rate_limits.spend(OF_A_HINT, client.client_id, hint.hex())
    if undecided().filter(hint_digest=hint, client=client).count() >= MOST_AT_ONCE:
        raise TooManyRequests("The requests before this one have not been answered.", retry_after_seconds=60)


def _may_be_asked(user: Any, hint: bytes, client: Client) -> bool:
    """Whether the request reaches this user; the client is not told.

    §13 has `unknown_user_id` for a hint that means nobody. A client would learn by it who has an account here, so the
    request is accepted and expires, as it does when a user does not answer. Nobody is looked up as somebody is, so
    that the work is the same.
    """
    pk = user.pk if user is not None else _NOBODY
    is_known_to_client = Authorization.objects.filter(user=pk, client=client).exists()
    waiting = undecided().filter(user=pk, client=client).count()
    try:
        rate_limits.spend(OF_A_USER, client.client_id, hint.hex() if user is None else str(pk))
    except TooManyRequests:
        return False
    # Nobody here vouches for a client that registered itself: it asks only users who let it in before.
    may_ask = is_known_to_client or client.is_vouched_for
    return user is not None and user.is_active and may_ask and waiting < MOST_AT_ONCE


def find_user(hint: str) -> Any:
    """The person with this name to log in by; None where there is none."""
    model = get_user_model()
    return model._default_manager.filter(**{f"{model.USERNAME_FIELD}__iexact": hint}).first()


# --- what the worker does


def tell_person(request_id: str) -> None:
    """A mail that says where to decide. It carries no link that decides."""
    asked = undecided().select_related("client", "user").filter(pk=request_id).first()
    if asked is None or asked.user is None:
        return
    address = getattr(asked.user, asked.user.get_email_field_name(), "")
    if not address:
        return
    language = import_string(conf.USER_LANGUAGE)(asked.user) if conf.USER_LANGUAGE else ""
    with translation.override(language or settings.LANGUAGE_CODE):
        facts = {
            "app": _name_in_mail(asked.client),
            "message": asked.binding_message or "-",
            "page": conf.url("/oauth/requests"),
        }
        send_mail(
            # Whatever a client says of itself stays out of the subject of our mail.
            _("An app asks for your approval"),
            _(
                "%(app)s asks for your approval.\n\nIts message: %(message)s\n\nIf you expect this, log in and decide "
                "at %(page)s.\nIf you do not, do nothing: nothing is shared."
            )
            % facts,
            None,
            [address],
        )


def _name_in_mail(client: Client) -> str:
    """A name that its client claims is marked; one that leads somewhere is left out."""
    if client.is_vouched_for:
        return client.shown_name
    if display_names.holds_link(client.shown_name):
        return _("An app whose name nobody here has checked")
    return _("An app that calls itself “%(app)s” (nobody here has checked this name)") % {"app": client.shown_name}


def tell_client_later(asked: BackchannelRequest) -> None:
    """§10.2, in the transaction of the decision."""
    if asked.auth_req_id:
        app.configure_task(TELL_CLIENT, queue="oauth").defer(request_id=str(asked.pk))


def tell_client(request_id: str) -> None:
    """One delivery. Raises NotDelivered. What it needs is forgotten once the client has it."""
    asked = BackchannelRequest.objects.select_related("client").filter(pk=request_id).exclude(auth_req_id="").first()
    if asked is None or not asked.client.backchannel_client_notification_endpoint:
        return
    try:
        answer = outbound.request(
            "POST",
            asked.client.backchannel_client_notification_endpoint,
            body=json.dumps({"auth_req_id": asked.auth_req_id}),
            content_type="application/json",
            bearer=asked.client_notification_token,
        )
    except outbound.OutboundError as error:
        raise NotDelivered(str(error)) from error
    if answer.status not in (200, 204):
        raise NotDelivered(f"it answered {answer.status}")
    BackchannelRequest.objects.filter(pk=asked.pk).update(auth_req_id="", client_notification_token="")
