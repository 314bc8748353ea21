from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OAuthConfig(AppConfig):
    name = "oauth"
    verbose_name = "Authorization server"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from oauth import checks, signals  # noqa: F401  (registers them)
        from oauth.roles import create_missing_groups
        from oauth.setup import create_missing_rows

        post_migrate.connect(create_missing_rows, sender=self)
        post_migrate.connect(create_missing_groups, sender=self)
