"""One JSON object a line, each with the request's id, and never a secret."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.servers import Server, run, wait_until

SECRET = "s3cr3t-that-nobody-may-log"
REQUEST_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from django.db import connection
