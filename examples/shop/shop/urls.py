from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path
from django.views.generic import RedirectView

from shop.api import Orders

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="oauth:apps")),
    path("", include("oauth.urls")),
    path("login/", LoginView.as_view(), name="login"),
    path("admin/", admin.site.urls),
    path("api/orders", Orders.as_view()),
]
