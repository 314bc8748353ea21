from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0034_client_logo"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="user_claims_in_id_token",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="OpenID Connect Core §5.4: name and email come from UserInfo. Some clients never ask there, such as Kubernetes and Auth.js. For these the ID token also has what the scopes profile and email release.",
                verbose_name="user claims in the ID token",
            ),
        ),
    ]
