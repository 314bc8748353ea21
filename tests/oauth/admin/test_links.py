"""Everybody who can open a page of the admin can also open its links."""

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission

from oauth.staff.roles import ROLES
from tests.lib.ledger import funded
from tests.lib.staff import browser_of, logins_kept, staff

pytestmark = pytest.mark.django_db


def links(page):
    found = BeautifulSoup(page.content, "html.parser").select(
        "#content a[href^='/admin/'], #content-related a[href^='/admin/']"
    )
    return {link["href"].partition("#")[0] for link in found}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_opens_every_list_and_what_its_first_client_links_to(role, web_app, signing_keys):
    browser = browser_of(staff(role))
    with logins_kept():
        pages = links(browser.get("/admin/"))
        assert pages
        client = f"/admin/oauth/client/{web_app.pk}/change/"
        if "/admin/oauth/client/" in pages:
            pages |= links(browser.get(client))
        assert {url: status for url in pages if (status := browser.get(url).status_code) != 200} == {}


def test_the_entries_of_an_account_lead_on_only_for_those_who_may_see_transactions(alice):
    account = funded(alice, "Everyday")
    for rights, is_link in (("view_account",), False), (("view_account", "view_ledgertransaction"), True):
        person = staff()
        person.user_permissions.set(Permission.objects.filter(codename__in=rights))
        page = browser_of(person).get(f"/admin/banking/account/{account.pk}/entries/")
        assert ("/admin/banking/ledgertransaction/" in page.content.decode()) is is_link
