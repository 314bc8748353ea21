"""The key officer chooses the store of a new signing key, if there is a choice."""

import pytest

from oauth.keys import rotation, stores
from oauth.models import SigningKey
from tests.lib import kms

KEY_OFFICER = "Key officer"

pytestmark = pytest.mark.django_db


@pytest.fixture
def aws(settings, signing_keys):
    with kms.running(settings):
        yield


def test_the_key_officer_chooses_the_store(aws, of_role):
    browser, url = of_role(KEY_OFFICER), "/admin/oauth/signingkey/rotate/ES256/"
    page = browser.get(url).content.decode()
    assert "Where new private keys are stored" in page
    assert browser.post(url, {"store": "elsewhere"}).status_code == 200
    browser.post(url, {"store": "aws"})
    assert rotation.store_of("ES256") == "aws"
    assert "aws" in browser.get("/admin/oauth/signingkey/").content.decode()
    # AWS KMS, as we use it, makes no Ed25519 keys: there is nothing to choose.
    assert "Where new private keys" not in browser.get("/admin/oauth/signingkey/rotate/EdDSA/").content.decode()


def test_a_store_that_fails_changes_nothing_and_the_officer_reads_why(aws, of_role, monkeypatch):
    def away(self, algorithm):
        raise stores.KeyStoreError("AWS is away")

    before = list(SigningKey.objects.values())
    monkeypatch.setattr(type(stores.named("aws")), "generate", away)
    url = "/admin/oauth/signingkey/replace/ES256/"
    page = of_role(KEY_OFFICER).post(url, {"store": "aws", "confirmation": "ES256"}, follow=True).content.decode()
    assert "Nothing has changed. AWS is away" in page
    assert list(SigningKey.objects.values()) == before
