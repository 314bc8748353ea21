from django.http import JsonResponse
from django.urls import path

from oauth.resource_server import needs_token
from tests.plain_project.urls import urlpatterns as of_the_readme


@needs_token("orders:read")
def plain_orders(request):
    return JsonResponse({"orders_of": request.token.claims.user_id})


urlpatterns = [path("v1/plain-orders", plain_orders), *of_the_readme]
