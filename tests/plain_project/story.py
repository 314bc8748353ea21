"""Run in its own process: migrate, register a client, log in, allow, redeem, call the API; prints the answer."""

import gc
import json

import django
from django.core.management import call_command

gc.disable()  # migrating creates many objects and discards few
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402
from django.test import Client as Browser  # noqa: E402

from oauth.clients import preset  # noqa: E402
from oauth.models import Client  # noqa: E402
from tests.lib.oauth_client import TokenEndpoint, allow  # noqa: E402

user = User.objects.create_user("carol", password="correct-horse-battery")
app = Client(
    **preset("mobile"), name="Orders app", redirect_uris="https://app.example/callback", allowed_scopes=["orders:read"]
)
app.full_clean()
app.save()
browser = Browser()
browser.post("/login/", {"username": "carol", "password": "correct-horse-battery"})
tokens = TokenEndpoint().redeem(app, allow(browser, app, scope="orders:read")).json()
answer = Browser().get("/v1/orders", headers={"Authorization": f"Bearer {tokens['access_token']}"})
refreshed = TokenEndpoint().refresh(app, tokens["refresh_token"])
result = {"status": answer.status_code, "body": answer.json(), "id": user.pk, "refreshed": refreshed.status_code}
print(json.dumps(result))  # noqa: T201
