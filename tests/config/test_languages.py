"""People are spoken to in their language, on every page."""

import pytest
from bs4 import BeautifulSoup
from django.test import Client as Browser

from tests.accounts.test_pages import SIGNED_IN, SIGNED_OUT
from tests.banking.conftest import *
from tests.oauth_client import PASSWORD, authorization_url

pytestmark = pytest.mark.django_db
BANK = [
    "/bank/",
    "/bank/accounts/{account}",
    "/bank/accounts/{account}/statements",
    "/bank/transfer",
    "/bank/payees",
    "/bank/orders",
]
OTHERS = [
    "/oauth/device",
    "/oauth/requests",
    "/build",
    "/build/mobile",
    "/problems/limit_exceeded",
    "/oauth/logout",
    "/accounts/data/",
    "/accounts/password/set/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/stronger/",
    "/accounts/inactive/",
    "/accounts/password/reset/key/1-x/",
    "/accounts/confirm-email/xx/",
    "/accounts/social/signup/",
    "/accounts/social/login/cancelled/",
    "/accounts/social/login/error/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/2fa/recovery-codes/generate/",
]


def texts(page, language):
    html = BeautifulSoup(page.content, "html.parser")
    found = [text.strip() for text in html.find_all(string=True) if text.parent.name not in ("script",)]
    found += [e[a] for a in ("aria-label", "title", "placeholder", "alt", "content") for e in html.select(f"[{a}]")]
    return {t for t in found if len(t.split()) > 1}


@pytest.fixture
def account(alice):
    return funded(alice, "Everyday")


@pytest.mark.parametrize("path", SIGNED_OUT + SIGNED_IN + BANK + OTHERS)
@pytest.mark.parametrize("language", ["de", "zh-Hans"])
def test_sweep(browser, account, mobile_app, path, language):
    path = path.format(account=account.pk)
    for b in (browser, Browser()):
        en, de = (b.get(path, headers={"Accept-Language": l}) for l in ("en", language))
        if "Location" in de:
            print(path, de.status_code, de.get("Location"))
            continue
        print(path, de.status_code, texts(en, "en") & texts(de, language))
    assert 0
