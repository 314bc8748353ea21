"""Documents that are the same for every client. They are built once, and a client that has the current one gets 304
(RFC 9110 §13.1.2).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response


@dataclass(frozen=True, slots=True)
class Document:
    body: bytes
    etag: str
    content_type: str
    max_age_seconds: int

    def response(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponse(self.body, content_type=self.content_type)
        response.headers["Cache-Control"] = f"public, max-age={self.max_age_seconds}"
        response.headers["ETag"] = self.etag
        if "HTTP_IF_NONE_MATCH" not in request.META:
            return response
        return get_conditional_response(request, etag=self.etag, response=response) or response


def document(content: Mapping[str, Any], *, max_age_seconds: int, content_type: str = "application/json") -> Document:
    body = json.dumps(content).encode()
    return Document(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', content_type, max_age_seconds)
