"""The Token Status List (draft-ietf-oauth-status-list §8): which tokens have ended early, for every resource server."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import UnknownStatusList
from oauth.status import published_lists
from oauth.tokens.status_list import MEDIA_TYPE


class StatusListEndpoint(ProtocolEndpoint):
    """Public: a list reveals that a token ended, but not whose."""

    endpoint = "status"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, number: int) -> HttpResponse:
        try:
            published = published_lists.published(number)
        except LookupError as error:
            raise UnknownStatusList("No token of this server names this list.") from error
        response = HttpResponse(published.jwt, content_type=MEDIA_TYPE)
        response["ETag"] = published.etag
        response["Cache-Control"] = f"public, max-age={max(1, int(conf.STATUS_LIST_REFRESH.total_seconds()))}"
        return get_conditional_response(request, etag=published.etag, response=response) or response
