"""A backchannel authentication request (OpenID Connect CIBA Core 1.0 §7): validates it and finds the user."""

import re
import unicodedata
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from oauth.authorize import request_object
from oauth.authorize.request import requested_resources, requested_scopes
from oauth.conf import conf
from oauth.errors import (
    InvalidAuthorizationDetails,
    InvalidBindingMessage,
    InvalidRequest,
    InvalidRequestObject,
    InvalidScope,
    RequestNotSupported,
    TooManyRequests,
)
from oauth.infrastructure import clock, display_names, rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached
from oauth.models import Authorization, BackchannelRequest, Client, SandboxUser, Session
from oauth.models.client import DeliveryMode
from oauth.models.secret import digest, new_secret
from oauth.parameters import Parameters
from oauth.tokens import id_token

INTERVAL_SECONDS = 5
LONGEST = timedelta(minutes=10)
LONGEST_BINDING_MESSAGE = 60
# These limits keep a client from asking a user again and again until the user allows it. Each client has its own, so
# that no client can use up another's. The limit by hint comes first, so that reaching it does not reveal whether the
# user exists. The limit by user also covers other spellings of the hint.
OF_A_HINT = Limit("backchannel-requests", 20, seconds=3600)
OF_A_USER = Limit("backchannel-requests-of-user", 20, seconds=3600)
MOST_AT_ONCE = 5
_NOBODY = UUID(int=0)
# RFC 6750 §2.1: the syntax of a bearer token.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{22,1024}=*")


def undecided() -> QuerySet[BackchannelRequest]:
    return BackchannelRequest.objects.filter(
        denied_at=None, authorization=None, expires_at__gt=clock.now(), client__is_active=True
    )


def parse(params: Parameters, client: Client) -> tuple[BackchannelRequest, str]:
    """Returns an unsaved request and its auth_req_id. Raises the OAuthError to send to the client (§13)."""
    if client.is_fapi and "request" not in params:
        raise InvalidRequest("This client must sign its requests: send a request object (FAPI-CIBA §5.2.2).")
    params = _opened(params, client)
    if "authorization_details" in params:
        raise InvalidAuthorizationDetails(
            "authorization_details are not supported here. Request them at the authorization endpoint."
        )
    scopes = requested_scopes(params.get("scope"), client)
    if "openid" not in scopes:
        raise InvalidScope("scope must contain openid (CIBA §7.1).")
    is_ping = client.backchannel_token_delivery_mode == DeliveryMode.PING
    token = params.get("client_notification_token", "")
    if is_ping and (not _TOKEN.fullmatch(token) or len(token) > 1024):
        raise InvalidRequest("client_notification_token must be a bearer token of 22 to 1024 characters (CIBA §7.1).")
    # Check the hint before the binding message: a request without exactly one hint must get invalid_request (§7.1,
    # §13).
    hint, found = _hint(params, client)
    message = _binding_message(params, client)
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
        created_at=clock.now(),
        expires_at=clock.now() + _lifetime(params.get("requested_expiry")),
        interval_seconds=INTERVAL_SECONDS,
    )
    return asked, auth_req_id


def _opened(params: Parameters, client: Client) -> Parameters:
    """Opens the request object. §13 has only invalid_request for errors in a signed request (§7.1.1)."""
    try:
        return request_object.opened(params, client, rules=request_object.OF_BACKCHANNEL)
    except (InvalidRequestObject, RequestNotSupported) as error:
        raise InvalidRequest(error.description, detail=error.detail) from error


def _binding_message(params: Parameters, client: Client) -> str:
    """§7.1: the message is shown on both devices, so that the user knows what they allow.

    Our email quotes it, so it must not contain a link (§13 invalid_binding_message).
    """
    message = params.get("binding_message", "")
    if len(message) > LONGEST_BINDING_MESSAGE or not display_names.is_printable(message):
        raise InvalidBindingMessage(f"binding_message must be at most {LONGEST_BINDING_MESSAGE} printable characters.")
    if display_names.holds_link(message):
        raise InvalidBindingMessage("binding_message must not contain a link, a host name or an email address.")
    if client.is_fapi and not message:
        raise InvalidBindingMessage("binding_message is missing (FAPI-CIBA §5.2.2).")
    return message


def _lifetime(asked: str | None) -> timedelta:
    if asked is None:
        return conf.BACKCHANNEL_REQUEST_LIFETIME
    if not re.fullmatch(r"[1-9][0-9]{0,5}", asked):
        raise InvalidRequest("requested_expiry must be a positive number of seconds.")
    return min(timedelta(seconds=int(asked)), LONGEST)


def _hint(params: Parameters, client: Client) -> tuple[bytes, Any]:
    """§7.1: the digest of the hint, and the user whom it names; None for an unknown user."""
    hints = [name for name in ("login_hint", "id_token_hint", "login_hint_token") if name in params]
    if len(hints) != 1:
        raise InvalidRequest("Exactly one of login_hint and id_token_hint must name the user.")
    match hints[0]:
        case "login_hint":
            named = params["login_hint"]
            return digest(unicodedata.normalize("NFKC", named).casefold().strip()), import_string(conf.FIND_USER)(named)
        case "id_token_hint":
            hint = id_token.read_hint(params["id_token_hint"], issuer=conf.ISSUER)
            if hint is None or hint.client_id != client.client_id:
                raise InvalidRequest("id_token_hint must be an ID token that this server issued to this client.")
            session = Session.objects.select_related("user").filter(pk=hint.sid).first()
            return digest(f"sub {hint.subject}"), session.user if session else None
        case _:
            raise InvalidRequest("login_hint_token is not supported.")


def _refuse_too_many(hint: bytes, client: Client) -> None:
    rate_limits.spend(OF_A_HINT, client.client_id, hint.hex())
    if undecided().filter(hint_digest=hint, client=client).count() >= MOST_AT_ONCE:
        raise TooManyRequests(
            "Too many earlier requests are still unanswered. Try again later.", retry_after_seconds=60
        )


def _may_be_asked(user: Any, hint: bytes, client: Client) -> bool:
    """Whether this user is asked. The client does not learn the result.

    §13 defines `unknown_user_id` for a hint that names nobody, but this would reveal who has an account. So such a
    request is accepted, and expires like one that the user does not answer. The same queries run whether or not the
    user exists, so that timing does not reveal it either.
    """
    pk = user.pk if user is not None else _NOBODY
    is_known_to_client = Authorization.objects.filter(user=pk, client=client).exists()
    waiting = undecided().filter(user=pk, client=client).count()
    try:
        rate_limits.spend(OF_A_USER, client.client_id, hint.hex() if user is None else str(pk))
    except LimitReached:
        return False
    # A client that staff have not checked may ask only users who have allowed it before.
    may_ask = is_known_to_client or client.is_vouched_for
    # An app that is not live may ask only sandbox users of its developer.
    may_ask = (may_ask or not client.is_live) and SandboxUser.may_allow(client, pk)
    return user is not None and user.is_active and may_ask and waiting < MOST_AT_ONCE


def find_user(hint: str) -> Any:
    """The user with this login name, or None."""
    model = get_user_model()
    return model._default_manager.filter(**{f"{model.USERNAME_FIELD}__iexact": hint}).first()
