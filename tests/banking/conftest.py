"""Fixtures: accounts with money, and the API with a token of Alice."""

import pytest

from tests.lib.ledger import funded


@pytest.fixture
def current(alice):
    return funded(alice, "Current account")


@pytest.fixture
def savings(alice):
    return funded(alice, "Savings", amount_minor=0)


@pytest.fixture
def of_bob(bob):
    return funded(bob, "Bob's account")


@pytest.fixture
def alice_api(access_token, api, alice):
    scope = "accounts:read balances:read transactions:read transfers:read transfers:write"
    return api(access_token(alice, scope))
