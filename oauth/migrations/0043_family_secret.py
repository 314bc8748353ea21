import django.db.models.deletion
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Prepares the deletion of superseded refresh tokens: drops all foreign keys that refer to them."""

    atomic = False

    dependencies = [
        ('oauth', '0042_partitions'),
    ]

    operations = [
        migrations.AddField(
            model_name='refreshtoken',
            name='family_digest',
            field=models.BinaryField(editable=False, max_length=32, null=True),
        ),
        migrations.AlterField(
            model_name='refreshtoken',
            name='replaces',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='successors', to='oauth.refreshtoken'),
        ),
        RemoveIndexConcurrently(
            model_name='refreshtoken',
            name='refresh_token_expiry',
        ),
    ]
