"""What clients learn about a user (OpenID Connect Core §5.1)."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from oauth.infrastructure.language_tags import language_tag

pytestmark = pytest.mark.django_db


def userinfo(issued, client, scope="openid profile email"):
    token = issued(client, scope=scope)["access_token"]
    return Browser().get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json()


def test_the_profile_tells_name_language_and_time_of_change(browser, issued, web_app, alice):
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    told = userinfo(issued, web_app)
    assert told.keys() == {"sub", "name", "locale", "updated_at", "email", "email_verified"}
    assert (told["name"], told["locale"]) == ("Alice Archer", "zh-Hans")
    assert told["updated_at"] == int(User.objects.get(pk=alice.pk).profile_updated_at.timestamp())
    assert set(userinfo(issued, web_app, "openid email")) == {"sub", "email", "email_verified"}
    supported = Browser().get("/.well-known/openid-configuration").json()["claims_supported"]
    assert set(told) <= set(supported)
    assert {"given_name", "family_name"} <= set(supported)


def test_it_changes_with_what_clients_see_and_with_nothing_else(alice):
    before = alice.profile_updated_at
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        alice.last_login = timezone.now()
        alice.save(update_fields=["last_login"])
        alice.set_password("another-horse-9-battery")
        alice.save(update_fields=["password"])
        assert User.objects.get(pk=alice.pk).profile_updated_at == before
        alice.speak("de")
        assert User.objects.get(pk=alice.pk).profile_updated_at > before + timedelta(minutes=59)


def test_the_parts_of_a_name_are_those_that_another_provider_told_of_it(browser, issued, web_app, alice):
    parts = {"name": "Alice Archer", "given_name": "Alice", "family_name": "Archer"}
    alice.socialaccount_set.create(provider="x", uid="1", extra_data={"userinfo": parts})
    told = userinfo(issued, web_app)
    assert (told["given_name"], told["family_name"]) == ("Alice", "Archer")
    alice.name = "Alice Baker"
    alice.save()
    assert "family_name" not in userinfo(issued, web_app)


@pytest.mark.parametrize(
    "extra_data", [{}, {"userinfo": None}, {"userinfo": []}, {"name": "Alice Archer", "given_name": 7}]
)
def test_odd_data_of_a_provider_tell_nothing(browser, issued, web_app, alice, extra_data):
    alice.socialaccount_set.create(provider="x", uid="1", extra_data=extra_data)
    assert "given_name" not in userinfo(issued, web_app)


@pytest.mark.parametrize(
    ("code", "tag"), [("en-gb", "en-GB"), ("de", "de"), ("zh-hans", "zh-Hans"), ("pt-br", "pt-BR")]
)
def test_languages_are_named_as_in_bcp_47(code, tag):
    assert language_tag(code) == tag


def test_the_metadata_name_them_so(client):
    assert client.get("/.well-known/openid-configuration").json()["ui_locales_supported"] == ["en-GB", "de", "zh-Hans"]
