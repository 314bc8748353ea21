from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The search for remembered consent skips authorizations that were repeated without a page. The previous release
    leaves `is_repeat` false, so the search also reads its authorizations.
    """

    atomic = False
    dependencies = [
        ("oauth", "0050_sandbox_user_by_itself"),
    ]

    operations = [
        migrations.AddField(
            model_name="authorization",
            name="is_repeat",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        AddIndexConcurrently(
            model_name="authorization",
            index=models.Index(
                fields=["user", "client"],
                name="authorization_decided",
                condition=models.Q(revoked_at=None, is_repeat=False),
            ),
        ),
    ]
