"""The plans that this server is run against: each with its variant, its clients and its configuration."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jwcrypto.jwk import JWK

from oauth.conf import conf
from oauth.models.client import AuthenticationMethod, GrantType, Kind, SecurityProfile
from tests.conformance.suite import browser, clients

METHODS = {
    "private_key_jwt": AuthenticationMethod.PRIVATE_KEY_JWT,
    "mtls": AuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
}
#: The alias of this run in the suite. Two runs at the same time need two aliases and two demos.
ALIAS = os.environ.get("SUITE_ALIAS", "countersign")
PROVIDER = "conformance-suite"


@dataclass(frozen=True)
class Place:
    """The base URLs of both servers, and other data of a run. `approval` is the address at which
    approval.py listens.
    """

    suite: str
    registration_token: str
    approval: str

    @property
    def base(self) -> str:
        return f"{self.suite}/test/a/{ALIAS}"

    @property
    def callback(self) -> str:
        return f"{self.base}/callback"


@dataclass(frozen=True)
class Plan:
    """`name` is the suite's; `configure` makes the clients and returns the rest of the configuration."""

    name: str
    variant: Mapping[str, str]
    configure: Callable[[Place, Mapping[str, str]], dict[str, Any]]
    relaxes_registered_clients: bool = False
    #: This server is the relying party: a user logs in through the suite, in each module.
    logs_in_through: str = ""

    def configuration(self, place: Place) -> dict[str, Any]:
        return {
            "alias": ALIAS,
            "description": "Countersign",
            "server": {"discoveryUrl": f"{conf.ISSUER}/.well-known/openid-configuration"},
            "browser": browser.scripts(conf.ISSUER, place.suite),
            "override": browser.overrides(conf.ISSUER, place.suite),
            **self.configure(place, self.variant),
        }


def _nothing(place: Place, variant: Mapping[str, str]) -> dict[str, Any]:
    return {}


def _openid(place: Place, variant: Mapping[str, str]) -> dict[str, Any]:
    """Three clients with secrets; or none, because the suite registers its own."""
    if variant.get("client_registration", "dynamic_client") == "dynamic_client":
        token = place.registration_token
        named = {"client_name": "OIDF Conformance Suite", "initial_access_token": token}
        return {"client": dict(named), "client2": dict(named)}
    returns = {"post_logout_redirect_uris": f"{place.base}/post_logout_redirect"}
    return {
        "client": clients.ordinary("suite-one", place.callback, **returns).client,
        "client2": clients.ordinary("suite-two", place.callback, **returns).client,
        "client_secret_post": clients.ordinary("suite-post", place.callback, "client_secret_post").client,
    }


def _told_of_logouts(place: Place, variant: Mapping[str, str]) -> dict[str, Any]:
    if variant["client_registration"] == "dynamic_client":
        return _openid(place, variant)
    returns = {"post_logout_redirect_uris": f"{place.base}/post_logout_redirect"}
    told = {"backchannel_logout_uri": f"{place.base}/backchannel_logout"}
    return {"client": clients.ordinary("suite-told", place.callback, **returns, **told).client}


def _registered_with_keys(place: Place, variant: Mapping[str, str]) -> dict[str, Any]:
    """Clients that the suite registers with their own keys."""
    given = _openid(place, variant)
    for name in ("client", "client2"):
        key = JWK.generate(kty="RSA", size=2048, kid=name, alg="RS256", use="sig")
        given[name]["jwks"] = {"keys": [key.export_private(as_dict=True)]}
    return given


def _fapi2(place: Place, variant: Mapping[str, str]) -> dict[str, Any]:
    signs = "fapi_request_method" in variant
    profile = SecurityProfile.FAPI2_MESSAGE_SIGNING if signs else SecurityProfile.FAPI2
    dpop = variant["sender_constrain"] == "dpop"
    for_itself = variant["fapi_profile"] == "fapi_client_credentials_grant"
    given: dict[str, Any] = {"resource": {"resourceUrl": _accounts(dpop), "richAuthorizationRequest": [_DETAIL]}}
    for number, suffix in enumerate(("", "2")):
        kept = clients.fapi(
            f"suite-fapi{suffix}", callback=f"{place.callback}{clients.QUERIES[number]}", profile=profile,
            method=METHODS[variant["client_auth_type"]], dpop=dpop, openid=variant["openid"] == "openid_connect",
            kind=Kind.SERVICE if for_itself else Kind.WEB,
        )  # fmt: skip
        given |= {f"client{suffix}": kept.client, f"mtls{suffix}": kept.mtls}
    return given


def _ciba(place: Place, variant: Mapping[str, str]) -> dict[str, Any]:
    ping = variant["ciba_mode"] == "ping"
    given: dict[str, Any] = {
        "resource": {"resourceUrl": _accounts(dpop=False)},
        "automated_ciba_approval_url": place.approval,
    }
    for number, suffix in enumerate(("", "2")):
        kept = clients.fapi(
            f"suite-ciba{suffix}", callback=f"{place.callback}{clients.QUERIES[number]}",
            profile=SecurityProfile.FAPI_CIBA, method=METHODS[variant["client_auth_type"]], dpop=False,
            grant_types=[GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value, GrantType.CIBA.value],
            backchannel_token_delivery_mode=variant["ciba_mode"],
            backchannel_client_notification_endpoint=f"{place.base}/ciba-notification-endpoint" if ping else "",
        )  # fmt: skip
        hints = {"hint_type": "login_hint", "hint_value": browser.EMAIL, "acr_value": conf.ACR_VALUES[0]}
        given |= {f"client{suffix}": {**kept.client, **hints}, f"mtls{suffix}": kept.mtls}
    return given


def _relying_party(place: Place, variant: Mapping[str, str]) -> dict[str, Any]:
    """The suite is the identity provider on the login page, and this site is its client."""
    client_id, secret = clients.provider(PROVIDER, f"{place.suite}/test/a/{PROVIDER}/")
    callback = f"{conf.ISSUER}/accounts/oidc/{PROVIDER}/login/callback/"
    client = {"client_id": client_id, "client_secret": secret, "redirect_uri": callback}
    return {"alias": PROVIDER, "client": client}


def _accounts(dpop: bool) -> str:
    """A certificate-bound token is used at the origin that asks for client certificates."""
    origin = conf.ISSUER if dpop else conf.MTLS_ORIGIN or conf.ISSUER
    return f"{origin}/api/v1/accounts"


#: RFC 9396, for the plans with authorization_request_type=rar.
_DETAIL = {"type": "account_information", "actions": ["accounts"]}
_CODE = {"response_type": "code"}
_STATIC = {"client_registration": "static_client"}
_DYNAMIC = {"client_registration": "dynamic_client"}
_FOUND = {"server_metadata": "discovery"}
_FAPI = {
    "client_auth_type": "private_key_jwt", "sender_constrain": "dpop", "authorization_request_type": "simple",
    "openid": "openid_connect", "fapi_profile": "plain_fapi",
}  # fmt: skip
_CIBA = {
    "client_auth_type": "private_key_jwt", "ciba_mode": "poll", "fapi_ciba_profile": "plain_fapi",
    "client_registration": "static_client",
}  # fmt: skip

_basic = Plan("oidcc-basic-certification-test-plan", {**_FOUND, **_STATIC}, _openid)
_formpost = replace(_basic, name="oidcc-formpost-basic-certification-test-plan")
_logout = Plan("oidcc-rp-initiated-logout-certification-test-plan", {**_CODE, **_STATIC}, _openid)
_backchannel = replace(
    _logout, name="oidcc-backchannel-rp-initiated-logout-certification-test-plan", configure=_told_of_logouts
)
_security = Plan("fapi2-security-profile-final-test-plan", _FAPI, _fapi2)
_signing = Plan(
    "fapi2-message-signing-final-test-plan",
    {**_FAPI, "fapi_request_method": "signed_non_repudiation", "fapi_response_mode": "jarm"},
    _fapi2,
)
_ciba_poll = Plan("fapi-ciba-id1-test-plan", _CIBA, _ciba)

_basic_rp = Plan(
    "oidcc-client-basic-certification-test-plan",
    {**_STATIC, "request_type": "plain_http_request"},
    _relying_party,
    logs_in_through=PROVIDER,
)


def _dynamic(plan: Plan) -> Plan:
    return replace(plan, variant={**plan.variant, **_DYNAMIC}, relaxes_registered_clients=True)


def _varied(plan: Plan, **variant: str) -> Plan:
    return replace(plan, variant={**plan.variant, **variant})


#: The plans, by their names on the command line and in docs/conformance.md.
PLANS: dict[str, Plan] = {
    "config": Plan("oidcc-config-certification-test-plan", {}, _nothing),
    "basic": _basic,
    "basic-dynamic": _dynamic(_basic),
    "formpost": _formpost,
    "formpost-dynamic": _dynamic(_formpost),
    "logout": _logout,
    "logout-dynamic": _dynamic(_logout),
    "backchannel-logout": _backchannel,
    "backchannel-logout-dynamic": _dynamic(_backchannel),
    "dynamic": Plan("oidcc-dynamic-certification-test-plan", _CODE, _registered_with_keys, True),
    "private-key-jwt": Plan(
        "oidcc-test-plan",
        {**_CODE, **_DYNAMIC, "client_auth_type": "private_key_jwt", "response_mode": "default"},
        _registered_with_keys,
        True,
    ),
    "fapi2": _security,
    "fapi2-oauth": _varied(_security, openid="plain_oauth"),
    "fapi2-rar": _varied(_security, authorization_request_type="rar"),
    "fapi2-mtls": _varied(_security, sender_constrain="mtls"),
    "fapi2-mtls-mtls": _varied(_security, client_auth_type="mtls", sender_constrain="mtls"),
    "fapi2-mtls-dpop": _varied(_security, client_auth_type="mtls"),
    "fapi2-client-credentials": _varied(_security, fapi_profile="fapi_client_credentials_grant", openid="plain_oauth"),
    "fapi2-message-signing": _signing,
    "fapi2-message-signing-mtls": _varied(_signing, client_auth_type="mtls", sender_constrain="mtls"),
    "fapi2-message-signing-rar": _varied(_signing, authorization_request_type="rar", openid="plain_oauth"),
    "ciba": _ciba_poll,
    "ciba-ping": _varied(_ciba_poll, ciba_mode="ping"),
    "ciba-mtls": _varied(_ciba_poll, client_auth_type="mtls"),
    "ciba-mtls-ping": _varied(_ciba_poll, client_auth_type="mtls", ciba_mode="ping"),
    "relying-party": _basic_rp,
    "relying-party-config": replace(
        _varied(_basic_rp, client_auth_type="client_secret_basic", response_mode="default"),
        name="oidcc-client-config-certification-test-plan",
    ),
}
