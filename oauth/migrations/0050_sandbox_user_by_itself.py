from django.db import migrations, models


class Migration(migrations.Migration):
    """Sandbox users who are inactive now stay so until staff activate each: nothing tells why they are."""

    dependencies = [("oauth", "0049_plain_words")]

    operations = [
        migrations.AddField(
            model_name="sandboxuser",
            name="is_deactivated_with_owner",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
