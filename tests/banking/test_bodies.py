"""A valid body is read without DRF's collection of errors. An invalid body is refused with the same errors as by
DRF.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

from banking.api.fields import StrictCharField, StrictSerializer, _OneCheck
from banking.api.payees import NewPayeeSerializer
from banking.api.scheduled_transfers import NewScheduledTransferSerializer, ScheduledTransferChangesSerializer
from banking.api.transfer_view import NewTransferSerializer

UUIDS = st.sampled_from(["0198c5a2-0000-7000-8000-000000000001", "0198c5a2", ""])
TEXTS = st.one_of(
    st.sampled_from(
        ["Rent", " Rent ", "", " ", "Miete für März", "a\u200db", "a\x00b", "\ud800", "x" * 140, "x" * 141]
    ),
    st.text("aé \x00\u200d\ud800", max_size=5),
)
IBANS = st.sampled_from(["DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "nonsense", ""])
ANYTHING = st.sampled_from([None, True, 1, 1.5, [], {}, "text"])
DESTINATIONS = st.fixed_dictionaries(
    {},
    optional={
        "scheme": st.sampled_from(["account", "payee", "iban", "else"]),
        "account_id": UUIDS, "payee_id": UUIDS, "identifier": IBANS, "name": TEXTS,
    },
)  # fmt: skip
AMOUNTS = st.fixed_dictionaries(
    {},
    optional={"currency": st.sampled_from(["GBP", "gbp", "GB", ""]), "minor_units": st.sampled_from([1, 0, -1, True])},
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "source_account_id": UUIDS | ANYTHING, "destination": DESTINATIONS | ANYTHING, "amount": AMOUNTS | ANYTHING,
        "reference": TEXTS | ANYTHING, "end_to_end_id": TEXTS | ANYTHING, "name": TEXTS | ANYTHING,
        "identifier": IBANS | ANYTHING, "scheme": st.just("iban") | ANYTHING, "unknown": ANYTHING,
        "execution_date": st.sampled_from(["2026-11-24", "24.11.2026"]) | ANYTHING,
    },
)  # fmt: skip
KINDS = (NewTransferSerializer, NewPayeeSerializer, NewScheduledTransferSerializer, ScheduledTransferChangesSerializer)


def outcome(kind, body):
    try:
        return kind().run_validation(body), None
    except ValidationError as error:
        return None, error.get_full_details()


@pytest.fixture(scope="module")
def by_drf():
    """Returns the result for a body with DRF's own validation of every field."""

    def validated(kind, body):
        with pytest.MonkeyPatch.context() as patch:
            patch.delattr(StrictSerializer, "run_validation")
            patch.delattr(StrictCharField, "run_validation")
            patch.delattr(_OneCheck, "run_validation")
            return outcome(kind, body)

    return validated


@pytest.mark.parametrize("kind", KINDS)
@settings(derandomize=True, deadline=None, max_examples=60)
@given(body=BODIES)
def test_a_body_means_what_drf_reads_in_it(by_drf, kind, body):
    assert outcome(kind, body) == by_drf(kind, body)


USUAL = {
    "source_account_id": "0198c5a2-0000-7000-8000-000000000001",
    "destination": {"scheme": "iban", "identifier": "DE89 3704 0044 0532 0130 00", "name": "Bob"},
    "amount": {"currency": "EUR", "minor_units": 1}, "reference": "Rent", "end_to_end_id": None,
}  # fmt: skip


def test_an_unknown_member_is_refused():
    """A mistyped name is never silently ignored."""
    for body in ({**USUAL, "end_to_end": "1"}, {**USUAL, "amount": {**USUAL["amount"], "minor": 1}}):
        assert "unknown_member" in str(outcome(NewTransferSerializer, body))


def test_a_usual_transfer_is_read_without_drf(monkeypatch):
    monkeypatch.delattr(Serializer, "run_validation")
    accepted, _ = outcome(NewTransferSerializer, USUAL)
    assert accepted["destination"]["name"] == "Bob"
    assert "end_to_end_id" not in accepted
