"""The changelog of the API, and the headers of what is deprecated (RFC 9745, RFC 8594)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from banking.api import changes
from banking.api.accounts import AccountList
from banking.api.openapi.document import document
from banking.api.operation import Deprecation, Operation

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
DEPRECATED = Deprecation(
    datetime(2026, 12, 1, tzinfo=UTC), sunset=datetime(2027, 6, 30, 22, tzinfo=UTC), successor="/api/v2/accounts"
)


@pytest.fixture
def deprecated(monkeypatch):
    document.cache_clear()
    monkeypatch.setitem(vars(AccountList.get), "operation", Operation("List accounts", deprecation=DEPRECATED))
    yield
    document.cache_clear()


def test_the_site_serves_the_changelog_of_the_api(client):
    """Write it with: python manage.py shell -c "from banking.api.changes import markdown; print(markdown(), end='')"."""
    served = client.get("/api/changes")
    assert (served.status_code, served["Content-Type"]) == (200, "text/markdown; charset=utf-8")
    assert served.text == (ROOT / "docs/api-changelog.md").read_text() == changes.markdown()


def test_the_openapi_document_names_its_version_and_links_the_changelog(client):
    served = client.get("/api/schema").json()
    assert served["info"]["version"] == changes.CHANGES[0].number
    assert client.get(served["externalDocs"]["url"]).status_code == 200


def test_versions_fall_and_every_change_is_a_sentence():
    numbers = [tuple(map(int, version.number.split("."))) for version in changes.CHANGES]
    assert numbers == sorted(set(numbers), reverse=True)
    for version in changes.CHANGES:
        assert all(
            one.endswith(".") for one in (*version.added, *version.changed, *version.deprecated, *version.breaking)
        )


def test_an_operation_says_that_it_is_deprecated_and_when_it_ends(alice_api, current, deprecated):
    answer = alice_api.get("/api/v1/accounts")
    assert answer["Deprecation"] == "@1796083200"
    assert answer["Sunset"] == "Wed, 30 Jun 2027 22:00:00 GMT"
    assert 'rel="deprecation"' in answer["Link"]
    assert '</api/v2/accounts>; rel="successor-version"' in answer["Link"]
    known = alice_api.get("/api/v1/accounts", headers={"If-None-Match": answer["ETag"]})
    assert (known.status_code, known["Deprecation"], known["Sunset"]) == (304, answer["Deprecation"], answer["Sunset"])
    assert alice_api.get("/api/v1/accounts?x=1")["Deprecation"] == answer["Deprecation"]  # a refusal says it, too
    assert document()["paths"]["/accounts"]["get"]["deprecated"] is True


def test_current_operations_have_no_deprecation_headers(alice_api, current):
    answer = alice_api.get(f"/api/v1/accounts/{current.pk}")
    assert not {"Deprecation", "Sunset", "Link"} & set(answer.headers)
