"""Each wrong value of OAUTH is an Error or a Warning with its fix."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.checks import ERROR
from django.core.exceptions import ImproperlyConfigured

from oauth import setting_types
from oauth.checks.deployment import check_deployment
from oauth.checks.functions import check_functions
from oauth.checks.values import check_values
from oauth.conf import OF_THIS_PROCESS, Conf, conf

WRONG_VALUES = {
    "an issuer with a slash": ("ISSUER", "https://login.example/", "oauth.E001"),
    "an issuer with a path and a slash": ("ISSUER", "https://login.example/id/", "oauth.E001"),
    "an issuer with an empty segment": ("ISSUER", "https://login.example/id//oauth", "oauth.E001"),
    "an issuer with dots": ("ISSUER", "https://login.example/id/../oauth", "oauth.E001"),
    "an issuer with an escape": ("ISSUER", "https://login.example/i%64", "oauth.E001"),
    "an issuer with a path and a query": ("ISSUER", "https://login.example/id?x=1", "oauth.E001"),
    "an issuer with a query": ("ISSUER", "https://login.example?x=1", "oauth.E001"),
    "an issuer with a fragment": ("ISSUER", "https://login.example#x", "oauth.E001"),
    "an issuer with a user": ("ISSUER", "https://me@login.example", "oauth.E001"),
    "an issuer without a scheme": ("ISSUER", "login.example", "oauth.E001"),
    "an issuer that is no URL": ("ISSUER", "https://[login.example", "oauth.E001"),
    "an issuer without TLS": ("ISSUER", "http://login.example", "oauth.W001"),
    "an issuer of another host": ("ISSUER", "https://other.example", "oauth.W002"),
    "no encryption key": ("KEY_ENCRYPTION_KEYS", [], "oauth.E002"),
    "two encryption keys in one entry": (
        "KEY_ENCRYPTION_KEYS",
        [f"{Fernet.generate_key().decode()} {Fernet.generate_key().decode()}"],
        "oauth.E002",
    ),
    "an encryption key that is none": ("KEY_ENCRYPTION_KEYS", ["secret"], "oauth.E002"),
    "access tokens for an hour": ("ACCESS_TOKEN_LIFETIME", timedelta(hours=1), "oauth.E003"),
    "codes for an hour": ("AUTHORIZATION_CODE_LIFETIME", timedelta(hours=1), "oauth.E004"),
    "HS256": ("SIGNING_ALGORITHM", "HS256", "oauth.E005"),
    "no signature": ("ID_TOKEN_SIGNING_ALGORITHM", "none", "oauth.E005"),
    "no API": ("RESOURCES", {}, "oauth.E006"),
    "an API without a scheme": ("RESOURCES", {"api.example": {}}, "oauth.E033"),
    "an unknown API": ("RESOURCE_SERVER_CLIENTS", {"https://another.example": ["gateway"]}, "oauth.E046"),
    "an audience with a fragment": ("AUDIENCES", ["https://api.example/#v1"], "oauth.E033"),
    "a lifetime below zero": ("DEVICE_CODE_LIFETIME", timedelta(minutes=-1), "oauth.E031"),
    "a lifetime of nothing": ("ID_TOKEN_LIFETIME", timedelta(), "oauth.E031"),
    "no clock skew at all": ("CLOCK_SKEW", timedelta(seconds=-1), "oauth.E031"),
    "a pattern that is none": ("MACHINE_ENDPOINTS", "(", "oauth.E032"),
    "limits of zero": ("THROTTLE_SCALE", 0, "oauth.E034"),
    "a negative cache": ("VERIFIED_TOKENS_KEPT", -1, "oauth.E034"),
    "no way to log in": ("ACR_VALUES", [], "oauth.E034"),
    "a scope with a space": ("SCOPES", {"read orders": "See"}, "oauth.E035"),
    "a role of no app": ("ADMIN_ROLES", {"Clerk": ["shop.view_order"]}, "oauth.E037"),
    "a role without a permission": ("ADMIN_ROLES", {"Clerk": ["oauth"]}, "oauth.E037"),
    "an mTLS origin with a path": ("MTLS_ORIGIN", "https://mtls.example/oauth", "oauth.E038"),
}
WRONG_PATHS = {
    "USER_CLAIMS": "shop.claims_of",
    "AUTHENTICATION_CONTEXT": "oauth.nothing",
    "USER_LANGUAGE": "words",
    "USER_TIME_ZONE": "zones",
    "FIND_USER": "oauth.conf.STATUS_LIST_SIZE",
    "VERIFICATION_KEYS": "oauth.keys.nothing",
    "STATUS_LISTS": "oauth.status.nothing",
    "REPLAY_CHECK": "oauth.proof.nothing",
    "REVOCATION_CHECK": "oauth.status.nothing",
    "AUTHORIZATION_OF": "oauth.authorize.nothing",
    "END_AUTHORIZATION": "oauth.authorize.nothing",
    "CLIENT_CERTIFICATE": "shop.tls",
    "ADMIN_PANELS": ["shop.panels"],
    "LEFT_BY_APPS": ["shop.Left"],
    "MACHINE_MIDDLEWARE": ["shop.Middleware"],
}


def given(settings, **values):
    settings.OAUTH = {**settings.OAUTH, **values}


def test_the_site_itself_is_right():
    assert check_values() == check_functions() == []


@pytest.mark.parametrize(("name", "value", "expected"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_wrong_value_is_reported_with_its_fix(settings, name, value, expected):
    settings.ALLOWED_HOSTS = ["login.example", "localhost"]
    given(settings, **{name: value})
    messages = check_values()
    assert expected in [message.id for message in messages]
    assert all(message.hint for message in messages)


@pytest.mark.parametrize("issuer", ["https://login.example/id", "https://login.example:8443/realms/retail-1"])
def test_an_issuer_may_have_a_path(settings, issuer):
    settings.ALLOWED_HOSTS = ["login.example"]
    given(settings, ISSUER=issuer)
    assert check_values() == []


def test_the_wrong_value_is_named_and_the_secret_is_not(settings):
    given(settings, KEY_ENCRYPTION_KEYS=["hunter2"])
    assert "hunter2" not in str(check_values())


@pytest.mark.parametrize(("name", "value"), WRONG_PATHS.items(), ids=WRONG_PATHS)
def test_a_path_that_leads_nowhere_is_an_error(settings, name, value):
    given(settings, **{name: value})
    messages = check_functions()
    assert [message.id for message in messages] == ["oauth.E036"]
    assert name in str(messages[0])


@pytest.mark.parametrize("name", OF_THIS_PROCESS)
def test_none_means_the_default_of_an_authorization_server(settings, name):
    """Otherwise, the server would fetch its own keys and lists over HTTP and wait for itself."""
    given(settings, **{name: None})
    assert getattr(conf, name) == OF_THIS_PROCESS[name]
    given(settings, **{name: ""})
    assert [message.id for message in check_functions()] == ["oauth.E036"]


def test_a_cache_of_one_process_is_a_warning_in_production(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert "oauth.W004" in [message.id for message in check_deployment()]


def test_http_is_an_error_in_production(settings):
    given(settings, ISSUER="http://login.example")
    assert "oauth.E010" in [message.id for message in check_deployment() if message.level == ERROR]


# --- types

WRONG_TYPES = {
    "AUDIENCES": "https://api.example/v1",
    "KEY_ENCRYPTION_KEYS": [b"bytes"],
    "SCOPES": ["orders:read"],
    "RESOURCES": ["https://api.example/v1"],
    "GRANT_TYPES": ["urn:x"],
    "ADMIN_ROLES": {"Clerk": "shop.view_order"},
    "USER_LANGUAGE": 1,
    "OUTBOUND_ALLOWED_HOSTS": "host",
    "ISSUER": None,
}


@pytest.mark.parametrize("name", Conf.__dataclass_fields__)
def test_every_setting_refuses_a_value_of_another_type(settings, name):
    """For example, Python would read a string in place of a list as a list of characters."""
    wrong = setting_types.find_wrong({**settings.OAUTH, name: WRONG_TYPES.get(name, object())}, Conf)
    assert [(one.id, name in one.problem) for one in wrong] == [("oauth.E020", True)]


@pytest.mark.parametrize("value", [300, "5", None])
def test_a_duration_must_be_a_timedelta(settings, value):
    wrong = setting_types.find_wrong({**settings.OAUTH, "ACCESS_TOKEN_LIFETIME": value}, Conf)
    assert "timedelta(minutes=5)" in wrong[0].fix


@pytest.mark.parametrize("value", ["off", "", 0, None])
def test_a_switch_must_be_true_or_false(settings, value):
    """`"off"` is true."""
    assert setting_types.find_wrong({**settings.OAUTH, "ALLOW_IMPLICIT": value}, Conf)


def test_true_is_no_number(settings):
    assert setting_types.find_wrong({**settings.OAUTH, "THROTTLE_SCALE": True}, Conf)


def test_an_unknown_setting_is_refused_and_the_right_one_suggested(settings):
    (wrong,) = setting_types.find_wrong({**settings.OAUTH, "ALOW_IMPLICIT": False}, Conf)
    assert (wrong.id, wrong.fix) == ("oauth.E021", "Did you mean ALLOW_IMPLICIT?")


def test_a_missing_issuer_is_refused(settings):
    without = {name: value for name, value in settings.OAUTH.items() if name != "ISSUER"}
    assert [one.id for one in setting_types.find_wrong(without, Conf)] == ["oauth.E022"]


@pytest.mark.parametrize("oauth", [None, [], "https://login.example"])
def test_oauth_must_be_a_dict(oauth):
    assert [one.id for one in setting_types.find_wrong(oauth, Conf)] == ["oauth.E020"]


def test_no_code_runs_with_a_wrong_type(settings):
    """This is true even if the checks have not run."""
    given(settings, AUDIENCES="https://api.example/v1")
    with pytest.raises(ImproperlyConfigured, match="AUDIENCES"):
        _ = conf.ISSUER


def test_lists_of_the_settings_are_tuples(settings):
    given(settings, AUDIENCES=["https://api.example/v1"])
    assert conf.AUDIENCES == ("https://api.example/v1",)
