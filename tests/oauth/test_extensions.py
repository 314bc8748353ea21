"""Another Django app registers a grant type and a client authentication method, with one setting each and without a
migration.
"""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client as Browser

from oauth.admin.client_form import ChangeClientForm
from oauth.checks.extensions import check_extensions
from oauth.models import AuditEvent, Client
from oauth.models.client import authentication, grant_types
from tests.conftest import make_client
from tests.lib.oauth_client import decoded
from tests.lib.partner import JWT_BEARER, MAC, REGISTERED, assertion, mac_header

pytestmark = pytest.mark.django_db


@pytest.fixture
def registered(settings):
    settings.OAUTH = {**settings.OAUTH, **REGISTERED}


@pytest.fixture
def partner(registered, web_app):
    """A confidential client that may use the partner's grant type, and authenticates by its secret."""
    web_app.grant_types = [*web_app.grant_types, JWT_BEARER]
    web_app.full_clean()
    web_app.save()
    return web_app


@pytest.fixture
def service_with_mac(registered):
    client = make_client("service", allowed_scopes=["accounts:read"], token_endpoint_auth_method=MAC)
    client.full_clean()
    client.save()
    return client


def refused(answer, status=400):
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


def test_the_grant_type_issues_tokens_of_a_user(partner, issued, alice, token_endpoint):
    issued(partner, scope="accounts:read balances:read")
    answer = token_endpoint.post(
        partner, grant_type=JWT_BEARER, assertion=assertion(alice.email), scope="accounts:read"
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert decoded(body["access_token"])["sub"] == str(alice.pk)
    assert body["scope"] == "accounts:read"
    assert token_endpoint.refresh(partner, body["refresh_token"]).status_code == 200
    event = AuditEvent.objects.filter(action=AuditEvent.Action.ISSUED, reason__startswith=JWT_BEARER).get()
    assert event.client == partner.client_id


def test_it_gives_nothing_that_the_user_did_not_allow(partner, issued, alice, bob, token_endpoint):
    issued(partner, scope="accounts:read")

    def ask(email, **form):
        return token_endpoint.post(partner, grant_type=JWT_BEARER, assertion=assertion(email), **form)

    assert refused(ask(bob.email)) == "invalid_grant"
    assert refused(ask(alice.email, scope="transfers:write")) == "invalid_scope"
    assert refused(ask(alice.email, resource="https://other.example")) == "invalid_target"
    elsewhere = assertion(alice.email, audience="https://other.example")
    assert refused(token_endpoint.post(partner, grant_type=JWT_BEARER, assertion=elsewhere)) == "invalid_grant"
    alice.is_active = False
    alice.save()
    assert refused(ask(alice.email)) == "invalid_grant"


def test_only_clients_that_are_registered_for_it_use_it(registered, web_app, mobile_app, token_endpoint):
    assert refused(token_endpoint.post(web_app, grant_type=JWT_BEARER)) == "unauthorized_client"
    # makes a public client that validation would refuse
    Client.objects.filter(pk=mobile_app.pk).update(grant_types=[JWT_BEARER])
    assert refused(token_endpoint.post(mobile_app, grant_type=JWT_BEARER)) == "unauthorized_client"


def test_a_public_client_is_not_registered_for_it(registered, mobile_app):
    mobile_app.grant_types = [JWT_BEARER]
    with pytest.raises(ValidationError, match="it cannot authenticate"):
        mobile_app.full_clean()


def test_the_method_authenticates_at_every_endpoint(service_with_mac, token_endpoint):
    client, headers = service_with_mac, mac_header(service_with_mac.client_id)
    answer = token_endpoint.post(grant_type="client_credentials", headers=headers)
    assert answer.status_code == 200, answer.content
    for path in ("introspect", "revoke"):
        form = {"token": answer.json()["access_token"]}
        assert Browser().post(f"/oauth/{path}", form, headers=headers).status_code in (200, 400)
    wrong = {"Partner-MAC": f"{client.client_id} 0000"}
    assert refused(token_endpoint.post(grant_type="client_credentials", headers=wrong), 401) == "invalid_client"


def test_a_client_authenticates_by_its_own_method_only(service_with_mac, web_app, token_endpoint):
    def ask(client=None, **form):
        return token_endpoint.post(client, grant_type="client_credentials", **form)

    assert refused(ask(service_with_mac), 401) == "invalid_client"  # with only the client_id
    assert refused(ask(headers=mac_header(web_app.client_id)), 401) == "invalid_client"
    assert refused(ask(web_app, headers=mac_header(web_app.client_id))) == "invalid_request"  # two methods
    assert refused(ask(headers=mac_header(service_with_mac.client_id), client_id="another")) == "invalid_request"


def test_the_metadata_names_both(registered):
    body = Browser().get("/.well-known/oauth-authorization-server").json()
    assert JWT_BEARER in body["grant_types_supported"]
    assert MAC in body["token_endpoint_auth_methods_supported"]
    assert MAC in body["introspection_endpoint_auth_methods_supported"]


def test_a_client_registers_itself_for_both(registered, capsys, signing_keys, token_endpoint):
    """RFC 7591 §2."""
    call_command("registration_token")
    token = capsys.readouterr().out.splitlines()[-1]
    document = {"grant_types": [JWT_BEARER], "token_endpoint_auth_method": MAC, "scope": "accounts:read"}
    answer = Browser().post(
        "/oauth/register", document, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["grant_types"], body["token_endpoint_auth_method"]) == ([JWT_BEARER], MAC)
    assert "client_secret" not in body
    headers = mac_header(body["client_id"])
    refusal = token_endpoint.post(grant_type=JWT_BEARER, assertion=assertion("nobody@example.test"), headers=headers)
    assert refused(refusal) == "invalid_grant"


def test_the_admin_offers_both(registered, web_app):
    fields = ChangeClientForm(instance=web_app).fields
    assert (JWT_BEARER, "Assertion of a partner") in fields["grant_types"].choices
    assert (MAC, "MAC of a partner") in fields["proves_itself_by"].choices


def test_a_shared_secret_is_no_method_for_fapi(service_with_mac):
    service_with_mac.security_profile = "fapi2"
    with pytest.raises(ValidationError, match="FAPI"):
        service_with_mac.full_clean()
    assert authentication.strength(MAC) == 1


def test_neither_needs_a_migration(registered):
    call_command("makemigrations", "oauth", check=True, dry_run=True, verbosity=0)


def test_what_is_not_registered_any_more_is_refused(partner, service_with_mac, settings, token_endpoint):
    settings.OAUTH = {name: value for name, value in settings.OAUTH.items() if name not in REGISTERED}
    assert refused(token_endpoint.post(partner, grant_type=JWT_BEARER)) == "unsupported_grant_type"
    headers = mac_header(service_with_mac.client_id)
    assert refused(token_endpoint.post(grant_type="client_credentials", headers=headers), 401) == "invalid_client"
    assert refused(token_endpoint.post(service_with_mac, grant_type="client_credentials"), 401) == "invalid_client"
    for client in (partner, service_with_mac):
        with pytest.raises(ValidationError):
            client.full_clean()


@pytest.mark.parametrize(
    ("setting", "name", "path"),
    [
        ("GRANT_TYPES", "client_credentials", "tests.lib.partner.JWTBearer"),  # one of ours
        ("GRANT_TYPES", "urn:" + "x" * 60, "tests.lib.partner.JWTBearer"),
        ("GRANT_TYPES", JWT_BEARER, "tests.lib.partner.NoSuchClass"),
        ("GRANT_TYPES", JWT_BEARER, "tests.lib.partner.PartnerMAC"),
        ("CLIENT_AUTHENTICATION_METHODS", "none", "tests.lib.partner.PartnerMAC"),
        ("CLIENT_AUTHENTICATION_METHODS", "x" * 31, "tests.lib.partner.PartnerMAC"),
        ("CLIENT_AUTHENTICATION_METHODS", MAC, "tests.lib.partner.JWTBearer"),
        ("RESPONSE_MODES", "query", "oauth.authorize.response_modes.built_in.FormPost"),
        ("RESPONSE_MODES", "web_message.jwt", "oauth.authorize.response_modes.built_in.FormPost"),
        ("RESPONSE_MODES", "web_message", "tests.lib.partner.NoSuchClass"),
        ("RESPONSE_MODES", "web_message", "tests.lib.partner.JWTBearer"),
        ("AUTHORIZATION_DETAILS_TYPES", "loan", "no_such_package.Loan"),
        ("AUTHORIZATION_DETAILS_TYPES", "loan", "oauth.authorization_details.DetailsType"),  # has no schema
        ("AUTHORIZATION_DETAILS_TYPES", "loan", "tests.lib.partner.Loan"),
    ],
)
def test_a_check_finds_what_cannot_be_used(settings, setting, name, path):
    """The check names the setting and the wrong path or name, and says what it must be."""
    settings.OAUTH = {**settings.OAUTH, setting: {name: path}}
    [message] = check_extensions()
    assert message.id == "oauth.E013"
    assert message.msg.startswith(f'OAUTH["{setting}"]["{name}"]')
    assert path in message.msg or "name" in message.hint


def test_the_check_accepts_both(registered):
    assert check_extensions() == []


def test_every_grant_type_that_we_offer_has_a_label_and_rules():
    assert {name for name, _ in grant_types.choices()} == {*grant_types.GrantType.values}
