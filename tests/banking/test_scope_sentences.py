"""The migration that rewrites the sentences of scopes in plain words."""

from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings

from oauth.models import Scope

pytestmark = pytest.mark.django_db
MIGRATION = import_module("banking.migrations.0016_plain_scope_sentences")


def test_a_sentence_of_an_earlier_release_becomes_that_of_the_settings():
    for name, (before, _) in MIGRATION.SENTENCES.items():
        Scope.objects.filter(name=name).update(sentence=before)
    MIGRATION.say_plainly(apps, None)
    for name in MIGRATION.SENTENCES:
        assert Scope.objects.get(name=name).sentence == settings.OAUTH["SCOPES"][name]


def test_a_sentence_that_staff_have_written_stays():
    Scope.objects.filter(name="email").update(sentence="Read your address")
    MIGRATION.say_plainly(apps, None)
    assert Scope.objects.get(name="email").sentence == "Read your address"
