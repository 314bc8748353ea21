"""Problem documents (RFC 9457), and the exceptions of the API that become one."""

from django.conf import settings
from django.http import JsonResponse
from django_guid import get_guid
from rest_framework import exceptions, status
from rest_framework.response import Response

from banking.api.problem_types import PROBLEMS
from banking.api.representations import Problem, ProblemPointer

MEDIA_TYPE = "application/problem+json"


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is larger than 64 KiB."


class BadRequest(exceptions.APIException):
    """Answers 400 with any code of PROBLEMS. `parameter` is the name of the refused parameter of the URL."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, code: str, detail: str, *, parameter: str = "") -> None:
        super().__init__(detail, code)
        self.default_code, self.parameter = code, parameter


class Conflict(exceptions.APIException):
    """409 with any code of PROBLEMS."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, code)
        self.default_code = code


def problem(code: str, *, status: int, detail: str, errors: list[ProblemPointer] | None = None) -> Problem:
    """The members of a problem document. `code` is a key of PROBLEMS. The detail ends with the error id, so that it is
    included when an integrator quotes the detail.
    """
    error_id = get_guid()
    body: Problem = {
        "type": f"{settings.ISSUER}/problems/{code}",
        "title": PROBLEMS[code][0],
        "status": status,
        "detail": f"{detail} (error id {error_id})",
        "instance": f"urn:uuid:{error_id}",
        "code": code,
    }
    if errors:
        body["errors"] = errors
    return body


def error_id_of(body: Problem) -> str:
    """The id of a problem document. A replayed refusal keeps the id of the first request."""
    return str(body["instance"]).removeprefix("urn:uuid:")


class ProblemResponse(Response):
    def __init__(self, body: Problem, headers: dict[str, str] | None = None) -> None:
        headers = {"X-Error-Id": error_id_of(body), **(headers or {})}
        super().__init__(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)


def json_response(body: Problem) -> JsonResponse:
    headers = {"X-Error-Id": error_id_of(body)}
    return JsonResponse(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)
