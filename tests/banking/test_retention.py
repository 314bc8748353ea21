"""docs/retention.md shows the schedule of the code, each model has a row, and the jobs that it names delete the rows."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.utils import timezone

from banking.database import cleanup as bank_cleanup
from banking.database.retention import SCHEDULE as BANK
from banking.database.rights import ALL, RIGHTS
from banking.models import LedgerAudit
from oauth.infrastructure.retention import Kept
from oauth.models import Authorization
from oauth.operations import cleanup
from oauth.operations.retention import SCHEDULE as OAUTH

SCHEDULES = {"banking": BANK, "oauth": OAUTH}
DOCUMENT = Path(__file__).parents[2] / "docs" / "retention.md"
#: Deleted by the job together with their authorization.
WITH_AUTHORIZATION = {"AuthorizationCode", "RefreshToken"}


def row(model: str, kept: Kept) -> str:
    return f"| `{model}` | {kept.until} | {kept.why} | {kept.job.replace('.', ': ')} |"


@pytest.mark.parametrize("app", SCHEDULES)
def test_each_model_has_a_row_in_the_code_and_in_the_document(app):
    models = {model.__name__ for model in apps.get_app_config(app).get_models(include_auto_created=True)}
    assert models <= SCHEDULES[app].keys(), (
        "banking/database/retention.py or oauth/operations/retention.py lacks a model"
    )
    shown = re.search(rf"<!-- {app} -->\n(.*?)\n\n", DOCUMENT.read_text() + "\n\n", re.S)[1].splitlines()
    assert shown[2:] == [row(model, kept) for model, kept in SCHEDULES[app].items()]


@pytest.mark.django_db
def test_the_jobs_delete_what_the_schedule_says():
    deleted = {rows.model.__name__ for rows in cleanup.expired().values()}
    assert Authorization.__name__ in deleted
    named = {model for model, kept in OAUTH.items() if kept.job}
    assert named == (deleted & OAUTH.keys()) | WITH_AUTHORIZATION


@pytest.mark.django_db
def test_books_are_not_deleted_and_what_has_a_job_can_be():
    """The site's role may delete only rows that need not be kept for years."""
    tables = {
        model.__name__: model._meta.db_table
        for model in apps.get_app_config("banking").get_models(include_auto_created=True)
    }
    for model in tables:
        kept, may_delete = BANK[model], "DELETE" in RIGHTS.get(tables[model], ALL)
        if kept.until.startswith("10 years"):
            assert not may_delete, model
        if kept.job and model != "IdempotencyRecord":  # the function of this table enforces the seven days
            assert may_delete, model


@pytest.mark.django_db
def test_the_bank_keeps_audits_as_long_as_it_says():
    kept = bank_cleanup.AUDITS_KEPT
    for age in (kept - timedelta(days=1), kept + timedelta(days=1)):
        LedgerAudit.objects.create(seconds=0, differences={}, ended_at=timezone.now() - age)
    bank_cleanup.delete_expired()
    assert LedgerAudit.objects.count() == 1
    assert BANK["LedgerAudit"].until == f"{kept.days} days"
