"""Whatever somebody writes into the address of an admin page, the answer is not an error of ours: every list, filter, search,
date, export and object of every ModelAdmin, of the site's own and of third parties'."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.views.main import (
    ALL_VAR,
    ERROR_FLAG,
    IGNORED_PARAMS,
    IS_FACETS_VAR,
    IS_POPUP_VAR,
    PAGE_VAR,
)
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client as Browser
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from psycopg.pq import TransactionStatus

from accounts.models import User
from oauth.models import AuditEvent

ABSURD = (
    "1900-01-01", "1969-12-31 23:59", "0001-01-01 00:00", "9999-12-31 23:59:59.999999", "9999-12-31T23:59:59-23:59",
    "2026-02-30", "x", "-1", "9" * 30, "NaN", "1e400", "'", "%", "\N{SNOWMAN}\ud7ff", "a" * 5000, "[]", "{", ",",
    "00000000-0000-0000-0000-000000000000", "None", "true",
)  # fmt: skip
# Parameters that Django's own list pages read.
OF_LISTS = ("q", "o", "p", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters", "pk", "id", "id__in",
            "pk__isnull", "pk__range", "nonsense", "__", "pk__")  # fmt: skip

# Parameters that Django only looks for, without reading their values.
FLAGS = (ALL_VAR, ERROR_FLAG, IS_FACETS_VAR, IS_POPUP_VAR)

# Django warns about naive times in a query, and the tests turn warnings into errors.
pytestmark = pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")

MODELS = sorted(admin.site._registry.items(), key=lambda one: one[0]._meta.label)


@pytest.fixture
def staff(db: None, logins_kept: None, bare_admin: None) -> Browser:
    browser = Browser(raise_request_exception=False)
    browser.force_login(User.objects.create_superuser("admin@example.test", "correct-horse-battery"))
    AuditEvent.record(AuditEvent.Action.STAFF_ACTED)
    return browser


def parameters(model: type[Model], model_admin: ModelAdmin) -> Iterator[str]:
    """Returns all query parameters of this list: those of its filters, and every lookup of its dates."""
    yield from OF_LISTS
    for one in model_admin.list_filter or ():
        if isinstance(one, str):
            yield from (one, f"{one}__exact", f"{one}__in", f"{one}__isnull", f"{one}__gte", f"{one}__year")
        elif isinstance(one, tuple):
            yield from (one[0], f"{one[0]}__exact", f"{one[0]}__gte", f"{one[0]}__isnull")
        elif hasattr(one, "parameter_name"):
            yield str(one.parameter_name)
    if model_admin.date_hierarchy:
        yield from (f"{model_admin.date_hierarchy}__{part}" for part in ("year", "month", "day", "gte"))
    for form in getattr(model_admin, "list_filter", ()):
        fields: Any = getattr(form, "expected_parameters", None)
        if fields and not hasattr(form, "parameter_name"):
            yield from fields(None)
    for field in model._meta.get_fields():
        if field.concrete and not field.is_relation:
            yield field.name


def values(model: type[Model], model_admin: ModelAdmin, name: str) -> tuple[str, ...]:
    """A parameter that the list does not know is refused by its name, so one value is enough."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True)
    if name not in (*IGNORED_PARAMS, PAGE_VAR, ERROR_FLAG) and not model_admin.lookup_allowed(name, "x", request):
        return ABSURD[:1]
    if name in FLAGS and model is not AuditEvent:
        return ABSURD[:1]
    return ABSURD if model is AuditEvent else ABSURD[:: len(ABSURD) // 4]


@pytest.fixture
def status_of(staff: Browser) -> Callable[..., int]:
    """Asks for a page. If PostgreSQL refuses a statement of it, only this request is affected."""
    savepoint = transaction.savepoint()

    def ask(url: str, query: dict[str, str] | None = None) -> int:
        status = staff.get(url, query).status_code
        if connection.connection.info.transaction_status == TransactionStatus.INERROR:
            transaction.savepoint_rollback(savepoint)
        connection.needs_rollback = False
        return int(status)

    return ask


@pytest.mark.usefixtures("without_traces")
@pytest.mark.parametrize("share", ["one value", pytest.param("all values", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize(("model", "model_admin"), MODELS, ids=[model._meta.label for model, _ in MODELS])
def test_no_list_answers_500(
    status_of: Callable[..., int], model: type[Model], model_admin: ModelAdmin, share: str
) -> None:
    """With one value, the next parameter gets the next value of the list."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    faults = []
    for number, name in enumerate(dict.fromkeys(parameters(model, model_admin))):
        all_values = values(model, model_admin, name)
        for value in all_values if share == "all values" else [all_values[number % len(all_values)]]:
            status = status_of(url, {name: value})
            if status >= 500:
                faults.append((name, value[:40], status))
    assert not faults


@pytest.mark.usefixtures("without_traces")
@pytest.mark.parametrize(("model", "model_admin"), MODELS, ids=[model._meta.label for model, _ in MODELS])
def test_no_page_of_an_object_answers_500(
    status_of: Callable[..., int], model: type[Model], model_admin: ModelAdmin
) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    pages = ("change/", "history/", "delete/", "")
    faults = [
        (page, key[:40])
        for page in pages
        for key in ("-1", "9" * 30, "_5F", "00000000-0000-0000-0000-000000000000", "☃")
        if status_of(f"{url}{key}/{page}") >= 500
    ]
    assert not faults


@pytest.mark.usefixtures("without_traces")
@pytest.mark.parametrize(("model", "model_admin"), MODELS, ids=[model._meta.label for model, _ in MODELS])
def test_no_action_answers_500(staff: Browser, model: type[Model], model_admin: ModelAdmin) -> None:
    """For forged keys of the selected rows."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    faults = [
        (action, key[:40])
        for action in model_admin.get_actions(request)
        for key in ("x", "-1", "9" * 30, "NaN", "\0", "00000000-0000-0000-0000-000000000000")
        if staff.post(url, {"action": action, "_selected_action": key}).status_code >= 500
    ]
    assert not faults


@pytest.mark.usefixtures("without_traces")
@pytest.mark.parametrize("name", ["since", "until", "person", "client_id", "q", "action", "error_code", "outcome"])
@pytest.mark.parametrize("format_name", ["csv", "json", "\N{SNOWMAN}"])
def test_no_export_answers_500(staff: Browser, name: str, format_name: str) -> None:
    for value in ABSURD:
        answer = staff.post(f"/admin/oauth/auditevent/export/?{name}={value}", {"format": format_name})
        assert answer.status_code < 500, (name, value)
        assert answer.status_code != 429, (name, value)
        if answer.streaming:
            b"".join(answer.streaming_content)


def test_a_time_before_the_first_event_shows_all(staff: Browser) -> None:
    """UUIDv7 counts from 1970."""
    for query in ({"since": "1900-01-01"}, {"until": f"{timezone.now().year + 1}-01-01"}):
        assert len(staff.get("/admin/oauth/auditevent/", query).context["cl"].result_list) == 1
    assert not staff.get("/admin/oauth/auditevent/", {"until": "1900-01-01"}).context["cl"].result_list
