from django.db import migrations, models
from django.db.models import Q


def mark(apps, schema_editor):
    """Marks existing scopes as optional, by the same rule as oauth.operations.first_rows for new scopes."""
    Scope = apps.get_model("oauth", "Scope")
    endings = Q(name__endswith=":write") | Q(name__endswith=":manage") | Q(name__endswith=":detail")
    Scope.objects.filter(endings | Q(name__in=["profile", "email", "offline_access"])).update(is_optional=True)


class Migration(migrations.Migration):

    dependencies = [
        ('oauth', '0012_roles_and_audit_filters'),
    ]

    operations = [
        migrations.AddField(
            model_name='scope',
            name='is_optional',
            field=models.BooleanField(default=False, help_text='The person may untick it, and the app gets the rest.', verbose_name='may be left out'),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
