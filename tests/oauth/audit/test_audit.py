"""The audit log: every grant, refusal, revocation, key and admin action, in the transaction that it records."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from oauth import grants
from oauth.grants import GrantRequest
from oauth.keys import rotation
from oauth.models import AuditEvent, Authorization, AuthorizationCode, RefreshToken
from oauth.parameters import Parameters
from oauth.wiring import token_policy
from tests.lib.oauth_client import VERIFIER, allow, authorization_url, callback, decide, decoded

pytestmark = pytest.mark.django_db


def events(**values):
    return list(AuditEvent.objects.filter(**values).order_by("id").values_list("action", flat=True))


def test_a_grant_is_told_from_consent_to_revocation(browser, alice, web_app, issued, token_endpoint):
    body = issued(web_app)
    token_endpoint.refresh(web_app, body["refresh_token"])
    grant = decoded(body["access_token"])["grant_id"]
    Authorization.objects.get(pk=grant).revoke(Authorization.RevocationReason.USER, by=alice)
    assert events(authorization=grant) == ["allowed", "issued", "issued", "revoked"]
    first = AuditEvent.objects.get(authorization=grant, action="allowed")
    assert (first.user, first.client, first.address) == (str(alice.pk), web_app.client_id, "127.0.0.1")
    assert AuditEvent.objects.get(action="revoked").actor == str(alice.pk)


def test_a_refusal_is_found_by_the_id_that_the_client_was_told(web_app, token_endpoint):
    web_app.secret = "wrong"
    answer = token_endpoint.post(web_app, grant_type="client_credentials")
    body = answer.json()
    event = AuditEvent.objects.get(error_id=answer["X-Error-Id"])
    assert (event.action, event.error, event.endpoint) == ("refused", "invalid_client", "token")
    assert "wrong secret" in event.reason  # the full reason, which the client does not get
    assert "wrong secret" not in str(body)


def test_the_refusal_of_an_authorization_request_is_recorded(browser, alice, mobile_app):
    answer = callback(browser.get(authorization_url(mobile_app, scope="nonsense")))
    event = AuditEvent.objects.get(error="invalid_scope")
    assert event.error_id in answer["error_description"]
    assert (event.client, event.user) == (mobile_app.client_id, str(alice.pk))


def test_declining_is_recorded(browser, mobile_app):
    decide(browser, browser.get(authorization_url(mobile_app)), "deny")
    assert events(action="denied") == ["denied"]


def test_a_replay_is_recorded_with_what_it_ended(browser, mobile_app, token_endpoint):
    code = allow(browser, mobile_app)
    token_endpoint.redeem(mobile_app, code)
    token_endpoint.redeem(mobile_app, code)
    assert events()[-2:] == ["revoked", "refused"]
    assert "twice" in AuditEvent.objects.filter(action="revoked").get().reason


def test_keys_registrations_and_log_outs_are_recorded(browser, mobile_app, issued, signing_keys):
    issued(mobile_app)
    rotation.rotate("ES256")
    rotation.replace_now("ES256")
    rotation.reencrypt()
    browser.post("/accounts/logout/")
    assert {"key_published", "key_retired", "keys_reencrypted", "logged_out"} <= set(events())


def test_no_event_holds_a_secret(browser, web_app, issued, token_endpoint):
    body = issued(web_app, scope="openid accounts:read")
    token_endpoint.refresh(web_app, body["refresh_token"] + "x")
    token_endpoint.redeem(web_app, "a-code-that-is-not-one")
    text = repr(list(AuditEvent.objects.values()))
    for secret in (body["access_token"], body["refresh_token"], body["id_token"], web_app.secret, "a-code-that"):
        assert secret not in text


def test_an_issuance_without_its_event_does_not_happen(browser, web_app):
    """The audit event and the tokens share one transaction: where the event cannot be written, no token is issued."""
    params = Parameters({"code": (allow(browser, web_app),), "code_verifier": (VERIFIER,)})
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE oauth_auditevent ADD CHECK (action <> 'issued') NOT VALID")
    with pytest.raises(IntegrityError), transaction.atomic():
        grants.run("authorization_code", GrantRequest(web_app, params, token_policy()))
    assert not RefreshToken.objects.exists()
    assert AuthorizationCode.objects.get().consumed_at is None


@pytest.mark.parametrize("statement", ["UPDATE oauth_auditevent SET reason = ''", "DELETE FROM oauth_auditevent",
                                       "TRUNCATE oauth_auditevent"])  # fmt: skip
def test_the_database_keeps_the_log(statement):
    """ASVS 5.0 16.4.2: this holds for every database role."""
    AuditEvent.record(AuditEvent.Action.DENIED)
    before = AuditEvent.objects.count()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEvent.objects.count() == before
    assert AuditEvent.objects.filter(action="denied", reason="").exists()


def test_old_events_may_go():
    old = AuditEvent.objects.create(action="denied", at=timezone.now() - timedelta(days=91))
    AuditEvent.objects.filter(at__lt=timezone.now() - timedelta(days=90)).delete()
    assert not AuditEvent.objects.filter(pk=old.pk).exists()


def test_what_a_client_claims_is_cut_off(service, token_endpoint):
    """Found by `make fuzz`."""
    answer = token_endpoint.post(service, grant_type="client_credentials", scope="x" * 5000)
    assert len(AuditEvent.objects.get(error_id=answer["X-Error-Id"]).reason) == 1000
    assert len(AuditEvent.unsaved(AuditEvent.Action.REFUSED, client="x" * 5000).client) == 255


def test_an_event_has_all_fields_and_no_others():
    event = AuditEvent.unsaved(AuditEvent.Action.DENIED)
    assert vars(event).keys() - {"_state"} == {field.attname for field in AuditEvent._meta.concrete_fields}
    with pytest.raises(TypeError, match="no cleint"):
        AuditEvent.unsaved(AuditEvent.Action.DENIED, cleint="x")
    # with the zone of a link-local address
    record = AuditEvent.record(AuditEvent.Action.DENIED, address="fe80::1%eth0")
    assert AuditEvent.objects.get(pk=record.pk).address == "fe80::1"
