from rest_framework.response import Response
from rest_framework.views import APIView

from oauth.resource_server import HasScope, JWTBearer

ORDERS = [
    {"number": 1, "customer": "1", "goods": "250 g Sidamo"},
    {"number": 2, "customer": "2", "goods": "1 kg Huila"},
]


class Orders(APIView):
    authentication_classes = [JWTBearer]
    permission_classes = [HasScope]
    required_scopes = {"GET": ["orders:read"]}

    def get(self, request):
        return Response([order for order in ORDERS if order["customer"] == request.auth.claims.user_id])
