import asked
import django
from django.conf import settings

settings.configure(SECRET_KEY=asked.SECRET_KEY, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, OAUTH=asked.OAUTH)
django.setup()

from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

from oauth.resource_server import needs_token  # noqa: E402


@needs_token(asked.SCOPE)
async def hello(request):
    return JsonResponse({"user": request.token.claims.user_id})


urlpatterns = [path(asked.PATH.removeprefix("/"), hello)]

if __name__ == "__main__":
    asked.answer_by_django()
