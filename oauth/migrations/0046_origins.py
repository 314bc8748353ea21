from django.db import migrations, models

# procrastinate deletes its jobs with SQL, without Django, so the database must delete these rows.
ORIGINS = """
CREATE TABLE oauth_job_origin (
  job_id bigint PRIMARY KEY REFERENCES procrastinate_jobs ON DELETE CASCADE,
  request_id varchar(36) NOT NULL,
  traceparent varchar(55) NOT NULL
);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('oauth', '0045_developer_portal'),
        ('procrastinate', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(ORIGINS, "DROP TABLE oauth_job_origin;"),
        migrations.AddField(
            model_name='authorizationcode',
            name='traceparent',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=55),
        ),
    ]
