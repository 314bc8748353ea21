"""URLs of the bank, to be included at the root of the site."""

from django.urls import include, path

urlpatterns = [
    path("", include("banking.api.urls")),
    path("bank/", include("banking.web.urls")),
]
