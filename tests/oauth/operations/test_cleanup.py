"""Rows are deleted when they are no longer needed, and not before."""

import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from prometheus_client import generate_latest

from oauth.models import (
    AuditEvent,
    Authorization,
    AuthorizationCode,
    PushedRequest,
    RefreshToken,
    RevokedStatus,
    Session,
    UsedAssertion,
)
from oauth.operations import cleanup
from oauth.operations.cleanup import clean_up, expired
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db


def test_a_live_authorization_keeps_everything_that_recognises_reuse(issued, mobile_app, token_endpoint):
    first = issued(mobile_app, scope="accounts:read offline_access")["refresh_token"]
    second = token_endpoint.refresh(mobile_app, first).json()["refresh_token"]
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        token_endpoint.refresh(mobile_app, second)
    with time_machine.travel(timezone.now() + timedelta(days=45)):
        call_command("cleanup")
        assert token_endpoint.refresh(mobile_app, first).json()["error"] == "invalid_grant"
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.REFRESH_REPLAY
    assert AuthorizationCode.objects.count() == 1


def test_authorizations_that_ended_long_ago_are_deleted_with_dependent_rows(issued, browser, mobile_app, capsys):
    issued(mobile_app)
    browser.post("/accounts/logout/")
    with time_machine.travel(timezone.now() + timedelta(days=90 + 31)):
        call_command("cleanup")
    for model in (Authorization, AuthorizationCode, RefreshToken, Session):
        assert not model.objects.exists()
    assert "1 authorizations removed" in capsys.readouterr().out


def test_an_abandoned_session_is_deleted_when_no_authorization_needs_it(issued, mobile_app):
    issued(mobile_app)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        call_command("cleanup")
        assert Session.objects.filter(ended_at=None).count() == 1  # the app is still authorized
        Authorization.objects.all().delete()
        call_command("cleanup")
    assert not Session.objects.exists()


def test_access_that_was_taken_back_long_ago_goes_before_it_would_have_expired(issued, mobile_app):
    issued(mobile_app)
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert dict(clean_up())["revoked authorizations"] == 1
    assert not Authorization.objects.exists()


def test_recently_ended_authorizations_are_kept_for_support(issued, mobile_app):
    issued(mobile_app)
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    call_command("cleanup")
    assert Authorization.objects.exists()


def test_batches_are_small(issued, web_app):
    for _ in range(5):
        issued(web_app)
    with time_machine.travel(timezone.now() + timedelta(days=200)):
        assert [rows for name, rows in clean_up(batch=2) if name == "authorizations"] == [2, 2, 1]
        assert not any(rows.exists() for name, rows in expired().items() if name == "authorizations")


def test_it_rests_after_each_batch_in_proportion_to_it(issued, web_app, monkeypatch):
    rests, me, sleep = [], threading.get_ident(), time.sleep
    monkeypatch.setattr(
        cleanup.time, "sleep", lambda seconds: (rests.append if threading.get_ident() == me else sleep)(seconds)
    )
    for _ in range(3):
        issued(web_app)
    began = time.monotonic()
    with time_machine.travel(timezone.now() + timedelta(days=200)):
        batches = list(clean_up(batch=1))
    assert len(rests) == len(batches) >= 3
    assert all(rest > 0 for rest in rests)
    assert sum(rests) <= cleanup.REST * (time.monotonic() - began)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_in_use_is_left_for_the_next_time(issued, mobile_app):
    issued(mobile_app)

    def clean():
        with time_machine.travel(timezone.now() + timedelta(days=200)):
            return clean_up()

    with transaction.atomic():
        Authorization.objects.select_for_update().get()
        [removed] = in_parallel(clean)
    assert ("authorizations", 1) not in removed
    assert Authorization.objects.exists()


def test_what_was_needed_once_goes_when_it_has_expired_and_is_counted(mobile_app):
    long_ago = timezone.now() - timedelta(days=500)
    PushedRequest.objects.create(reference_digest=b"1" * 32, client=mobile_app, request={}, expires_at=long_ago)
    UsedAssertion.use(mobile_app.pk, "jti", expires_at=long_ago)
    RevokedStatus.objects.create(index=10**9, revoked_at=long_ago)
    AuditEvent.objects.create(action="denied", at=long_ago)
    kept = AuditEvent.record(AuditEvent.Action.DENIED)
    cleanup.measure_backlog()
    text = generate_latest().decode()
    for kind in ("pushed requests", "used assertions", "status bits", "audit events"):
        assert f'oauth_cleanup_backlog{{kind="{kind}"}} 1.0' in text
    removed = dict(cleanup.clean_up())
    assert removed == {"pushed requests": 1, "used assertions": 1, "status bits": 1, "audit events": 1}
    assert list(AuditEvent.objects.filter(action="denied")) == [kept]
