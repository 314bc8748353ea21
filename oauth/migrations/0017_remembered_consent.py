import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

# The database cascades the deletion, because the previous release, which lacks this table, deletes authorizations.
CASCADE = """
ALTER TABLE oauth_rememberedconsent ADD CONSTRAINT remembered_consent_of_authorization
FOREIGN KEY (authorization_id) REFERENCES oauth_authorization (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
"""


class Migration(migrations.Migration):

    dependencies = [
        ('oauth', '0016_single_use_without_locks'),
    ]

    operations = [
        migrations.CreateModel(
            name='RememberedConsent',
            fields=[
                ('authorization', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='remembered_consent', serialize=False, to='oauth.authorization')),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), default=list, size=None)),
                ('claims', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), default=list, size=None)),
                ('resources', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), default=list, size=None)),
                ('about', models.JSONField(default=dict)),
                ('decided_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(CASCADE, "ALTER TABLE oauth_rememberedconsent DROP CONSTRAINT remembered_consent_of_authorization"),
    ]
