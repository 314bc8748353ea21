"""Initial access tokens: who may register clients. Made by `manage.py registration_token`; ended here."""

from django.contrib import admin
from django.http import HttpRequest

from oauth.models import InitialAccessToken
from oauth.staff import Guarded


@admin.register(InitialAccessToken)
class InitialAccessTokenAdmin(Guarded):
    list_display = ("note", "created_at", "expires_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: InitialAccessToken | None = None) -> bool:
        return False
