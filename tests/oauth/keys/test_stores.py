"""Private keys outside of the database: AWS KMS (moto stands for AWS) and PKCS#11 (SoftHSM, where it is installed)."""

import subprocess
from datetime import timedelta
from io import StringIO
from pathlib import Path

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.management import CommandError, call_command
from django.utils import timezone

from oauth import keys
from oauth.checks.extensions import check_key_stores
from oauth.errors import TemporarilyUnavailable
from oauth.keys import rotation, stores
from oauth.keys.generation import generate
from oauth.models import SigningKey
from oauth.models.signing_key import EMERGENCY_GRACE
from oauth.operations.cleanup import forget_private_keys
from oauth.tokens.signing import SigningBackend
from tests.lib import kms
from tests.lib.kms import KMS
from tests.lib.signing_keys import after_an_emergency

pytestmark = pytest.mark.django_db

# Debian and Fedora have the library in softhsm or pkcs11, sometimes below a directory for the architecture.
SOFTHSM = next((path for way in ("*", "*/*") for path in Path("/usr").glob(f"lib*/{way}/libsofthsm2.so")), None)


@pytest.fixture
def aws(settings, signing_keys):
    with kms.running(settings):
        yield


@pytest.fixture
def hsm(tmp_path, monkeypatch, settings, signing_keys):
    if SOFTHSM is None:
        pytest.skip("SoftHSM is not installed (package softhsm2)")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    pins = ["--pin", "1234", "--so-pin", "1234"]
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "ours", *pins], check=True, capture_output=True
    )
    options = {"module": str(SOFTHSM), "token_label": "ours", "pin": "1234"}
    described = {"BACKEND": "oauth.keys.stores.pkcs11.PKCS11", "OPTIONS": options}
    settings.OAUTH = {**settings.OAUTH, "KEY_STORES": {"hsm": described}}


def signed(algorithm):
    """Signs a token with the active key and verifies it as a client would. Returns its claims and the row of the
    key.
    """
    keys.ring.forget()
    token = SigningBackend(typ="JWT", algorithm=algorithm).encode({"a": "b"})
    kid = jwt.get_unverified_header(token)["kid"]
    public = jwt.PyJWKSet.from_dict(keys.published_jwks())[kid]
    assert jwt.decode(token, public, algorithms=[algorithm])["a"]
    return SigningKey.objects.get(kid=kid)


def take_over(algorithm, store):
    coming = generate(algorithm, store=store)
    coming.save()
    assert bytes(coming.private_key_encrypted) == b""
    assert signed(algorithm).pk == coming.pk
    return coming


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_aws_kms_signs_what_the_jwk_set_verifies(aws, algorithm):
    take_over(algorithm, "aws")


def test_aws_kms_signs_ps256(aws):
    """AWS uses a salt as long as the digest, as RFC 7518 §3.5 requires; moto uses the longest one."""
    made = stores.named("aws").generate("PS256")
    public = jwt.PyJWK.from_dict({**made.public_jwk, "alg": "PS256"}).key
    signature = stores.named("aws").sign(made.reference, "PS256", b"content")
    public.verify(signature, b"content", PSS(MGF1(SHA256()), PSS.AUTO), SHA256())


def test_kms_gets_the_digest_of_content_that_is_too_long_for_it(aws, monkeypatch):
    """AWS KMS API, Sign: a raw message has at most 4096 bytes."""
    store, sent = stores.named("aws"), []
    reference = store.generate("ES256").reference
    call = store._call
    monkeypatch.setattr(store, "_call", lambda name, **values: sent.append(values) or call(name, **values))
    for content in (b"x" * 4096, b"x" * 4097):
        store.sign(reference, "ES256", content)
    assert [(one["MessageType"], len(one["Message"])) for one in sent] == [("RAW", 4096), ("DIGEST", 32)]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS256"])
def test_a_hardware_module_signs_what_the_jwk_set_verifies(hsm, algorithm):
    take_over(algorithm, "hsm")


def test_a_private_key_cannot_leave_the_module(hsm):
    from pkcs11 import Attribute, ObjectClass

    store = stores.named("hsm")
    reference = store.generate("ES256").reference
    key = store._opened().get_key(object_class=ObjectClass.PRIVATE_KEY, id=bytes.fromhex(reference))
    assert (key[Attribute.SENSITIVE], key[Attribute.EXTRACTABLE]) == (True, False)


def test_a_session_that_has_ended_is_opened_again(hsm):
    store = stores.named("hsm")
    reference = store.generate("ES256").reference
    assert store.sign(reference, "ES256", b"x")
    store._session.close()
    assert store.sign(reference, "ES256", b"x")


def test_a_wrong_pin_signs_nothing_and_is_not_told(hsm, settings, signing_keys):
    take_over("ES256", "hsm")
    options = {**settings.OAUTH["KEY_STORES"]["hsm"]["OPTIONS"], "pin": "98765"}
    described = {**settings.OAUTH["KEY_STORES"]["hsm"], "OPTIONS": options}
    settings.OAUTH = {**settings.OAUTH, "KEY_STORES": {"hsm": described}}
    with pytest.raises(TemporarilyUnavailable) as refused:
        signed("ES256")
    assert "PinIncorrect" in refused.value.detail
    assert "98765" not in refused.value.detail + refused.value.description


def test_the_keys_of_an_algorithm_move_to_a_store_and_stay_there(aws):
    """No token is refused meanwhile: the key in the database signs until every cache has the new one."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        rotation.rotate_where_due()
        clock.shift(timedelta(hours=1))
        before = keys.signing_key("ES256").kid
        coming = rotation.rotate("ES256", store="aws")
        assert keys.signing_key("ES256").kid == before
        clock.shift(timedelta(seconds=151))
        assert signed("ES256").kid == coming.kid
        further = SigningKey.objects.get(algorithm="ES256", active_at__gt=timezone.now(), retiring_at=None)
        assert further.store == "aws"
        assert rotation.replace_now("ES256").store == "aws"
        assert rotation.store_of("PS256") == ""


def test_a_retired_key_is_deleted_from_its_store(aws):
    coming = take_over("ES256", "aws")
    reference, store = coming.reference, stores.named("aws")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        rotation.replace_now("ES256", store="")
        clock.shift(EMERGENCY_GRACE + timedelta(seconds=1))
        forget_private_keys()
    coming.refresh_from_db()
    assert coming.reference == ""
    assert store._call("describe_key", KeyId=reference)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    store.forget(reference)  # once more, as after a crash


def test_a_failed_deletion_of_a_key_is_tried_again(aws, monkeypatch, caplog):
    take_over("ES256", "aws")
    rotation.replace_now("ES256", store="")

    def away(self, reference):
        raise stores.KeyStoreError("AWS is away")

    with monkeypatch.context() as patch, after_an_emergency():
        patch.setattr(type(stores.named("aws")), "forget", away)
        forget_private_keys()
    assert "AWS is away" in caplog.text
    assert SigningKey.objects.exclude(reference="").exists()


def test_a_store_that_cannot_be_reached_is_503_and_consumes_nothing(
    aws, monkeypatch, issued, mobile_app, token_endpoint
):
    body = issued(mobile_app, scope="openid accounts:read")
    take_over("ES256", "aws")

    def away(self, reference, algorithm, content):
        raise stores.KeyStoreError("AWS is away")

    with monkeypatch.context() as patch:
        patch.setattr(type(stores.named("aws")), "sign", away)
        refused = token_endpoint.refresh(mobile_app, body["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        assert refused["Retry-After"] == "5"
        assert "AWS" not in refused.content.decode()
    assert token_endpoint.refresh(mobile_app, body["refresh_token"]).status_code == 200


def test_the_command_moves_keys_there_and_back(aws):
    call_command("rotate_keys", "--algorithm=ES256", "--store=aws", stdout=StringIO())
    assert rotation.store_of("ES256") == "aws"
    call_command("rotate_keys", "--algorithm=ES256", "--store=database", stdout=StringIO())
    assert rotation.store_of("ES256") == ""
    with pytest.raises(CommandError, match="cannot create EdDSA keys"):
        call_command("rotate_keys", "--algorithm=EdDSA", "--store=aws")


def test_the_first_keys_are_made_where_the_setting_says(aws, settings):
    SigningKey.objects.all().delete()
    settings.OAUTH = {**settings.OAUTH, "KEY_STORE": "aws"}
    for algorithm in ("ES256", "EdDSA"):
        keys.ensure_active_key(algorithm)
    assert dict(SigningKey.objects.values_list("algorithm", "store")) == {"ES256": "aws", "EdDSA": ""}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"KEY_STORES": {"database": KMS}}, "the name is taken"),
        ({"KEY_STORES": {"a" * 31: KMS}}, "longer than 30"),
        ({"KEY_STORES": {"x": {"BACKEND": "no.such.Store"}}}, "cannot be used"),
        ({"KEY_STORES": {"x": {"BACKEND": "oauth.keys.stores.pkcs11.PKCS11"}}}, "missing 3 required"),
        ({"KEY_STORES": {"x": {"BACKEND": "datetime.date", "OPTIONS": {"year": 1, "month": 1, "day": 1}}}}, "subclass"),
        ({"KEY_STORE": "nowhere"}, "which is not a name"),
    ],
)
def test_wrong_settings_are_named(settings, wrong, why):
    settings.OAUTH = {**settings.OAUTH, **wrong}
    found = list(check_key_stores())
    assert [one.id for one in found] == ["oauth.E042"]
    assert why in found[0].msg


def test_a_rotation_into_a_store_without_settings_names_the_stores(settings):
    settings.OAUTH = {**settings.OAUTH, "KEY_STORES": {"aws": KMS}}
    with pytest.raises(CommandError, match=r"nowhere must be database, or a name in .* \(now: aws\)"):
        call_command("rotate_keys", store="nowhere")
