from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

from oauth.resource_server import HasScope, JWTBearer


class Orders(APIView):
    authentication_classes = [JWTBearer]
    permission_classes = [HasScope]
    required_scopes = {"GET": ["orders:read"]}

    def get(self, request):
        return Response({"orders_of": request.auth.claims.user_id})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(template_name="admin/login.html")),
    path("v1/orders", Orders.as_view()),
    path("o/", include("oauth.endpoints.dot_addresses")),
    path("", include("oauth.urls")),
]
