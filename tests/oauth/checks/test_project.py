"""Each wrong setting of the project around `oauth` is an Error with its fix."""

import io
from importlib import import_module

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.urls import include, path

from config.management.commands import serve
from oauth import keys
from oauth.checks import database, project
from oauth.checks.project import check_project
from oauth.endpoints import dot_addresses
from oauth.operations import workers

OF_DJANGO = "django.contrib."


def ids():
    messages = check_project()
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def without(monkeypatch, app):
    installed = project.apps.is_installed
    monkeypatch.setattr(project.apps, "is_installed", lambda name: name != app and installed(name))


def test_the_site_itself_is_right():
    assert ids() == []


@pytest.mark.parametrize("app", ["sessions", "messages", "staticfiles", "postgres"])
def test_a_missing_app_of_django_is_reported(monkeypatch, app):
    """Without django.contrib.postgres, `migrate` would fail with an SQL syntax error."""
    without(monkeypatch, OF_DJANGO + app)
    (message,) = check_project()
    assert (message.id, OF_DJANGO + app in message.hint) == ("oauth.E023", True)


def test_the_background_worker_is_not_installed(monkeypatch):
    without(monkeypatch, "procrastinate.contrib.django")
    assert ids() == ["oauth.E007"]


@pytest.mark.parametrize("name", ["APPLICATION_ADMIN_CLASS", "SCOPES_BACKEND_CLASS"])
@pytest.mark.parametrize("value", [None, "oauth2_provider.nothing", "oauth2_provider.scopes.SettingsScopes"])
def test_django_oauth_toolkit_uses_its_own_class(settings, name, value):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, name: value}
    (message,) = check_project()
    assert (message.id, name in message.msg) == ("oauth.E024", True)


def test_django_oauth_toolkit_uses_its_own_client(settings):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "APPLICATION_MODEL": "oauth2_provider.Application"}
    assert ids() == ["oauth.E024"]


def test_the_database_is_not_postgresql(monkeypatch):
    monkeypatch.setattr(project.connections["default"], "vendor", "sqlite")
    assert ids() == ["oauth.E025"]


@pytest.mark.parametrize("purpose", ["db_for_read", "db_for_write"])
def test_a_router_sends_rows_to_another_database(monkeypatch, purpose):
    """The ORM would use one database, and hand-written SQL another."""

    class Router:
        pass

    setattr(Router, purpose, lambda self, model, **hints: "other" if model._meta.app_label == "oauth" else None)
    monkeypatch.setattr(project.router, "routers", [Router()])
    monkeypatch.setitem(project.connections.settings, "other", project.connections["default"].settings_dict)
    assert ids() == ["oauth.E044", "oauth.E044"]


def test_the_urls_of_the_toolkit_are_still_included(settings):
    """Its token endpoint answers 500 to the clients of `oauth`, and its metadata names endpoints that serve nobody."""

    class OldAndNew:
        urlpatterns = (*import_module(settings.ROOT_URLCONF).urlpatterns, path("o/", include("oauth2_provider.urls")))

    settings.ROOT_URLCONF = OldAndNew
    assert ids() == ["oauth.E045"]


def test_the_urls_for_clients_of_the_toolkit_are_welcome(settings):
    class Moved:
        urlpatterns = (*import_module(settings.ROOT_URLCONF).urlpatterns, path("o/", include(dot_addresses)))

    settings.ROOT_URLCONF = Moved
    assert ids() == []


def test_times_are_naive(settings):
    settings.USE_TZ = False
    assert ids() == ["oauth.E026"]


@pytest.mark.parametrize(
    "name", ["SessionMiddleware", "CsrfViewMiddleware", "AuthenticationMiddleware", "MessageMiddleware"]
)
def test_a_middleware_is_missing(settings, name):
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if not one.endswith(f".{name}")]
    (message,) = check_project()
    assert (message.id, name in message.hint) == ("oauth.E027", True)


class OwnSessions(project.SessionMiddleware):
    pass


def test_a_subclass_of_a_middleware_serves(settings):
    settings.MIDDLEWARE = [
        f"{__name__}.OwnSessions" if one.endswith(".SessionMiddleware") else one for one in settings.MIDDLEWARE
    ]
    project_sees = project.import_string
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project, "import_string", lambda p: OwnSessions if p.endswith("OwnSessions") else project_sees(p))
        assert ids() == []


@pytest.mark.parametrize("name", ["request", "auth", "messages"])
def test_a_context_processor_is_missing(settings, name):
    (backend,) = settings.TEMPLATES
    processors = [one for one in backend["OPTIONS"]["context_processors"] if not one.endswith(f".{name}")]
    settings.TEMPLATES = [{**backend, "OPTIONS": {**backend["OPTIONS"], "context_processors": processors}}]
    assert ids() == ["oauth.E028"]


def test_templates_of_apps_are_not_found(settings):
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [], "APP_DIRS": False}]
    assert ids() == ["oauth.E028"]


class NoURLs:
    urlpatterns = [path("accounts/login/", lambda request: None)]


@pytest.fixture
def only_login(settings):
    settings.OAUTH = {**settings.OAUTH, "STEP_UP_URL": "", "REAUTHENTICATION_URL": None}


def test_the_urls_are_not_included(settings, only_login):
    settings.ROOT_URLCONF = NoURLs
    assert ids() == ["oauth.E029"]


def test_the_urls_are_below_a_path(settings, only_login):
    class Below:
        urlpatterns = [path("sso/", include("oauth.urls")), *NoURLs.urlpatterns]

    settings.ROOT_URLCONF = Below
    (message,) = check_project()
    assert (message.id, "/sso/oauth/token" in message.msg) == ("oauth.E029", True)


@pytest.mark.parametrize("page", ["/sign-in/", "sign-in"])
def test_the_login_page_does_not_exist(settings, page):
    settings.LOGIN_URL = page
    assert ids() == ["oauth.E030"]


def test_a_login_page_of_another_site_is_not_looked_for(settings):
    settings.LOGIN_URL = "https://accounts.example/login"
    assert ids() == []


@pytest.mark.parametrize("name", ["STEP_UP_URL", "REAUTHENTICATION_URL"])
def test_the_page_for_another_login_does_not_exist(settings, name):
    settings.OAUTH = {**settings.OAUTH, name: "/stronger/"}
    (message,) = check_project()
    assert (message.id, name in message.msg) == ("oauth.E030", True)


# --- the background worker


@pytest.mark.django_db
class TestWorker:
    def test_it_does_not_run(self):
        assert [message.id for message in database.check_worker(databases=["default"])] == ["oauth.W003"]

    def test_it_runs(self, worker):
        assert database.check_worker(databases=["default"]) == []
        assert workers.last_seen_at()

    def test_it_ran_a_while_ago(self, worker):
        worker("now() - interval '1 minute'")
        assert database.check_worker(databases=["default"])

    def test_a_check_without_database_asks_no_database(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert database.check_worker() == database.check_worker(databases=["other"]) == []

    def test_before_the_first_migrate_nobody_is_told(self, worker):
        worker.execute("ALTER TABLE procrastinate_workers RENAME TO hidden")
        assert database.check_worker(databases=["default"]) == []


# --- the keys that encrypt secrets


@pytest.mark.django_db
class TestEncryptionKeys:
    def ids(self):
        return [message.id for message in database.check_encryption_keys(databases=["default"])]

    def test_they_decrypt_what_the_database_has(self, signing_keys, settings):
        assert self.ids() == []
        settings.OAUTH = {
            **settings.OAUTH,
            "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode(), *settings.OAUTH["KEY_ENCRYPTION_KEYS"]],
        }
        assert self.ids() == []

    def test_other_ones_are_reported_with_the_way_out(self, signing_keys, settings):
        settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
        (message,) = database.check_encryption_keys(databases=["default"])
        assert message.id == "oauth.E041"
        assert "Add the earlier key" in message.hint
        # The message explains what to do if the key is lost.
        call_command("rotate_keys", "--emergency", stdout=io.StringIO())
        assert self.ids() == []
        assert keys.is_ready()

    def test_serve_does_not_start_with_other_ones(self, signing_keys, settings):
        settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
        with pytest.raises(SystemCheckError, match=r"oauth\.E041"):
            serve.Command()._check_encryption_keys()

    def test_a_check_without_database_asks_no_database(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert database.check_encryption_keys() == database.check_encryption_keys(databases=["other"]) == []


@pytest.fixture
def worker(db):
    class Worker:
        def __call__(self, heartbeat):
            self.execute(f"UPDATE procrastinate_workers SET last_heartbeat = {heartbeat}")

        def execute(self, statement):
            with connection.cursor() as cursor:
                cursor.execute(statement)

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    return Worker()
