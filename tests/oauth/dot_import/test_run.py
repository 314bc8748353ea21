"""An import can be killed at any moment and run again. Two imports cannot run at the same time. The site can serve
meanwhile.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connection, models

from oauth.dot_import import ImportRefused, Options, Source, exclusive, run, running, steps, undo
from oauth.models import AuditEvent, Authorization, Client, DotImport, ImportedAccessToken, RefreshToken
from tests.lib.database import url_of
from tests.oauth.dot_import.conftest import ago

pytestmark = pytest.mark.django_db
WRITTEN = (Client, Authorization, RefreshToken, ImportedAccessToken)


class Killed(BaseException):
    """Stands for SIGKILL: no code catches it."""


@pytest.fixture
def filled(old, alice, bob) -> None:
    users = [old.user(alice.email), old.user(bob.email)]
    for number in range(3):
        application = old.application()
        for user in users:
            family = uuid.uuid4()
            old.refresh_token(f"ended-{number}-{user.key}", application, user, token_family=family, revoked=ago(days=1))
            old.refresh_token(f"live-{number}-{user.key}", application, user, token_family=family)
        old.access_token(f"alone-{number}", application, users[0])


def written() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in WRITTEN}


EVERYTHING = {"Client": 3, "Authorization": 9, "RefreshToken": 12, "ImportedAccessToken": 9}


def options_of(options: Options, **changes: Any) -> Options:
    return Options(**{**vars(options), **changes})


def test_everything_is_counted_and_audited(filled, source, options):
    counts = run(source, options_of(options, batch=2), is_dry_run=False).counts
    assert written() == EVERYTHING
    assert counts == Counter(
        {
            "clients: works": 3, "refresh tokens adopted": 6, "authorizations": 9, "consents remembered": 6,
            "ended refresh tokens kept to detect reuse": 6, "access tokens kept until they expire": 9,
        }
    )  # fmt: skip
    event = AuditEvent.objects.get(action=AuditEvent.Action.IMPORTED)
    assert "refresh tokens adopted: 6" in event.reason


def test_a_dry_run_counts_the_same(filled, source, options):
    dry = run(source, options, is_dry_run=True).counts
    wet = run(source, options, is_dry_run=False).counts
    same = {name for name in wet if not name.startswith(("authorizations", "ended"))}
    assert {name: dry[name] for name in same} == {name: wet[name] for name in same}


@pytest.mark.parametrize("step", steps.STEPS, ids=lambda step: step.name)
@pytest.mark.parametrize("moment", ["before it writes", "after it has written"])
def test_a_killed_import_goes_on(filled, source, options, monkeypatch, step, moment):
    options = options_of(options, batch=2)
    take, taken = step.take, []

    def die(self: Any, batch: list[Any]) -> None:
        taken.append(batch)
        if len(taken) == 2 and moment == "before it writes":
            raise Killed
        take(self, batch)
        if len(taken) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(step, "take", die)
        with pytest.raises(Killed):
            run(source, options, is_dry_run=False)
    assert written() != EVERYTHING
    report = run(source, options, is_dry_run=False)
    assert written() == EVERYTHING
    assert "This continues the import" in report.notes[0]
    assert report.counts["refresh tokens adopted"] == 6


def test_a_finished_import_does_nothing_more(filled, source, options):
    run(source, options, is_dry_run=False)
    report = run(source, options, is_dry_run=False)
    assert "nothing was done" in report.notes[0]
    assert written() == EVERYTHING
    assert AuditEvent.objects.filter(action=AuditEvent.Action.IMPORTED).count() == 1


def test_it_must_go_on_as_it_began(filled, source, options, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(running, "_finish", lambda _: None)
        run(source, options, is_dry_run=False)
    with pytest.raises(ImportRefused, match="other options"):
        run(source, options_of(options, gives_all_scopes=True), is_dry_run=False)
    run(source, options_of(options, batch=1), is_dry_run=False)


def test_a_source_that_was_written_to_meanwhile_is_reported(filled, source, options):
    run(source, options, is_dry_run=False)
    source.refresh_tokens.filter(revoked=None).update(updated=ago(seconds=-5))
    report = run(source, options, is_dry_run=False)
    assert "6 rows of the source changed" in report.notes[-1]


def test_an_import_can_be_undone_and_run_again(filled, source, options, web_app):
    with pytest.raises(ImportRefused, match="not imported"):
        undo(source)
    run(source, options, is_dry_run=False)
    report = undo(source)
    assert report.counts == {"clients deleted": 3, "authorizations deleted": 9}
    assert written() == {**dict.fromkeys(EVERYTHING, 0), "Client": 1}
    assert AuditEvent.objects.filter(action=AuditEvent.Action.CLIENT_DELETED).count() == 3
    run(source, options, is_dry_run=False)
    assert written() == {**EVERYTHING, "Client": 4}


@pytest.fixture
def partner() -> Iterator[Any]:
    """A model of another app with a foreign key to clients, whose table has no constraint yet."""

    class Partner(models.Model):  # noqa: DJ008
        client = models.ForeignKey(Client, on_delete=models.CASCADE, db_constraint=False)

        class Meta:
            app_label = "demo"

    with connection.schema_editor() as editor:
        editor.create_model(Partner)
    yield Partner
    del apps.all_models["demo"]["partner"]
    apps.clear_cache()


def test_undo_deletes_no_row_of_another_app(filled, source, options, partner):
    """After a rollback, foreign keys contain primary keys of the old project, such as that of an imported client."""
    run(source, options, is_dry_run=False)
    partner.objects.create(client=Client.objects.first())
    assert undo(source).counts["clients deleted"] == 3
    assert partner.objects.count() == 1


def test_undo_is_refused_while_a_table_of_another_app_refers_to_a_client(filled, source, options, partner):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE demo_partner ADD FOREIGN KEY (client_id) REFERENCES oauth_client")
    run(source, options, is_dry_run=False)
    partner.objects.create(client=Client.objects.first())
    with pytest.raises(ImportRefused, match=r"demo_partner\.client_id"):
        undo(source)
    assert written() == EVERYTHING
    partner.objects.all().delete()
    assert undo(source).counts["clients deleted"] == 3


def test_two_imports_do_not_run_at_once(source, options):
    with psycopg.connect(url_of()) as other:  # COMMIT releases the lock; closing would release it a moment later
        other.execute("SELECT pg_advisory_xact_lock(%s)", [exclusive.ADVISORY_LOCK])
        with pytest.raises(ImportRefused, match="Another import is running"):
            run(source, options, is_dry_run=True)
    run(source, options, is_dry_run=True)


def test_a_batch_that_another_import_has_taken_is_not_written_again(filled, source, options, monkeypatch):
    """This matters if the lock is lost, for example with its connection."""
    take = steps.LiveRefreshTokens.take

    def overtaken(self: Any, batch: list[Any]) -> None:
        take(self, batch)
        DotImport.objects.update(position={"refresh tokens": [10**6, ""]})

    monkeypatch.setattr(steps.LiveRefreshTokens, "take", overtaken)
    with pytest.raises(ImportRefused, match="Another import"):
        run(source, options, is_dry_run=False)
    assert not Authorization.objects.exists()


def test_a_token_that_is_used_meanwhile_is_left_as_it_is(filled, source, options, monkeypatch, token_endpoint):
    """The site already serves while access tokens are still imported."""
    take = steps.EndedRefreshTokens.take
    first = source.refresh_tokens.filter(revoked=None).order_by("pk").first()

    def use_one(self: Any, batch: list[Any]) -> None:
        RefreshToken.objects.filter(token_digest=bytes.fromhex(first.token_checksum)).update(generation=7)
        Authorization.objects.filter(refresh_tokens__generation=7).revoke(Authorization.RevocationReason.USER)
        take(self, batch)

    monkeypatch.setattr(steps.EndedRefreshTokens, "take", use_one)
    run(source, options, is_dry_run=False)
    assert written() == EVERYTHING
    used = RefreshToken.objects.get(generation=7)
    assert used.authorization.revoked_at is not None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--database", "nowhere"), "alias of DATABASES"),
        (("--schema", "dot; DROP"), "plain name"),
        (("--schema", "nothing_here"), "django-oauth-toolkit 3.4"),
        (("--match-users", "no_such_field"), "must be a field of User"),
        (("--user-table", "no_such_table"), "--user-table"),
        (("--application-table", "no_such_table"), "--application-table"),
        (("--application-table", 'own"; DROP'), "plain name"),
        (("--application-table", "a.b.c"), "plain name"),
        (("--batch", "0"), "at least 1"),
    ],
)
def test_a_wrong_source_is_named(command, arguments, says):
    with pytest.raises(CommandError, match=says):
        command(*arguments)


def test_the_old_project_has_models_of_its_own(source, old, alice, command):
    """`OAUTH2_PROVIDER_APPLICATION_MODEL` and its siblings of django-oauth-toolkit: their apps may stay installed."""
    old.refresh_token("old token", old.application(client_id="an-own-client"), old.user(alice.email))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dot.oauth2_provider_application RENAME TO shop_partner")
        cursor.execute("ALTER TABLE dot.shop_partner SET SCHEMA public")
        cursor.execute("ALTER TABLE dot.oauth2_provider_accesstoken RENAME TO shop_access")
        cursor.execute("ALTER TABLE dot.oauth2_provider_refreshtoken RENAME TO shop_refresh")
    own = ("--access-token-table", "shop_access", "--refresh-token-table", "shop_refresh")
    command("--apply", "--application-table", "public.shop_partner", *own)
    assert RefreshToken.objects.get().authorization.client.client_id == "an-own-client"


def test_users_of_another_database_must_be_matched(monkeypatch, options):
    monkeypatch.setattr(Source, "is_this_database", False)
    with pytest.raises(ImportRefused, match="--match-users"):
        steps.Users(Source(), "")
