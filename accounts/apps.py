from allauth.account.signals import user_logged_in
from allauth.usersessions.apps import UserSessionsConfig
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Users"
    default = True

    def ready(self) -> None:
        from accounts import second_factors, signals  # noqa: F401  (connects their receivers)


class BrowsersConfig(UserSessionsConfig):
    """allauth's list of browsers without its receiver of logins, which runs three statements for each browser.

    `sessions.delete_expired` needs one.
    """

    def ready(self) -> None:
        super().ready()
        from allauth.usersessions.signals import on_user_logged_in

        user_logged_in.disconnect(on_user_logged_in)
