from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OAuthConfig(AppConfig):
    name = "oauth"
    verbose_name = "Authorization server"
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        from oauth.checks import start

        start.require()
        super().import_models()

    def ready(self) -> None:
        from oauth import wiring
        from oauth.checks import branding, database, deployment, extensions, functions, project, values  # noqa: F401  (registers them)
        from oauth.clients import signals as of_clients  # noqa: F401  (connects them)
        from oauth.operations.after_migrate import if_complete
        from oauth.operations.first_rows import create_missing_rows
        from oauth.operations.own_tests import allow_emptying
        from oauth.sessions import signals as of_sessions  # noqa: F401  (connects them)
        from oauth.staff.roles import create_missing_groups

        wiring.provide_settings()
        groups = ("auth.Group", "auth.Permission", "contenttypes.ContentType")
        for fill, needed in (
            (allow_emptying, ("oauth.AuditEvent",)),
            (create_missing_rows, ("oauth.Scope", "oauth.SigningKey", "oauth.AuditEvent")),
            (create_missing_groups, groups),
        ):
            post_migrate.connect(if_complete(fill, *needed), sender=self, weak=False)
