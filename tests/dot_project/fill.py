"""Run in its own process: users and applications, as an operator of DOT makes them."""

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

for name in ("carol", "dave"):
    User.objects.create_user(name, f"{name}@shop.example", "correct-horse-battery")
for client_id, client_type, grant_type, uri in (
    ("shop-web", "confidential", "authorization-code", "https://shop.example/callback"),
    ("shop-app", "public", "authorization-code", "com.example.shop:/callback"),
    ("shop-service", "confidential", "client-credentials", ""),
    ("shop-legacy", "confidential", "password", ""),
):
    Application.objects.create(
        client_id=client_id,
        client_type=client_type,
        authorization_grant_type=grant_type,
        redirect_uris=uri,
        client_secret=f"the secret of {client_id}, made by DOT",
        name=client_id,
    )
