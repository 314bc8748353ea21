"""The Token Status List endpoint (draft-ietf-oauth-status-list §8), from which resource servers learn of revoked
tokens.
"""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import TemporarilyUnavailable, UnknownStatusList
from oauth.status import published_lists
from oauth.tokens.status_list import MEDIA_TYPE


class StatusListEndpoint(ProtocolEndpoint):
    """Public, because a list does not reveal whose token was revoked."""

    endpoint = "status"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, number: int) -> HttpResponse:
        try:
            published = published_lists.published(number)
        except LookupError as error:
            raise UnknownStatusList("This server has no such status list.") from error
        if published.jwt is None:
            raise TemporarilyUnavailable("The server cannot sign the list now. Try again later.")
        response = HttpResponse(published.jwt.text, content_type=MEDIA_TYPE)
        response["ETag"] = published.jwt.etag
        response["Cache-Control"] = f"public, max-age={max(1, int(conf.STATUS_LIST_REFRESH.total_seconds()))}"
        return get_conditional_response(request, etag=published.jwt.etag, response=response) or response
