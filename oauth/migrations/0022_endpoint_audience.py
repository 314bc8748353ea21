"""Which clients may sign assertions for an endpoint instead of the issuer: those that are here already, and no new one.

Added with the default true, which PostgreSQL fills in without rewriting the table; then the default is false.
"""

from django.db import migrations, models

LABEL = "endpoint addresses as audience"
HELP = (
    "RFC 7523: client assertions may name endpoints, or several audiences. Only for a library that cannot name the "
    "issuer alone; never for FAPI."
)


class Migration(migrations.Migration):
    dependencies = [("oauth", "0021_backchannel_request_of_nobody")]

    operations = [
        migrations.AddField(
            model_name="client",
            name="accepts_endpoint_audience",
            field=models.BooleanField(LABEL, default=True, db_default=True, help_text=HELP),
        ),
        migrations.AlterField(
            model_name="client",
            name="accepts_endpoint_audience",
            field=models.BooleanField(LABEL, default=False, db_default=False, help_text=HELP),
        ),
    ]
