from allauth.account.signals import user_logged_in
from allauth.usersessions.apps import UserSessionsConfig
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"
    default = True

    def ready(self) -> None:
        from accounts import signals  # noqa: F401  (registers them)


class BrowsersConfig(UserSessionsConfig):
    """allauth's list of browsers; at a log-in it looked through all of them, by three statements for each.

    `sessions.forget_expired` does it in one.
    """

    def ready(self) -> None:
        super().ready()
        from allauth.usersessions.signals import on_user_logged_in

        user_logged_in.disconnect(on_user_logged_in)
