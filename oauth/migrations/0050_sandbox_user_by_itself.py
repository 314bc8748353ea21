from django.db import migrations, models


class Migration(migrations.Migration):
    """Inactive sandbox users stay inactive until staff activate them, because the reason is not stored."""

    dependencies = [("oauth", "0049_plain_words")]

    operations = [
        migrations.AddField(
            model_name="sandboxuser",
            name="is_deactivated_with_owner",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
