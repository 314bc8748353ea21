from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('oauth', '0046_origins'),
    ]

    operations = [
        # The previous release inserts rows without this column.
        migrations.RunSQL(
            "ALTER TABLE oauth_job_origin ADD COLUMN tracestate varchar(512) NOT NULL DEFAULT '';",
            "ALTER TABLE oauth_job_origin DROP COLUMN tracestate;",
        ),
    ]
