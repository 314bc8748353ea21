"""Protected Resource Metadata (RFC 9728), with which clients find the authorization server of an API."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from oauth.conf import conf
from oauth.resource_server.asked import described_resource


@csrf_exempt  # reads no cookie; a POST must get 405, not 403
@require_safe
def protected_resource(request: HttpRequest, path: str = "") -> JsonResponse:
    """The metadata of the API with this path."""
    wanted = described_resource(request, path)
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
