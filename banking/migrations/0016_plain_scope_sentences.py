"""The sentences of this site's scopes on the consent page, in plain words. A sentence that staff have changed stays."""

from typing import Any

from django.db import migrations

SENTENCES = {
    "email": ("See your e-mail address", "See your email address"),
    "payees:read": ("See whom you pay", "See the payees you have saved"),
    "payees:write": ("Add and remove people whom you pay", "Add and remove payees"),
    "grant_management_query": ("Look up what you allowed it", "See the access you gave it"),
    "grant_management_revoke": ("Give back what you allowed it", "Give up the access you gave it"),
    "webhooks:manage": (
        "Get a message when something happens in your accounts",
        "Be notified when something happens in your accounts",
    ),
}


def say_plainly(apps: Any, schema_editor: Any) -> None:
    scopes = apps.get_model("oauth", "Scope").objects
    for name, (before, after) in SENTENCES.items():
        scopes.filter(name=name, sentence=before).update(sentence=after)


def say_as_before(apps: Any, schema_editor: Any) -> None:
    scopes = apps.get_model("oauth", "Scope").objects
    for name, (before, after) in SENTENCES.items():
        scopes.filter(name=name, sentence=after).update(sentence=before)


class Migration(migrations.Migration):
    dependencies = [("banking", "0015_plain_labels"), ("oauth", "0031_sentence_of_profile")]

    operations = [migrations.RunPython(say_plainly, say_as_before)]
