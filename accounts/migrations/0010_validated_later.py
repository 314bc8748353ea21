from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Reads all users without keeping anybody from writing."""

    dependencies = [("accounts", "0009_profile_and_closing")]

    operations = [ValidateConstraint("user", "user_closed_is_inactive")]
