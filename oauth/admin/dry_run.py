"""The test button: runs a client's flow in this process with the functions that serve real requests, and rolls back.

The test neither redirects nor needs the client's secret. The rollback leaves no authorization, code or refresh token.
An API would still accept the signed access token, so the page shows it only decoded.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from jwt.utils import base64url_encode

from oauth import grants
from oauth.authorize import code, consent, decision, permissions
from oauth.authorize.request import AuthorizationRequest, parse, return_address
from oauth.conf import conf
from oauth.errors import OAuthError
from oauth.grants import GrantRequest, Issuance
from oauth.models import Client, DeviceCode, Session
from oauth.models.client import GrantType
from oauth.models.secret import digest, new_secret
from oauth.parameters import Parameters
from oauth.sessions import authentication_context
from oauth.wiring import token_policy

_WITHOUT_A_PERSON = frozenset({"openid", "profile", "email", "offline_access"})


@dataclass(frozen=True)
class Step:
    """One step of the flow: what happened, with details in `facts` or `document`."""

    title: str
    explanation: str
    is_done: bool = True
    facts: dict[str, str] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def pretty(self) -> str:
        return json.dumps(self.document, indent=2)


def run(client: Client, request: HttpRequest) -> list[Step]:
    """The steps up to the first failure. The user of the flow is the admin who runs the test."""
    steps: list[Step] = []
    with transaction.atomic():
        try:
            # A savepoint, so that the outer transaction stays usable after a refusal inside a grant.
            with transaction.atomic():
                for step in _steps(client, request):
                    steps.append(step)  # noqa: PERF402  (keeps the steps before a refusal)
        except OAuthError as refusal:
            steps.append(_refused(refusal))
        transaction.set_rollback(True)
    return steps


def _refused(refusal: OAuthError) -> Step:
    explanation = ": ".join(filter(None, (refusal.description, refusal.detail)))
    return Step(gettext("Refused"), explanation, is_done=False, facts={"error": refusal.code})


def _steps(client: Client, request: HttpRequest) -> Iterator[Step]:
    if not client.is_active:
        yield Step(gettext("Disabled"), gettext("Every endpoint refuses this client."), is_done=False)
        return
    if not client.is_live:
        yield Step(
            gettext("Not live"),
            gettext("Only sandbox users of its developer may allow this app, so you cannot test it. Review it first."),
            is_done=False,
        )
        return
    yield _authentication(client)
    if client.allows_grant_type(GrantType.AUTHORIZATION_CODE):
        yield from _code(client, request)
    elif client.allows_grant_type(GrantType.DEVICE_CODE):
        yield from _device(client, request)
    elif client.allows_grant_type(GrantType.CLIENT_CREDENTIALS):
        yield from _service(client)
    else:
        yield Step(
            gettext("Not tried"),
            gettext("The grant types of this client need another client, or a user on another device."),
            False,
        )


def _authentication(client: Client) -> Step:
    title = gettext("The client authenticates")
    if client.is_public:
        return Step(
            title,
            gettext("A public client cannot authenticate. PKCE and the redirect URI protect the code."),
        )
    return Step(
        title,
        gettext("Not tried here, because we do not know its secret or private key. The sample programs do it."),
        facts={"token_endpoint_auth_method": client.token_endpoint_auth_method},
    )


def _code(client: Client, request: HttpRequest) -> Iterator[Step]:
    verifier = secrets.token_urlsafe(48)
    asked = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": next(iter(client.redirect_uris.split()), ""),
        "scope": " ".join(client.allowed_scopes),
        "state": secrets.token_urlsafe(16),
        "code_challenge": base64url_encode(hashlib.sha256(verifier.encode()).digest()).decode(),
        "code_challenge_method": "S256",
    }
    yield Step(
        gettext("The authorization request"),
        gettext("The app sends the parameters to /oauth/par, and the browser sends only the request_uri.")
        if client.must_push
        else gettext("The app sends the browser to this URL, with a new PKCE challenge each time."),
        facts={} if client.must_push else {"GET": f"{conf.url('/oauth/authorize')}?{urlencode(asked)}"},
        document=asked if client.must_push else {},
    )
    params = Parameters({name: (value,) for name, value in asked.items() if value})
    understood = parse(params, return_address(params, client))
    yield _user_is_asked(client, understood.scopes)
    authorization = decision.allow_again(understood, client, _session(request), [], until=consent.expires_at(client))
    issued = code.issue(authorization, understood)
    yield _code_came_back(understood)
    form = {"code": issued, "code_verifier": verifier, "redirect_uri": understood.redirect_uri}
    yield from _tokens(client, GrantType.AUTHORIZATION_CODE, form)


def _code_came_back(understood: AuthorizationRequest) -> Step:
    return Step(
        gettext("The browser returns to the app"),
        gettext("The URL has a code that works once, within a minute, and only with the code verifier."),
        facts={"redirect_uri": understood.redirect_uri, "response_mode": understood.response_mode, "iss": conf.ISSUER},
    )


def _device(client: Client, request: HttpRequest) -> Iterator[Step]:
    code = new_secret()
    waiting = DeviceCode.objects.create(
        code_digest=digest(code),
        client=client,
        scopes=list(client.allowed_scopes),
        resources=list(conf.RESOURCES)[:1],
        expires_at=timezone.now() + conf.DEVICE_CODE_LIFETIME,
        interval_seconds=5,
    )
    yield Step(
        gettext("The device shows a code"),
        gettext("The user types the code on a phone. The device polls every few seconds."),
        facts={"verification_uri": conf.url("/oauth/device"), "user_code": waiting.user_code_shown},
    )
    yield _user_is_asked(client, tuple(client.allowed_scopes))
    waiting.authorization = decision.allow_whole(
        client, _session(request), scopes=waiting.scopes, resources=waiting.resources
    )
    waiting.save(update_fields=["authorization"])
    yield from _tokens(client, GrantType.DEVICE_CODE, {"device_code": code})


def _service(client: Client) -> Iterator[Step]:
    scope = " ".join(one for one in client.allowed_scopes if one not in _WITHOUT_A_PERSON)
    yield from _tokens(client, GrantType.CLIENT_CREDENTIALS, {"scope": scope})


def _user_is_asked(client: Client, scopes: tuple[str, ...]) -> Step:
    sentences = {title: "; ".join(one.sentence for one in asked) for title, asked in permissions.groups(scopes, client)}
    return Step(
        gettext("The user is asked"),
        gettext("The user logs in and sees these sentences. The test allows them for you, and undoes it at the end."),
        facts=sentences,
    )


def _session(request: HttpRequest) -> Session:
    """A session with the login of the admin's browser, which is not connected to the browser."""
    context = authentication_context.current(request)
    user: Any = request.user
    return Session.objects.create(user=user, auth_time=context.auth_time, acr=context.acr, amr=list(context.amr))


def _tokens(client: Client, grant_type: str, form: dict[str, str]) -> Iterator[Step]:
    params = Parameters({name: (value,) for name, value in form.items() if value})
    issued = grants.run(grant_type, GrantRequest(client, params, token_policy(), _confirmation(client)))
    yield Step(
        gettext("The token endpoint responds"),
        gettext("The app would get this response. The tokens are not shown."),
        document={name: _shown(name, value) for name, value in issued.to_response().items()},
    )
    yield _decoded(issued)
    if issued.refresh_token and client.allows_grant_type(GrantType.REFRESH_TOKEN):
        again = Parameters({"refresh_token": (issued.refresh_token,)})
        renewed = grants.run(
            GrantType.REFRESH_TOKEN, GrantRequest(client, again, token_policy(), _confirmation(client, issued))
        )
        rotates = renewed.refresh_token != issued.refresh_token
        yield Step(
            gettext("The token is refreshed"),
            gettext("The response has a new refresh token. The old one stops working when the new one is used.")
            if rotates
            else gettext("The refresh token stays the same, because it is bound to the client or its key."),
        )
    yield Step(gettext("The test is undone"), gettext("The test leaves no authorization, code or token behind."))


def _confirmation(client: Client, issued: Issuance | None = None) -> dict[str, str]:
    """A random thumbprint for a client whose tokens must be sender-constrained, or that of `issued`."""
    if issued is not None:
        return dict(issued.confirmation)
    thumbprint = base64url_encode(secrets.token_bytes(32)).decode()
    if client.tls_client_certificate_bound_access_tokens:
        return {"x5t#S256": thumbprint}
    return {"jkt": thumbprint} if client.must_bind else {}


def _shown(name: str, value: Any) -> Any:
    return gettext("(not shown)") if name in ("access_token", "refresh_token", "id_token") else value


def _decoded(issued: Issuance) -> Step:
    header = jwt.get_unverified_header(issued.access_token)
    payload = jwt.decode(issued.access_token, options={"verify_signature": False})
    return Step(
        gettext("The access token, decoded"),
        gettext("An API reads this after it has checked the signature. Apps must not read access tokens."),
        document={"header": header, "payload": payload},
    )
