from django.db import migrations, models

CONDITION = models.Q(("ended_at", None))
NAME = "session_one_of_a_browser"


class Migration(migrations.Migration):
    """Uses SQL, because Django has no operation that builds a unique constraint without blocking writes."""

    atomic = False
    dependencies = [("oauth", "0039_nothing_left")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON oauth_session (browser_digest) "
                    "WHERE ended_at IS NULL",
                    f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="session",
                    constraint=models.UniqueConstraint(condition=CONDITION, fields=("browser_digest",), name=NAME),
                )
            ],
        )
    ]
