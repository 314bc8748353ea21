"""Users in the admin."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission

from accounts.models import User
from tests.lib.staff import browser_of, staff

pytestmark = pytest.mark.django_db


def test_people_are_listed_found_added_and_deactivated(admin_browser, alice):
    assert alice.email in admin_browser.get("/admin/accounts/user/?q=alice").content.decode()
    form = {"email": "new@example.test", "name": "New"}
    assert admin_browser.post("/admin/accounts/user/add/", form).status_code == 302
    new = User.objects.get(email="new@example.test")
    page = admin_browser.get(f"/admin/accounts/user/{new.pk}/change/").content.decode()
    assert new.password not in page


def test_every_list_of_the_admin_opens(admin_browser, issued, mobile_app):
    from django.contrib import admin

    issued(mobile_app)
    for model in admin.site._registry:
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert admin_browser.get(url).status_code == 200, url
        assert admin_browser.get(f"{url}?q=x").status_code in (200, 302), url


def test_nobody_reads_the_secret_of_a_second_factor(admin_browser, alice):
    """ASVS 5.0 14.2.1: support can only remove a lost second factor."""
    factor = Authenticator.objects.create(user=alice, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    for page in ("", f"{factor.pk}/change/"):
        answer = admin_browser.get(f"/admin/mfa/authenticator/{page}")
        assert answer.status_code == 200
        assert b"JBSWY3DPEHPK3PXP" not in answer.content
    assert admin_browser.get("/admin/mfa/authenticator/add/").status_code == 403
    admin_browser.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize(("rights", "is_linked"), [(["add_user"], False), (["add_user", "change_user"], True)])
def test_the_page_for_a_new_user_is_linked_for_staff_who_may_open_it(rights, is_linked):
    clerk = staff()
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", *rights]))
    browser, url = browser_of(clerk), "/admin/accounts/user/add/"
    assert browser.get(url).status_code == (200 if is_linked else 403)
    for page in ("/admin/", "/admin/accounts/user/"):
        assert (f'href="{url}' in browser.get(page).content.decode()) == is_linked
