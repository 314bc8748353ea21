"""Responses whose type says what they contain. The OpenAPI document reads the return annotation of a view's method:
`-> Ok[Transfer]`."""

from typing import Generic, TypeVar

from django.http import FileResponse, StreamingHttpResponse
from rest_framework.response import Response

from banking.api.operation import Deprecation

R = TypeVar("R")


class _Representation(Generic[R], Response):
    def __init__(self, data: R) -> None:
        super().__init__(data)


class Ok(_Representation[R]):
    status_code = 200


class Former(_Representation[R]):
    """200, the response to a deprecated form of request. The OpenAPI document leaves it out, so that each operation has
    one representation.
    """

    status_code = 200

    def __init__(self, data: R, deprecation: Deprecation) -> None:
        super().__init__(data)
        for name, value in deprecation.headers().items():
            self[name] = value


class Created(_Representation[R]):
    """`location` is the path of the new object."""

    status_code = 201

    def __init__(self, data: R, *, location: str) -> None:
        super().__init__(data)
        self["Location"] = location


class Accepted(Response):
    """202: the work is done later."""

    status_code = 202


class NotYet(Response):
    """202 without a body: the requested object is being made. `location` is the path that has it then."""

    status_code = 202

    def __init__(self, *, location: str, retry_after_seconds: int) -> None:
        super().__init__()
        self["Location"] = location
        self["Retry-After"] = str(retry_after_seconds)


class NoContent(Response):
    status_code = 204


class Streamed(Generic[R], StreamingHttpResponse):
    """200. The representation is streamed."""

    status_code = 200


class SentFile(Generic[R], FileResponse):
    """200. The representation is a finished file."""

    status_code = 200
