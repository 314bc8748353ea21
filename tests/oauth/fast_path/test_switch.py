"""OAUTH["FAST_PATH"] switches each optimization on and off, whatever the setting of the test run is."""

from dataclasses import replace

import pytest
from django.conf import settings as site
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.db.models.signals import post_init, post_save
from django.http import HttpResponse
from django.http.response import ResponseHeaders

from oauth.fast_path import headers, model_rows, prepared_statements
from oauth.fast_path.machine_chain import MachineEndpointsFirst
from oauth.fast_path.postgresql import base
from oauth.fast_path.public_answers import PublicAnswers, with_public_answers
from oauth.fast_path.wsgi_handler import FastWSGIHandler, wsgi_handler
from oauth.grants import registry
from oauth.infrastructure.rows import insert, rows
from oauth.models import AuditEvent, Client
from tests.lib.oauth_client import allow


@pytest.fixture
def switch(settings):
    """Sets OAUTH["FAST_PATH"]."""

    def to(is_on: bool) -> None:
        settings.OAUTH = {**settings.OAUTH, "FAST_PATH": is_on}

    return to


def test_the_wsgi_handler(switch):
    switch(True)
    assert type(wsgi_handler()) is FastWSGIHandler
    switch(False)
    assert type(wsgi_handler()) is WSGIHandler


def test_the_short_chain(switch):
    switch(True)
    assert MachineEndpointsFirst(lambda request: HttpResponse()).short_chain
    switch(False)
    with pytest.raises(MiddlewareNotUsed):
        MachineEndpointsFirst(lambda request: HttpResponse())


def test_public_answers(switch):
    application = object()
    switch(True)
    assert type(with_public_answers(application)) is PublicAnswers
    switch(False)
    assert with_public_answers(application) is application


def test_headers(switch, monkeypatch):
    """Both settings give the same headers, but only without the fast path do they go through Django's checks."""
    checked = []
    convert = ResponseHeaders._convert_to_charset
    monkeypatch.setattr(
        ResponseHeaders, "_convert_to_charset",
        lambda self, *arguments, **options: checked.append(1) or convert(self, *arguments, **options),
    )  # fmt: skip
    defaults, fixed = headers.stored({"X-A": "default", "X-B": "default"}), headers.stored({"X-C": "fixed"})
    results = []
    for is_on in (True, False):
        switch(is_on)
        response = HttpResponse(headers={"X-B": "of the view", "X-C": "of the view"})
        checked.clear()
        headers.add(response, defaults=defaults, fixed=fixed)
        assert bool(checked) == (not is_on)
        results.append(dict(response.headers))
    assert results[0] == results[1]
    assert results[0] == {"Content-Type": "text/html; charset=utf-8", "X-A": "default", "X-B": "of the view", "X-C": "fixed"}  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_prepared_statements(switch):
    for is_on in (True, False):
        switch(is_on)
        with prepared_statements.cursor() as cursor:
            assert isinstance(cursor.cursor, prepared_statements.PreparedCursor) == is_on
            cursor.execute("SELECT %s::text", ["same"])
            assert cursor.fetchall() == [("same",)]


def test_the_check_of_pooled_connections():
    """The database's engine is chosen when the settings load."""
    assert isinstance(connection.copy(), base.DatabaseWrapper) == site.OAUTH["FAST_PATH"]


def test_instances_of_rows_and_inserted_rows(switch, web_app):
    """Both settings give the same result, but only without the fast path are Django's signals sent."""
    columns, sent = model_rows.Columns(Client, "client"), []
    expected = vars(Client.objects.get(pk=web_app.pk))

    def receive(**_):
        sent.append(1)

    for signal in (post_init, post_save):
        signal.connect(receive)
    try:
        for is_on in (True, False):
            switch(is_on)
            sent.clear()
            [row] = rows(f"SELECT {columns.sql} FROM {Client._meta.db_table} client", [])
            assert vars(columns.instance(row)) | {"_state": None} == expected | {"_state": None}
            insert(AuditEvent.unsaved(AuditEvent.Action.ISSUED, user=str(is_on)))
            assert len(sent) == (0 if is_on else 3)
    finally:
        for signal in (post_init, post_save):
            signal.disconnect(receive)
    assert AuditEvent.objects.filter(user__in=["True", "False"]).count() == 2


def test_grants_without_locks(switch, browser, web_app, token_endpoint, monkeypatch):
    """The usual case takes two statements, which are tried before the grant that locks."""
    tried = []
    grant = registry.named("authorization_code")
    monkeypatch.setattr(registry, "named", lambda _name: replace(grant, try_fast=tried.append))
    for is_on in (True, False):
        switch(is_on)
        assert token_endpoint.redeem(web_app, allow(browser, web_app)).status_code == 200
        assert len(tried) == 1
