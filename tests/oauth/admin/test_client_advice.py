"""“What is unsafe here, and why”: every rule, and the panel that shows them while the user types."""

from datetime import timedelta

import pytest
from django.utils import timezone

from oauth.clients import advice, preset
from oauth.clients.advice import Level
from oauth.models import AuditEvent, Client

WHATS_WRONG = [
    # name of the rule, kind of client, fields of the client
    ("implicit", "browser", {"grant_types": ["implicit"]}),
    ("unbound_tokens_that_move_something", "mobile", {"allowed_scopes": ["transfers:write"]}),
    ("assertions_for_endpoints", "web", {"token_endpoint_auth_method": "private_key_jwt", "accepts_endpoint_audience": True}),
    ("browser_app_without_a_server", "browser", {}),
    ("private_use_scheme", "mobile", {"redirect_uris": "com.example.app:/callback"}),
    ("localhost_by_name", "web", {"redirect_uris": "http://localhost:3000/callback"}),
    ("several_hosts", "web", {"redirect_uris": "https://a.example/x https://b.example/x https://c.example/x"}),
    ("secret_in_the_body", "web", {"token_endpoint_auth_method": "client_secret_post"}),
    ("shared_secret", "web", {}),
    ("two_secrets", "web", {"previous_secret_digest": b"x", "previous_secret_expires_at": timezone.now() + timedelta(days=1)}),
    ("parameters_in_the_browser", "web", {}),
    ("without_pkce", "web", {"require_pkce": False}),
    ("acts_for_users_and_for_itself", "web", {"grant_types": ["authorization_code", "client_credentials"]}),
    ("device_flow", "device", {}),
    ("impersonation", "web", {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"], "exchange_policy": "impersonation"}),
    ("many_scopes", "mobile", {"allowed_scopes": [f"scope-{n}" for n in range(8)]}),
    ("long_access_tokens", "mobile", {"access_token_lifetime": timedelta(minutes=15)}),
    ("long_authorizations", "mobile", {"authorization_lifetime": timedelta(days=400)}),
    ("keys_stored_here", "web", {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": {"keys": [{}]}}),
    ("stays_logged_in", "web", {"allowed_scopes": ["openid"]}),
    ("asks_for_nothing", "web", {}),
]  # fmt: skip
# The safest client, for which the panel is empty.
BEST = {
    "redirect_uris": "https://app.example/callback", "allowed_scopes": ["accounts:read"], "security_profile": "fapi2",
    # has no effect for a FAPI client
    "token_endpoint_auth_method": "private_key_jwt", "client_jwks_uri": "https://app.example/jwks", "accepts_endpoint_audience": True,
}  # fmt: skip
RULES = {rule.__name__: rule for rule in advice.RULES}


@pytest.mark.parametrize(("name", "kind", "values"), WHATS_WRONG)
def test_each_rule_finds_what_it_is_for_and_leaves_others_alone(name, kind, values):
    rule = RULES[name]
    found = rule(Client(**{**preset(kind), **values}))
    assert found.source
    assert found in advice.advise(Client(**{**preset(kind), **values}))
    assert rule(Client(**{**preset("web"), **BEST})) is None


def test_every_rule_is_tried_here():
    assert set(RULES) == {name for name, _, _ in WHATS_WRONG}
    assert advice.advise(Client(**{**preset("web"), **BEST})) == []


def test_the_worst_comes_first():
    levels = [one.level for one in advice.advise(Client(**preset("browser"), allowed_scopes=["transfers:write"]))]
    assert levels[0] == Level.UNSAFE
    assert levels == sorted(levels, key=list(Level).index)


def test_dpop_makes_tokens_that_move_money_safe():
    def is_said(**values):
        return RULES["unbound_tokens_that_move_something"](
            Client(**preset("mobile"), allowed_scopes=["transfers:write"], **values)
        )

    assert is_said().level == Level.UNSAFE
    assert is_said(dpop_bound_access_tokens=True) is None
    assert is_said(tls_client_certificate_bound_access_tokens=True) is None


@pytest.mark.django_db
def test_the_panel_says_it_while_one_types_and_saves_nothing(admin_browser):
    url = "/admin/oauth/client/advice/"
    form = {"kind": "mobile", "name": "X", "redirect_uris": "com.example.app:/x", "allowed_scopes": ["transfers:write"]}
    said = admin_browser.post(url, form).content.decode()
    assert "Any app on the device can claim this scheme" in said
    assert "RFC 9700 §2.2.1" in said
    assert "RFC 9700 §2.2.1" not in admin_browser.post(url, {**form, "dpop_bound_access_tokens": "on"}).content.decode()
    refused = admin_browser.post(url, {**form, "redirect_uris": "http://app.example/x <b>"}).content.decode()
    assert "http is only for a loopback address" in refused
    assert "<b>" not in refused
    assert not Client.objects.exists()
    assert admin_browser.get(url).status_code == 405


@pytest.mark.django_db
def test_the_panel_of_a_client_changes_nothing(admin_browser, web_app):
    url = f"/admin/oauth/client/{web_app.pk}/advice/"
    before = Client.objects.values().get()
    said = admin_browser.post(url, {"name": "Other", "security_profile": "fapi2", "access_token_lifetime": "00:15:00"})
    assert b"FAPI 2.0 requires private_key_jwt" in said.content
    assert b"valid longer than the server" in said.content
    assert Client.objects.values().get() == before
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_the_panel_stands_in_the_page_without_a_script(admin_browser, web_app):
    assert (
        "The client authenticates with a shared secret"
        in admin_browser.get(f"/admin/oauth/client/{web_app.pk}/change/").content.decode()
    )
    page = admin_browser.get("/admin/oauth/client/add/?kind=browser").content.decode()
    assert "tokens are in the browser" in page
    assert "RFC 9700 §2.1.1" in page


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["Support", "Auditor", "Key officer", ""])
def test_the_panel_is_only_for_staff_who_may_change_clients(of_role, role, web_app):
    browser = of_role(role)
    assert browser.post("/admin/oauth/client/advice/", {"kind": "web"}).status_code == 403
    assert browser.post(f"/admin/oauth/client/{web_app.pk}/advice/", {}).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["Support", "Auditor"])
def test_who_may_look_sees_the_client_and_no_button(of_role, role, web_app):
    page = of_role(role).get(f"/admin/oauth/client/{web_app.pk}/change/")
    assert page.status_code == 200
    assert "The client authenticates with a shared secret" in page.content.decode()
    assert "Issue a new secret" not in page.content.decode()
    assert "/test/" not in page.content.decode()


@pytest.mark.django_db
def test_the_kind_comes_first_then_only_what_matters(admin_browser):
    first = admin_browser.get("/admin/oauth/client/add/").content.decode()
    assert 'href="?kind=service"' in first
    assert 'name="redirect_uris"' not in first
    service = admin_browser.get("/admin/oauth/client/add/?kind=service").content.decode()
    assert 'name="redirect_uris"' not in service
    assert 'value="openid"' not in service
    mobile = admin_browser.get("/admin/oauth/client/add/?kind=mobile").content.decode()
    assert 'name="redirect_uris"' in mobile
    assert 'name="dpop_bound_access_tokens"' in mobile
    assert 'name="redirect_uris"' not in admin_browser.get("/admin/oauth/client/add/?kind=nonsense").content.decode()
