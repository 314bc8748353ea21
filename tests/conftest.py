"""Fixtures that speak the domain, for all tests."""

import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import time_machine
from django.db import connection
from django.template import Template
from django.test import Client as Browser
from django.test import TransactionTestCase
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.models import User
from accounts.passwords.argon2 import Argon2PasswordHasher
from config import table_cache as cache_table
from oauth.infrastructure import caches, turns
from oauth.keys import ring
from oauth.models import Client, SigningKey
from oauth.models.client import GrantType
from oauth.operations import own_tests
from tests.lib import access_tokens, ciba, rsa_keys, servers, shared_rows, staff
from tests.lib.bare_admin import leave_out_the_frame
from tests.lib.database import within_this_transaction
from tests.lib.http_listener import HttpListener
from tests.lib.kept_in_memory import keep_longer
from tests.lib.login import logged_in
from tests.lib.oauth_client import TokenEndpoint, allow
from tests.lib.patience import Patience
from tests.lib.pristine_database import Pristine, sweep
from tests.lib.registered import make_client, make_user
from tests.lib.seeded_database import seeded_database
from tests.lib.shared_middleware import share_middleware
from tests.lib.template_database import use_template

# The same algorithm at its least cost: hundreds of tests log in.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1
# OpenSSL checks that the primes of an RSA key are primes whenever it is parsed, which takes longer than most tests.
ring.load_pem_private_key = functools.cache(ring.load_pem_private_key)  # type: ignore[assignment]
# How long an example takes depends on the machine.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")
# Sweeping at random would make the number of statements differ from run to run.
cache_table._SWEEP_EVERY = 10**9
keep_longer()
rsa_keys.keep()
share_middleware()
_SCAN = WhiteNoiseMiddleware.add_files_from_finders
_scanned: dict[tuple[object, ...], dict[str, Any]] = {}


def _share_static_files(middleware: WhiteNoiseMiddleware) -> None:
    """Each test client makes the middleware again; what it finds on the disk is the same."""
    settings = (middleware.static_prefix, middleware.max_age, middleware.charset, middleware.allow_all_origins)
    if settings not in _scanned:
        _SCAN(middleware)
        _scanned[settings] = dict(middleware.files)
    middleware.files.update(_scanned[settings])


WhiteNoiseMiddleware.add_files_from_finders = _share_static_files


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> Patience:
    patience = Patience()
    with django_db_blocker.unblock():
        patience.begin()
        use_template()
    return patience


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_modify_db_settings: Patience, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    with django_db_blocker.unblock():
        django_db_modify_db_settings.end()
        own_tests.switch_guard("ENABLE")  # our tests prove that the audit log refuses changes
        pristine = Pristine.remember()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_tests, "_is_for_tests", lambda: False)  # also after a test that runs `migrate`
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: pristine.restore())
        yield
    with django_db_blocker.unblock():
        django_db_modify_db_settings.begin()


@pytest.fixture(scope="session")
def seeded(django_db_modify_db_settings: Patience) -> str:
    """The database of the demo, as a template. pytest-django makes no database for tests that do not ask for one."""
    return seeded_database()


@pytest.fixture(scope="session")
def live(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """The demo, as a user would run it: `live.url` is the issuer, `live.data_dir` holds clients.json."""
    with servers.demo(tmp_path_factory.mktemp("live"), seeded, name="live") as server:
        yield server


@pytest.fixture(autouse=True, scope="module")
def _leave_no_swelled_table(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    yield
    if connection.connection is not None and not connection.in_atomic_block:
        with django_db_blocker.unblock():
            sweep()


@pytest.fixture(scope="module")
def module_rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[DjangoDbBlocker]:
    """For fixtures of a module that write rows for all its tests, in a block in which the database is unblocked."""
    with shared_rows.around_the_module(django_db_blocker):
        yield django_db_blocker


#: On a busy machine, no receiver of these tests is slow.
turns.PATIENCE_SECONDS = servers.PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def _forget_what_is_kept_in_memory() -> Iterator[None]:
    """Clears caches, because they would outlive the rows of a test, and the language of a request, which outlives the
    response.
    """
    with rsa_keys.during_a_test():
        yield
    caches.clear()
    turns.forget()
    translation.deactivate()


@pytest.fixture
def clock_stands() -> Iterator[None]:
    """Limits count by the minute; however slow the machine is, the test stays within one."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture
def without_traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For thousands of requests: without log lines, and without the copies that Django's test client keeps of whatever
    a template was given. Both take half of the time."""
    monkeypatch.setattr(Template, "_render", lambda template, context: template.nodelist.render(context))
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def logins_kept() -> Iterator[None]:
    with staff.logins_kept():
        yield


@pytest.fixture
def bare_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out_the_frame(monkeypatch)


@pytest.fixture
def as_the_site(db: None) -> str:
    """The database is asked with the rights of the site's role only; for tests in one transaction."""
    return within_this_transaction()


@pytest.fixture
def signing_keys(db: None) -> None:
    """The keys that `migrate` made. In a test that travels to an earlier day, they get the time of that day."""
    if not SigningKey.objects.active().exists():
        SigningKey.objects.update(published_at=timezone.now(), active_at=timezone.now())
        ring.forget()


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice@example.test", "Alice Archer")


@pytest.fixture
def bob(db: None) -> User:
    return make_user("bob@example.test", "Bob Baker")


@pytest.fixture
def mobile_app(db: None) -> Client:
    client = make_client(
        "mobile", redirect_uris="https://app.example/callback http://127.0.0.1/callback com.example.app:/callback"
    )
    client.save()
    return client


@pytest.fixture
def web_app(db: None) -> Client:
    """Confidential; its secret is `web_app.secret`, known only in the test."""
    client = make_client("web")
    client.secret = client.issue_secret()  # type: ignore[attr-defined]
    client.save()
    return client


@pytest.fixture
def service(db: None) -> Client:
    client = make_client("service", allowed_scopes=["accounts:read"])
    client.secret = client.issue_secret()  # type: ignore[attr-defined]
    client.save()
    return client


@pytest.fixture
def token_endpoint(signing_keys: None) -> TokenEndpoint:
    return TokenEndpoint()


@pytest.fixture
def browser(alice: User, signing_keys: None) -> Browser:
    """Alice's browser, logged in."""
    return logged_in(alice)


@pytest.fixture
def admin_browser(db: None) -> Browser:
    """The browser of an admin who may do everything, logged in."""
    browser = Browser()
    browser.force_login(User.objects.create_superuser("admin@example.test", "correct-horse-battery"))
    return browser


@pytest.fixture
def issued(browser: Browser, token_endpoint: TokenEndpoint) -> Callable[..., dict[str, Any]]:
    """Alice allows a client, which redeems the code: the token response."""

    def issue(client: Client, **parameters: str) -> dict[str, Any]:
        answer = token_endpoint.redeem(client, allow(browser, client, **parameters))
        assert answer.status_code == 200, answer.content
        return answer.json()

    return issue


@pytest.fixture
def access_token(signing_keys: None) -> Callable[..., str]:
    """A valid access token, signed with the site's own key, of an authorization that is written without a flow."""
    return access_tokens.signed


@pytest.fixture
def listener(settings: Any) -> Iterator[HttpListener]:
    """A server of somebody else that ours may reach although it is on this machine."""
    with HttpListener() as server:
        settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [server.host]}
        yield server


@pytest.fixture
def api() -> Callable[[str], APIClient]:
    """A client of the bank API that sends this access token."""
    return access_tokens.api_with


@pytest.fixture
def call_centre(signing_keys: None) -> Client:
    client = make_client("web", name="Call Centre")
    client.grant_types = [ciba.GRANT, "refresh_token"]
    client.redirect_uris = ""
    client.secret = client.issue_secret()  # type: ignore[attr-defined]
    client.full_clean()
    client.save()
    return client


@pytest.fixture
def television(signing_keys: None) -> Client:
    client = make_client("device", name="Living-room TV", redirect_uris="")
    client.save()
    return client


@pytest.fixture
def gateway(db: None, mobile_app: Client) -> Client:
    """A service that is called with tokens of the mobile app."""
    client = make_client(
        "service", allowed_scopes=["accounts:read", "balances:read"], grant_types=[GrantType.TOKEN_EXCHANGE.value],
    )  # fmt: skip
    client.secret = client.issue_secret()  # type: ignore[attr-defined]
    client.full_clean()
    client.save()
    client.exchange_from.add(mobile_app)
    return client


@pytest.fixture
def fast_path(settings: Any) -> None:
    """Switched on, whichever way the test run is set."""
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": True}
