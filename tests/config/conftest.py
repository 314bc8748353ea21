"""What tests of the site share."""

import os
from urllib.parse import urlsplit

import pytest
from django.db import connection


@pytest.fixture
def database_url(db: None) -> str:
    """The tests' own database, as another process reaches it."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
