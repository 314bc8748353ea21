"""An admin registers a client without knowledge of an RFC, sees its secret once, and revokes what users have
allowed.
"""

import json
import re

import pytest
from bs4 import BeautifulSoup
from django.contrib import admin

from oauth.models import AuditEvent, Authorization, Client, SigningKey
from tests.lib import certificates
from tests.lib.client_keys import ClientKey

pytestmark = pytest.mark.django_db


def register(browser, **form):
    return browser.post("/admin/oauth/client/add/", {"name": "My app", "allowed_scopes": ["accounts:read"], **form})


@pytest.mark.parametrize(
    ("kind", "is_public", "grant_types"),
    [
        ("mobile", True, ["authorization_code", "refresh_token"]),
        ("web", False, ["authorization_code", "refresh_token"]),
        ("browser", True, ["authorization_code", "refresh_token"]),
        ("service", False, ["client_credentials"]),
        ("device", True, ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]),
    ],
)
def test_each_kind_of_client_gets_safe_values(admin_browser, kind, is_public, grant_types):
    uri = "https://app.example/callback" if kind in ("mobile", "web", "browser") else ""
    answer = register(admin_browser, kind=kind, redirect_uris=uri)
    client = Client.objects.get()
    assert (client.is_public, client.grant_types) == (is_public, grant_types)
    assert client.allowed_scopes == ["accounts:read"]
    if is_public:
        assert answer.status_code == 302
        assert client.secret_digest is None
    else:
        secret = re.search(r'id="client-secret">([^<]+)<', answer.content.decode())[1]
        assert client.secret_is(secret)
        assert "no-store" in answer["Cache-Control"]


def test_the_list_shows_each_client_id_and_not_the_name_twice(admin_browser, mobile_app, web_app):
    page = BeautifulSoup(admin_browser.get("/admin/oauth/client/").content, "html.parser")
    shown = {cell.get_text() for cell in page.select("td.field-client_id")}
    assert shown == {mobile_app.client_id, web_app.client_id}


@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_redirect_uris"])
def test_uris_of_a_client_are_entered_and_shown_one_per_line(admin_browser, web_app, field):
    Client.objects.filter(pk=web_app.pk).update(**{field: "https://app.example/a https://app.example/b"})
    page = BeautifulSoup(admin_browser.get(f"/admin/oauth/client/{web_app.pk}/change/").content, "html.parser")
    assert page.select_one(f"#id_{field}").text.split("\n")[-2:] == ["https://app.example/a", "https://app.example/b"]
    assert page.select_one(f"#id_{field}_helptext").get_text().strip().startswith("One per line")


def test_the_secret_is_shown_once(admin_browser):
    answer = register(admin_browser, kind="service")
    secret = re.search(r'id="client-secret">([^<]+)<', answer.content.decode())[1]
    client = Client.objects.get()
    for url in (
        f"/admin/oauth/client/{client.pk}/change/",
        "/admin/oauth/client/",
        f"/admin/oauth/client/{client.pk}/history/",
    ):
        page = admin_browser.get(url)
        assert page.status_code == 200
        assert secret not in page.content.decode()


def test_a_new_secret_overlaps_with_the_old_one(admin_browser, web_app):
    answer = admin_browser.post(f"/admin/oauth/client/{web_app.pk}/new-secret/")
    new = re.search(r'id="client-secret">([^<]+)<', answer.content.decode())[1]
    client = Client.objects.get()
    assert client.secret_is(new)
    assert client.secret_is(web_app.secret)


def test_a_new_secret_needs_a_post_and_the_right(admin_browser, web_app, browser):
    assert admin_browser.get(f"/admin/oauth/client/{web_app.pk}/new-secret/").status_code == 403
    assert browser.post(f"/admin/oauth/client/{web_app.pk}/new-secret/").status_code == 302
    assert Client.objects.get(pk=web_app.pk).secret_is(web_app.secret)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"kind": "web", "redirect_uris": "http://app.example/callback"}, "http is only for a loopback address"),
        ({"kind": "web", "redirect_uris": "https://*.example/callback"}, "no wildcard"),
        ({"kind": "web", "redirect_uris": ""}, "at least one redirect URI"),
        ({"kind": "web", "redirect_uris": "com.example.app:/x"}, "only mobile and desktop apps"),
        ({"kind": "service", "redirect_uris": "https://app.example/callback"}, "Leave this field empty"),
        ({"kind": "", "redirect_uris": "https://app.example/callback"}, "required"),
    ],
)
def test_an_unsafe_client_cannot_be_made_by_accident(admin_browser, form, message):
    answer = register(admin_browser, **form)
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert not Client.objects.exists()


def _ec_key(**more):
    return json.dumps({"keys": [{**ClientKey().public, **more}]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"client_jwks": _ec_key(kid="\0")}, "no control characters"),
        ({"client_jwks": _ec_key(kid="\ud800")}, "no control characters"),
        ({"client_jwks": _ec_key(exp=float("nan"))}, "no NaN"),
        ({"client_jwks": "[" * 5000}, "Enter a valid JSON"),
        ({"client_jwks": "9" * 5000}, "Enter a valid JSON"),
        ({"authorization_lifetime": "999999999 00:00:00"}, "at most 36500 days"),
    ],
)
def test_values_that_cannot_be_stored_or_used_are_refused(admin_browser, web_app, changes, message):
    """PostgreSQL cannot store such keys, and no date is that far away, so each consent page would fail."""
    form = {"name": "Changed", "is_active": "on", "redirect_uris": web_app.redirect_uris}
    url = f"/admin/oauth/client/{web_app.pk}/change/"
    answer = admin_browser.post(url, {**form, "grant_types": ["authorization_code"], **changes})
    assert answer.status_code == 200
    assert message in BeautifulSoup(answer.content, "html.parser").select_one(".errorlist").text
    assert Client.objects.get().name == web_app.name


@pytest.mark.parametrize("absurd", ["abc", "\0", "1\0", "9" * 30, "a" * 5000, "[]", "NaN"])
def test_a_forged_key_of_another_client_is_refused(admin_browser, web_app, mobile_app, absurd):
    """The page shows the form again with the clients that exist."""
    form = {"name": "Changed", "is_active": "on", "redirect_uris": web_app.redirect_uris}
    url = f"/admin/oauth/client/{web_app.pk}/change/"
    form |= {"grant_types": ["authorization_code"], "exchange_from": [absurd, str(mobile_app.pk)]}
    answer = admin_browser.post(url, form)
    assert answer.status_code == 200
    page = BeautifulSoup(answer.content, "html.parser")
    assert page.select_one(".field-exchange_from .errorlist, .errorlist + .field-exchange_from") is not None
    assert [one["value"] for one in page.select("select[name=exchange_from] option")] == [str(mobile_app.pk)]
    assert Client.objects.get(pk=web_app.pk).name == web_app.name


def test_fapi_is_one_switch(admin_browser, web_app):
    """The switch requires keys of the app, and the form says so. Once there are keys, the client has no secret any
    more.
    """
    url = f"/admin/oauth/client/{web_app.pk}/change/"
    form = {
        "name": web_app.name, "is_active": "on", "allowed_scopes": ["accounts:read"], "subject_type": "public",
        "redirect_uris": web_app.redirect_uris, "grant_types": ["authorization_code"], "security_profile": "fapi2",
    }  # fmt: skip
    refused = admin_browser.post(url, form)
    assert refused.status_code == 200
    assert b"private_key_jwt" in refused.content
    jwks = json.dumps({"keys": [ClientKey().public]})
    assert admin_browser.post(url, {**form, "client_jwks": jwks}).status_code == 302
    web_app.refresh_from_db()
    assert (web_app.token_endpoint_auth_method, web_app.secret_digest) == ("private_key_jwt", None)
    assert web_app.must_push
    assert web_app.must_bind
    assert AuditEvent.objects.filter(action="client_changed", client=web_app.client_id).exists()


def test_only_a_deliberate_choice_lets_a_client_go_without_pkce(admin_browser, web_app):
    """RFC 9700 §2.1.1: a form that is sent without the field changes nothing, and FAPI clients always use PKCE."""
    url = f"/admin/oauth/client/{web_app.pk}/change/"
    form = {
        "name": web_app.name, "is_active": "on", "allowed_scopes": ["accounts:read"], "subject_type": "public",
        "redirect_uris": web_app.redirect_uris, "grant_types": ["authorization_code"],
    }  # fmt: skip
    keys = {"security_profile": "fapi2", "client_jwks": json.dumps({"keys": [ClientKey().public]})}
    for changes, is_required in (
        ({}, True),
        ({"require_pkce": "False"}, False),
        ({}, False),
        ({"require_pkce": "True"}, True),
        ({"require_pkce": "False", **keys}, True),
    ):
        assert admin_browser.post(url, {**form, **changes}).status_code == 302
        web_app.refresh_from_db()
        assert web_app.require_pkce is is_required


def test_a_client_is_given_a_certificate(admin_browser, web_app, settings):
    """RFC 8705 §2.1.2: the client has exactly one subject name, and the form offers this only if the site is configured
    for mutual TLS.
    """
    url = f"/admin/oauth/client/{web_app.pk}/change/"
    form = {
        "name": web_app.name, "is_active": "on", "redirect_uris": web_app.redirect_uris,
        "grant_types": ["authorization_code"], "proves_itself_by": "tls_client_auth",
    }  # fmt: skip
    assert b"Select a valid choice" in admin_browser.post(url, form).content
    settings.OAUTH = {
        **settings.OAUTH, "CLIENT_CERTIFICATE": "config.server.proxy.client_certificate",
        "CLIENT_CERTIFICATE_AUTHORITIES": certificates.authority().pem,
    }  # fmt: skip
    assert b"exactly one certificate name" in admin_browser.post(url, form).content
    assert admin_browser.post(url, {**form, "tls_client_auth_san_dns": "app.example"}).status_code == 302
    web_app.refresh_from_db()
    assert (web_app.token_endpoint_auth_method, web_app.secret_digest) == ("tls_client_auth", None)
    assert (web_app.certificate_names, web_app.security_profile) == ({"san_dns": "app.example"}, "oauth21")


def test_a_client_is_changed_and_keeps_its_nature(admin_browser, web_app):
    url = f"/admin/oauth/client/{web_app.pk}/change/"
    form = {
        "name": "Renamed", "is_active": "on", "allowed_scopes": ["balances:read"],
        "redirect_uris": "https://app.example/new", "grant_types": ["authorization_code"],
        "client_type": "public", "token_endpoint_auth_method": "none", "subject_type": "public", "security_profile": "oauth21",
    }  # fmt: skip
    assert admin_browser.post(url, form).status_code == 302
    client = Client.objects.get()
    assert (client.name, client.redirect_uris) == ("Renamed", "https://app.example/new")
    assert (client.client_type, client.token_endpoint_auth_method) == ("confidential", "client_secret_basic")


def test_authorizations_are_revoked(admin_browser, issued, mobile_app, token_endpoint):
    token = issued(mobile_app)["refresh_token"]
    authorization = Authorization.objects.get()
    admin_browser.post("/admin/oauth/authorization/", {"action": "revoke", "_selected_action": [str(authorization.pk)]})
    authorization.refresh_from_db()
    assert authorization.revocation_reason == Authorization.RevocationReason.ADMIN
    assert authorization.revoked_by.email == "admin@example.test"
    assert token_endpoint.refresh(mobile_app, token).status_code == 400


def test_keys_are_listed_without_their_private_part(admin_browser, signing_keys):
    key = SigningKey.objects.first()
    page = admin_browser.get(f"/admin/oauth/signingkey/{key.pk}/change/").content.decode()
    assert key.kid in page
    assert bytes(key.private_key_encrypted).decode() not in page
    assert "private_key_encrypted" not in page
    assert admin_browser.get("/admin/oauth/signingkey/add/").status_code == 403
    assert admin_browser.post(f"/admin/oauth/signingkey/{key.pk}/delete/").status_code == 403


def test_the_engines_token_tables_are_out_of_the_admin():
    assert not [model for model in admin.site._registry if model._meta.app_label == "oauth2_provider"]


def test_the_engines_token_tables_stay_empty(issued, mobile_app):
    from oauth2_provider import models

    issued(mobile_app, scope="openid accounts:read")
    for model in (models.AccessToken, models.RefreshToken, models.Grant, models.IDToken):
        assert not model.objects.exists()
