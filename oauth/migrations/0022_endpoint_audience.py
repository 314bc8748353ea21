"""Existing clients may use an endpoint as the audience of assertions, instead of the issuer; new clients may not.

The column is added with the default true, which needs no rewrite of the table; then the default becomes false.
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
