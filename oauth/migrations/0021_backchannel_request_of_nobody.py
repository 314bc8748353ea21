from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Hints of unknown users are accepted, so a request may have no user."""

    atomic = False
    dependencies = [
        ("oauth", "0020_registration_ceiling"),
    ]

    operations = [
        migrations.AlterField(
            model_name="backchannelrequest",
            name="user",
            field=models.ForeignKey(
                null=True, on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="backchannelrequest",
            name="hint_digest",
            field=models.BinaryField(editable=False, max_length=32, null=True),
        ),
        AddIndexConcurrently(
            model_name="backchannelrequest",
            index=models.Index(
                fields=["hint_digest"],
                name="backchannel_request_hint",
                condition=models.Q(denied_at=None, authorization=None),
            ),
        ),
    ]
