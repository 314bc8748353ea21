"""Protected Resource Metadata (RFC 9728): where a client finds the authorization server of this API."""

from urllib.parse import urlsplit

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from oauth.conf import conf


@csrf_exempt  # it reads no cookie; a POST is answered 405
@require_safe
def protected_resource(request: HttpRequest, path: str = "") -> JsonResponse:
    """The metadata of the resource whose identifier ends in `path`, or of the first resource if `path` is empty."""
    # RFC 9728 §3.1: the path of the identifier stands behind the well-known part.
    named = (one for one in conf.audiences if urlsplit(one).path == f"/{path}")
    wanted = next(named, None) if path else conf.audiences[0]
    if wanted is None:
        return JsonResponse({"error": "not_found", "error_description": "There is no such resource."}, status=404)
    resource = conf.RESOURCES.get(wanted, {})
    document = {
        "resource": wanted,
        "authorization_servers": [conf.ISSUER],
        "scopes_supported": [name for name in conf.SCOPES if ":" in name],
        "bearer_methods_supported": ["header"],
        "resource_name": resource.get("name", wanted),
    }
    response = JsonResponse(document)
    response["Cache-Control"] = "public, max-age=300"
    return response
