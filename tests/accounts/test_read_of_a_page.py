"""Each page for a logged-in user reads the session and the user, with the same result with and without the fast
path.
"""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.browsers.session_store import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[True, False], ids=["fast", "plain"], autouse=True)
def _switched(request, settings):
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": request.param}


def test_the_user_is_read_with_all_columns(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = get_user_model().objects.get(pk=alice.pk)
        assert {field.attname: getattr(found, field.attname) for field in found._meta.concrete_fields} == {
            field.attname: getattr(alice, field.attname) for field in alice._meta.concrete_fields
        }
    assert not found._state.adding
    found.name = "Alice again"
    found.save()
    assert get_user_model().objects.get(email=alice.email).name == "Alice again"


def test_an_unknown_user_is_not_found():
    with pytest.raises(get_user_model().DoesNotExist):
        get_user_model().objects.get(pk=uuid.uuid4())


def test_a_session_is_read_until_its_end():
    """ASVS 5.0 7.3.2."""
    store = SessionStore()
    store["of"] = "alice"
    store.create()
    assert SessionStore(store.session_key)["of"] == "alice"
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    ended = SessionStore(store.session_key)
    assert dict(ended.items()) == {}
    assert ended.session_key is None
