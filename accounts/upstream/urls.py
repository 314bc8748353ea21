"""/accounts/oidc/<provider>/login/ and its callback, under allauth's names."""

from django.urls import path

from accounts.upstream import views

urlpatterns = [
    path("<slug:provider_id>/login/", views.login, name="openid_connect_login"),
    path("<slug:provider_id>/login/callback/", views.callback, name="openid_connect_callback"),
]
