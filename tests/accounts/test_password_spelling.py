"""Two Unicode encodings of the same letters are the same password (NIST SP 800-63B §5.1.1.2)."""

import unicodedata

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client as Browser

from accounts.models import User

pytestmark = pytest.mark.django_db

WORD = "Größe-für-Müller-ﬁ-é"
COMPOSED, DECOMPOSED = unicodedata.normalize("NFC", WORD), unicodedata.normalize("NFD", WORD)


def logs_in(user, password):
    browser = Browser()
    browser.post("/accounts/login/", {"login": user.email, "password": password})
    return "_auth_user_id" in browser.session


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_both_spellings_log_in(alice, stored, typed):
    alice.set_password(stored)
    alice.save()
    assert logs_in(alice, typed)


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_a_hash_from_before_still_counts(alice, stored, typed):
    User.objects.filter(pk=alice.pk).update(last_login=None)
    User._base_manager.filter(pk=alice.pk)._update([(User._meta.get_field("password"), None, make_password(stored))])
    assert logs_in(alice, typed)


def test_a_password_with_other_letters_is_refused(alice):
    alice.set_password(COMPOSED)
    alice.save()
    for other in (COMPOSED.replace("ß", "ss"), COMPOSED.replace("ﬁ", "fi"), COMPOSED.upper(), COMPOSED + " ", ""):
        assert not logs_in(alice, other)
