"""AWS KMS in this process: moto answers the requests of boto3."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto import mock_aws

KMS = {"BACKEND": "oauth.keys.stores.aws_kms.AWSKMS", "OPTIONS": {"region_name": "eu-central-1"}}


@contextmanager
def running(settings) -> Iterator[None]:  # type: ignore[no-untyped-def]
    """OAUTH["KEY_STORES"] has `aws`."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "of moto")
        settings.OAUTH = {**settings.OAUTH, "KEY_STORES": {"aws": KMS}}
        yield
