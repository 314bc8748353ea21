"""Each unsafe value of a production environment is an Error of `check --deploy`."""

import pytest
from django.core.checks import ERROR

from config.checks import check_clock, check_environment, check_mutual_tls
from config.database.probe import Answer, Probe

SAFE = {
    "SECRET_KEY": "an-example-of-a-key-that-is-long-enough-and-protects-nothing",
    "ALLOWED_HOSTS": ["bank.example"],
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "OUTBOUND_ALLOWED_HOSTS": ["hr.corp.example"],
    "TRUSTED_PROXIES": ["10.0.3.0/24", "10.0.4.7", "fd00::/64"],
    "PROXY_SECRETS": ["a-secret-of-the-proxies-that-no-client-knows"],
    "METRICS_NETWORKS": ["127.0.0.0/8", "::1/128"],
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}},
    "THROTTLE_SCALE": 1.0,
}


@pytest.fixture
def production(settings):
    for name, value in SAFE.items():
        setattr(settings, name, value)
    return settings


@pytest.mark.django_db
@pytest.mark.parametrize(("skew", "expected"), [(0.1, []), (119.5, ["config.W010"]), (-119.5, ["config.W010"])])
def test_a_clock_that_differs_from_the_databases_is_a_warning(monkeypatch, skew, expected):
    monkeypatch.setattr(Probe, "ask", lambda _: Answer(skew, 0.001))
    assert [message.id for message in check_clock(databases=["default"])] == expected
    assert check_clock(databases=None) == []


def test_a_safe_environment_has_no_messages(production):
    assert check_environment() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "short", "config.E001"),
        ("SECRET_KEY", "a" * 60, "config.E001"),
        ("SECRET_KEY", "django-insecure-" + SAFE["SECRET_KEY"], "config.E001"),
        ("DATABASES", {"default": {"ENGINE": "django.db.backends.sqlite3"}}, "config.E002"),
        ("DATABASES", {"default": {"ENGINE": "config.database.postgresql", "HOST": "one,two"}}, "config.E014"),
        ("ALLOWED_HOSTS", ["bank.example", "*"], "config.E003"),
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "config.E004"),
        ("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend", "config.E004"),
        ("EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend", "config.E004"),
        ("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend", "config.E004"),
        ("OUTBOUND_ALLOWED_HOSTS", ["hr.corp.example", "localhost"], "config.E005"),
        ("OUTBOUND_ALLOWED_HOSTS", ["LOCALHOST.:8000"], "config.E005"),
        ("OUTBOUND_ALLOWED_HOSTS", ["app.localhost"], "config.E005"),
        ("OUTBOUND_ALLOWED_HOSTS", ["127.0.0.2"], "config.E005"),
        ("OUTBOUND_ALLOWED_HOSTS", ["127.0.0.1:9000"], "config.E005"),
        ("OUTBOUND_ALLOWED_HOSTS", ["::1"], "config.E005"),
        ("OUTBOUND_ALLOWED_HOSTS", ["[::1]:9000"], "config.E005"),
        ("OUTBOUND_ALLOWED_HOSTS", ["0.0.0.0"], "config.E005"),
        ("TRUSTED_PROXIES", ["*"], "config.E006"),
        ("TRUSTED_PROXIES", ["0.0.0.0/0"], "config.E006"),
        ("TRUSTED_PROXIES", ["::/0"], "config.E006"),
        ("TRUSTED_PROXIES", ["proxy.internal"], "config.E006"),
        ("PROXY_SECRETS", [], "config.E011"),
        ("PASSWORD_HASH_MEMORY_KIB", 19_455, "config.E013"),
        ("PASSWORD_HASH_PASSES", 1, "config.E013"),
        ("PASSWORD_HASH_PASSES", 0, "config.E013"),
        ("METRICS_NETWORKS", ["0.0.0.0/0"], "config.E007"),
        ("METRICS_NETWORKS", ["prometheus"], "config.E007"),
        ("CACHES", {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}, "config.E008"),
        ("CACHES", {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}, "config.E008"),
    ],
)
@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_an_unsafe_value_is_an_error_that_says_what_to_do(production, name, value, expected):
    setattr(production, name, value)
    [message] = check_environment()
    assert message.id == expected
    assert message.level == ERROR
    assert message.hint


def test_proxies_that_drop_underscores_need_no_secret(production):
    production.PROXY_SECRETS, production.PROXIES_DROP_UNDERSCORES = [], True
    assert not check_environment()


@pytest.mark.parametrize(
    "missing", [{"TRUSTED_PROXIES": []}, {"PROXY_SECRETS": []}, {"PROXY_SECRETS": [], "PROXIES_DROP_UNDERSCORES": True}]
)
def test_mutual_tls_needs_a_proxy_that_no_client_can_imitate(production, missing):
    """RFC 9440 §4."""
    production.OAUTH = {**production.OAUTH, "CLIENT_CERTIFICATE": "config.server.proxy.client_certificate"}
    assert not check_mutual_tls()
    for name, value in missing.items():
        setattr(production, name, value)
    [message] = check_mutual_tls()
    assert (message.id, message.level) == ("config.E010", ERROR)
    assert "PROXY_SECRETS" in message.hint


@pytest.mark.parametrize("secret", ["brief", "with a space, which no token of a header has", "é" * 40, "a" * 31])
def test_a_proxy_secret_is_long_and_fits_the_header(production, secret):
    production.PROXY_SECRETS = ["a-secret-of-the-proxies-that-no-client-knows", secret]
    [message] = check_mutual_tls()
    assert message.id == "config.E012"
    assert secret not in message.msg + message.hint


def test_scaled_rate_limits_are_a_warning_only(production):
    production.THROTTLE_SCALE = 100.0
    [message] = check_environment()
    assert message.id == "config.W001"
    assert message.level < ERROR
