"""For each unsafe setting, the report has a line that says "not met" and names the setting."""

from datetime import timedelta

import pytest
from django.core.checks import Error, Tags, register, registry

from oauth.conformance_report import Line, Standard, Verdict, enforced, report_on_site
from oauth.models import SigningKey
from tests.mutants import mutant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]

#: Settings of production that differ in the tests.
SAFE = {
    "SECURE_HSTS_SECONDS": 730 * 86_400,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
}


@pytest.fixture
def site(settings):
    """The settings of a site that meets everything."""
    for name, value in SAFE.items():
        setattr(settings, name, value)
    settings.OAUTH = {**settings.OAUTH, "ISSUER": "https://login.example"}
    return settings


def lines(standard: Standard, section: str) -> list[Line]:
    return [line for line in report_on_site().lines if (line.standard, line.section) == (standard, section)]


def unmet(standard: Standard, section: str) -> list[Line]:
    return [line for line in lines(standard, section) if line.verdict == Verdict.UNMET]


OF_OAUTH = [
    ("ISSUER", "http://login.example", Standard.OAUTH21, "§1.5"),
    ("ISSUER", "http://localhost:8000", Standard.OAUTH21, "§1.5"),
    ("ISSUER", "http://login.example", Standard.FAPI, "§5.2.1"),
    ("ALLOW_IMPLICIT", True, Standard.OAUTH21, "§10.1"),
    ("ALLOW_IMPLICIT", True, Standard.RFC_9700, "§2.1.2"),
    ("ACCESS_TOKEN_LIFETIME", timedelta(hours=1), Standard.RFC_9700, "§2.2"),
    ("RESOURCES", {}, Standard.RFC_9700, "§2.3"),
    ("REFRESH_TOKEN_IDLE_LIFETIME", timedelta(days=400), Standard.RFC_9700, "§4.14.2"),
    ("SIGNING_ALGORITHM", "HS256", Standard.ASVS_9, "9.1.2"),
    ("CLOCK_SKEW", timedelta(minutes=5), Standard.ASVS_9, "9.2.1"),
    ("CLOCK_SKEW", timedelta(minutes=5), Standard.FAPI, "§5.3.2.1"),
    ("AUTHORIZATION_CODE_LIFETIME", timedelta(hours=1), Standard.ASVS_10, "10.4.3 (L1)"),
    ("AUTHORIZATION_CODE_LIFETIME", timedelta(minutes=5), Standard.ASVS_10, "10.4.3 (L3)"),
    ("AUTHORIZATION_CODE_LIFETIME", timedelta(minutes=5), Standard.FAPI, "§5.3.2.1"),
    ("AUTHORIZATION_LIFETIME", timedelta(days=3650), Standard.ASVS_10, "10.4.8"),
    ("STATUS_LIST_REFRESH", timedelta(hours=1), Standard.ASVS_10, "10.4.9"),
    ("PUSHED_REQUEST_LIFETIME", timedelta(hours=1), Standard.FAPI, "§5.3.2.2"),
    ("SIGNING_ALGORITHM", "RS256", Standard.FAPI, "§5.4.1"),
]


@pytest.mark.parametrize(("name", "value", "standard", "section"), OF_OAUTH)
def test_an_unsafe_setting_of_oauth_is_not_met_and_named(site, name, value, standard, section):
    assert lines(standard, section)
    assert not unmet(standard, section)
    site.OAUTH = {**site.OAUTH, name: value}
    assert [line.change for line in unmet(standard, section)] == [f'OAUTH["{name}"]']


OF_DJANGO = [
    ("DEBUG", True, Standard.ASVS_10, "10.1.1"),
    ("SECURE_HSTS_SECONDS", 0, Standard.FAPI, "§5.2.3"),
    ("SECURE_HSTS_SECONDS", 3600, Standard.RFC_9700, "§2.6"),
    ("SECURE_HSTS_PRELOAD", False, Standard.FAPI, "§5.2.3"),
    ("SECURE_HSTS_INCLUDE_SUBDOMAINS", False, Standard.FAPI, "§5.2.3"),
    ("SESSION_COOKIE_SECURE", False, Standard.RFC_9700, "§4.7"),
    ("CSRF_COOKIE_SECURE", False, Standard.RFC_9700, "§4.7"),
    ("SESSION_COOKIE_HTTPONLY", False, Standard.RFC_9700, "§4.7"),
    ("CORS_URLS_REGEX", r"^.*$", Standard.RFC_9700, "§2.6"),
]


@pytest.mark.parametrize(("name", "value", "standard", "section"), OF_DJANGO)
def test_an_unsafe_setting_of_django_is_not_met_and_named(site, name, value, standard, section):
    assert not unmet(standard, section)
    setattr(site, name, value)
    assert [line.change for line in unmet(standard, section)] == [name]


def test_a_weak_signing_key_is_not_met(site):
    assert not unmet(Standard.FAPI, "§5.4.2")
    SigningKey.objects.filter(algorithm="PS256").update(public_jwk={"kty": "RSA", "e": "AQAB", "n": "x" * 171})
    (line,) = unmet(Standard.FAPI, "§5.4.2")
    assert "1024 bits" in line.reason
    assert "rotate_keys" in line.change


def test_a_site_without_keys_is_not_met(site):
    SigningKey.objects.all().delete()
    assert [line.change for line in unmet(Standard.FAPI, "§5.4.2")] == ["`manage.py migrate`"]


def test_the_password_grant_of_another_app_is_not_met(site):
    site.OAUTH = {**site.OAUTH, "GRANT_TYPES": {"password": "tests.oauth.conformance_report.test_site.Password"}}
    assert [line.change for line in unmet(Standard.OAUTH21, "§10.2")] == ['OAUTH["GRANT_TYPES"]']


class Password:
    label = "Password"


def test_what_the_system_checks_find_is_not_met(site):
    def find(**_):
        return [Error("KEY is weak.", hint="Make another.", id="site.E1")]

    register(find, Tags.security, deploy=True)
    try:
        (line,) = [line for line in report_on_site([Standard.CHECKS]).lines if line.section == "site.E1"]
    finally:
        registry.registry.deployment_checks.discard(find)
    assert (line.verdict, line.reason, line.change, line.is_required) == (
        Verdict.UNMET, "KEY is weak.", "Make another.", True,
    )  # fmt: skip


def test_weak_encryption_keys_are_not_met(site):
    site.OAUTH = {**site.OAUTH, "KEY_ENCRYPTION_KEYS": ["weak"]}
    assert "oauth.E002" in {line.section for line in report_on_site([Standard.CHECKS]).lines}


def test_each_rule_that_the_code_enforces_has_a_line_with_its_code_and_test(site):
    """The ids come from the rows of tests/mutants, the source of docs/security.md."""
    known = {one.rule for one in mutant.read()}
    assert {rule.id for rule in enforced.rules()} <= known
    enforced_lines = [line for line in report_on_site().lines if line.enforced_in]
    assert all(line.verdict == Verdict.MET for line in enforced_lines)
    assert {"ASVS 9.1.1", "RFC 9700 §4.8", "FAPI 2.0 §5.3.2.2, S256"} <= {
        f"{'ASVS' if line.standard.startswith('asvs') else line.standard.label.removesuffix(' Security Profile')} "
        f"{line.section}"
        for line in enforced_lines
    }


def test_each_rule_that_a_function_covers_exists():
    """If a row of tests/mutants is renamed, the function that covers it must be changed, too."""
    from oauth.conformance_report import rules

    ids = {rule.id for rule in enforced.rules()}
    assert {one for rule in (*rules.SITE_RULES, *rules.CLIENT_RULES) for one in rule.covers} <= ids


def test_the_report_on_the_site_asks_the_database_once(site, django_assert_num_queries):
    with django_assert_num_queries(1):
        report_on_site()


def test_sections_stand_in_the_order_of_the_document(site):
    found = [line.section for line in report_on_site([Standard.ASVS_10]).lines]
    assert found.index("10.4.2") < found.index("10.4.3 (L1)") < found.index("10.4.10") < found.index("10.7.1")
