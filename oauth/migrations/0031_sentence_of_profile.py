"""UserInfo now also returns the user's language with the scope `profile`."""

from typing import Any

from django.db import migrations

BEFORE, AFTER = "See your name", "See your name and language"


def say_both(apps: Any, schema_editor: Any) -> None:
    apps.get_model("oauth", "Scope").objects.filter(name="profile", sentence=BEFORE).update(sentence=AFTER)


def say_one(apps: Any, schema_editor: Any) -> None:
    apps.get_model("oauth", "Scope").objects.filter(name="profile", sentence=AFTER).update(sentence=BEFORE)


class Migration(migrations.Migration):
    dependencies = [("oauth", "0030_imported_from_dot")]

    operations = [migrations.RunPython(say_both, say_one)]
