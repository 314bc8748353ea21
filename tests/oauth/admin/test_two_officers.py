"""Two officers have the same row open. The second one does not undo the change of the first unnoticed."""

from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from oauth.models import Client, Scope
from oauth.staff.seen import CHANGED_SINCE
from tests.lib.beside import Beside
from tests.lib.staff import browser_of, staff


class OpenPage:
    """A change form as a browser shows and sends it."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url
        self.form = BeautifulSoup(browser.get(url).content, "html.parser").select_one("#content-main form")
        self.values = {}
        for field in self.form.select("input[name], textarea[name], select[name]"):
            if field.get("type") in ("checkbox", "radio") and not field.has_attr("checked"):
                continue
            if field.get("type") != "submit":
                self.values.setdefault(field["name"], []).extend(self._of(field))

    @staticmethod
    def _of(field):
        if field.name == "select":
            chosen = field.select("option[selected]")
            if not chosen and not field.has_attr("multiple"):
                chosen = field.select("option")[:1]
            return [option["value"] for option in chosen]
        return [
            field.text.removeprefix("\n")
            if field.name == "textarea"
            else field.get("value", "on" if field.get("type") == "checkbox" else "")
        ]

    def save(self, **changes):
        return self.browser.post(urljoin(self.url, self.form.get("action", "")), {**self.values, **changes})


@pytest.fixture
def officers(db):
    return browser_of(staff("superuser")), browser_of(staff("superuser"))


def test_a_client_stays_disabled(officers, web_app):
    first, second = (OpenPage(one, reverse("admin:oauth_client_change", args=[web_app.pk])) for one in officers)
    del first.values["is_active"]
    assert first.save().status_code == 302
    refused = second.save(name="Another name")
    assert CHANGED_SINCE in refused.content.decode()
    assert "Another name" in refused.content.decode(), "What the officer typed is lost."
    web_app.refresh_from_db()
    assert (web_app.is_active, web_app.name != "Another name") == (False, True)


def test_pressing_save_again_does_not_help_but_opening_the_page_again_does(officers, web_app):
    url = reverse("admin:oauth_client_change", args=[web_app.pk])
    first, second = (OpenPage(one, url) for one in officers)
    first.save(name="The first name")
    page = BeautifulSoup(second.save(name="Another name").content, "html.parser")
    second.form["action"] = page.select_one("#content-main form")["action"]
    assert CHANGED_SINCE in second.save(name="Another name").content.decode()
    assert OpenPage(officers[1], url).save(name="Another name").status_code == 302
    web_app.refresh_from_db()
    assert web_app.name == "Another name"


def test_an_error_in_the_form_is_corrected_and_saved(officers, web_app):
    page = OpenPage(officers[0], reverse("admin:oauth_client_change", args=[web_app.pk]))
    answer = BeautifulSoup(page.save(redirect_uris="http://app.example/callback").content, "html.parser")
    page.form["action"] = answer.select_one("#content-main form")["action"]
    assert page.save(name="Corrected").status_code == 302


def test_a_user_stays_deactivated(officers, alice):
    first, second = (OpenPage(one, reverse("admin:accounts_user_change", args=[alice.pk])) for one in officers)
    del first.values["is_active"]
    assert first.save().status_code == 302
    assert CHANGED_SINCE in second.save().content.decode()
    assert not User.objects.get(pk=alice.pk).is_active


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_deleted", [False, True])
def test_two_who_save_at_the_same_moment_are_processed_one_after_the_other(officers, web_app, is_deleted):
    page = OpenPage(officers[1], reverse("admin:oauth_client_change", args=[web_app.pk]))
    saving = Beside(lambda: page.save(name="Another name", is_active="on"))
    with transaction.atomic():
        mine = Client.objects.select_for_update().get(pk=web_app.pk)
        saving.start_and_wait()
        assert saving.is_alive(), "the second officer's form waits"
        if is_deleted:
            mine.delete()
        else:
            Client.objects.filter(pk=mine.pk).update(is_active=False)
    saving.join()
    [answer] = saving.results
    if is_deleted:
        assert answer.status_code == 302
        assert not Client.objects.exists()
    else:
        assert CHANGED_SINCE in answer.content.decode()
        assert not Client.objects.get(pk=web_app.pk).is_active


def test_changes_of_others_to_other_rows_do_not_matter(officers, db):
    one, other = Scope.objects.order_by("name")[:2]
    first = OpenPage(officers[0], reverse("admin:oauth_scope_change", args=[one.pk]))
    second = OpenPage(officers[1], reverse("admin:oauth_scope_change", args=[other.pk]))
    assert (first.save(sentence="See one").status_code, second.save(sentence="See another").status_code) == (302, 302)
