import asked
import django
from django.conf import settings

settings.configure(SECRET_KEY=asked.SECRET_KEY, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, OAUTH=asked.OAUTH)
django.setup()

from django.urls import path  # noqa: E402
from ninja import NinjaAPI  # noqa: E402

from oauth.resource_server.ninja import TokenAuth, answer_refusals  # noqa: E402

api = NinjaAPI()
answer_refusals(api)


@api.get(asked.PATH, auth=TokenAuth(asked.SCOPE))
def hello(request):
    return {"user": request.auth.claims.user_id}


urlpatterns = [path("", api.urls)]

if __name__ == "__main__":
    asked.answer_by_django()
