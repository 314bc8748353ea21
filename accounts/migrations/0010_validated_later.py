from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Validates the constraint on all users without blocking writes."""

    dependencies = [("accounts", "0009_profile_and_closing")]

    operations = [ValidateConstraint("user", "user_closed_is_inactive")]
