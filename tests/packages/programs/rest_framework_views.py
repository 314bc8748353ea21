import asked
import django
from django.conf import settings

settings.configure(
    SECRET_KEY=asked.SECRET_KEY,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    OAUTH=asked.OAUTH,
)
django.setup()

from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from oauth.resource_server import HasScope, JWTBearer  # noqa: E402


class Hello(APIView):
    authentication_classes = [JWTBearer]
    permission_classes = [HasScope]
    required_scopes = {"GET": [asked.SCOPE]}

    def get(self, request):
        return Response({"user": request.auth.claims.user_id})


urlpatterns = [path(asked.PATH.removeprefix("/"), Hello.as_view())]

if __name__ == "__main__":
    asked.answer_by_django()
