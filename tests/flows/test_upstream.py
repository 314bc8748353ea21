"""Login through an identity provider over HTTP. The provider is a second instance of this server."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.test import Client as Browser

from accounts.models import User
from oauth.conf import conf
from tests.lib import person
from tests.lib.login import is_logged_in
from tests.lib.servers import Server

pytestmark = pytest.mark.served

CALLBACK = "/accounts/oidc/second/login/callback/"


@pytest.fixture
def provider(live: Server, db: None, settings) -> SocialApp:
    """Registers this site at the provider (RFC 7591), and the provider at this site, as an admin would."""
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [urlsplit(live.url).netloc]}
    registered = requests.post(
        f"{live.url}/oauth/register",
        json={
            "client_name": "First instance", "redirect_uris": [conf.ISSUER + CALLBACK],
            "scope": "openid profile email", "token_endpoint_auth_method": "client_secret_basic",
        },
        headers={"Authorization": f"Bearer {live.registration_token()}"},
        timeout=60,
    )  # fmt: skip
    assert registered.status_code == 201, registered.text
    client = registered.json()
    return SocialApp.objects.create(
        provider="openid_connect", provider_id="second", name="The other bank", client_id=client["client_id"],
        secret=client["client_secret"], settings={"server_url": live.url, "token_auth_method": "client_secret_basic"},
    )  # fmt: skip


def log_in_there(browser: Browser, email: str = person.EMAIL) -> None:
    out = browser.post("/accounts/oidc/second/login/?process=login")
    back = person.answer(out["Location"], returns_to=conf.ISSUER + CALLBACK, email=email)
    answer = browser.get(CALLBACK, {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()})
    assert answer.status_code == 302, answer.content


def test_a_user_logs_in_through_a_second_instance(live: Server, provider: SocialApp) -> None:
    provider.settings |= {"verified_email": ["demo.test"]}
    provider.save()
    browser = Browser()
    log_in_there(browser)
    assert is_logged_in(browser)
    account = SocialAccount.objects.get()
    assert account.user.email == person.EMAIL
    assert account.user.name
    assert account.extra_data["id_token"]["iss"] == live.url
    again = Browser()
    log_in_there(again)
    assert is_logged_in(again)
    assert User.objects.count() == 1


def test_an_address_from_the_provider_gives_no_access_to_an_existing_user(provider: SocialApp, mailoutbox) -> None:
    user = User.objects.create_user(person.EMAIL, "correct-horse-battery")
    user.emailaddress_set.create(email=person.EMAIL, verified=True, primary=True)  # type: ignore[attr-defined]
    browser = Browser()
    log_in_there(browser)
    assert not is_logged_in(browser)
    assert not SocialAccount.objects.exists()
    assert mailoutbox[-1].to == [person.EMAIL]
