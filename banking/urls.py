"""URLs of the bank, to be included at the root of the site."""

from django.urls import include, path

from banking.web.developer_webhooks import app_webhooks

urlpatterns = [
    path("", include("banking.api.urls")),
    path("bank/", include("banking.web.urls")),
    path("developers/apps/<int:client_pk>/webhooks", app_webhooks, name="developer-webhooks"),
]
