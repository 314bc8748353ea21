from pathlib import Path

from django.db import migrations

import oauth.models.secret

_HERE = Path(__file__).parent
_VALIDATE = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}' AND conrelid = '{table}'::regclass) THEN
    ALTER TABLE {table} VALIDATE CONSTRAINT {name};
  END IF;
END $$;
"""


def _sql(name):
    return migrations.RunSQL((_HERE / name).read_text(), migrations.RunSQL.noop)


def _validate(table, name):
    """Reads the whole table and blocks neither reads nor writes."""
    return migrations.RunSQL(_VALIDATE.format(table=table, name=name), migrations.RunSQL.noop)


class Migration(migrations.Migration):
    """Each step is its own transaction and can be repeated. The reverse migration changes nothing, because the previous
    release also works with partitions."""

    atomic = False

    dependencies = [
        ('oauth', '0041_key_stores'),
    ]

    operations = [
        _sql('partition_functions.sql'),
        _sql('partition_bounds.sql'),
        _validate('oauth_usedproof', 'used_proof_first'),
        _validate('oauth_usedassertion', 'used_assertion_first'),
        _validate('oauth_auditevent', 'audit_first'),
        migrations.SeparateDatabaseAndState(
            database_operations=[_sql('partitions.sql')],
            state_operations=[
                migrations.RemoveIndex(model_name='usedproof', name='used_proof_expiry'),
                migrations.RemoveIndex(model_name='usedassertion', name='used_assertion_expiry'),
                migrations.RemoveField(model_name='usedproof', name='id'),
                migrations.RemoveField(model_name='usedassertion', name='id'),
                migrations.AlterField(
                    model_name='usedproof',
                    name='proof_digest',
                    field=oauth.models.secret.DigestField(editable=False, max_length=32, primary_key=True, serialize=False, unique=True),
                ),
                migrations.AlterField(
                    model_name='usedassertion',
                    name='assertion_digest',
                    field=oauth.models.secret.DigestField(editable=False, max_length=32, primary_key=True, serialize=False, unique=True),
                ),
            ],
        ),
    ]
