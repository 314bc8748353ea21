from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "config"
    verbose_name = "Site"

    def ready(self) -> None:
        from config import checks  # noqa: F401  (registers them)
        from config.bank import forgotten_apps, open_invitations  # noqa: F401  (receive signals)
        from config.database import pooler, session  # noqa: F401
        from config.database.replica import checks as of_replica  # noqa: F401
        from config.database.replica import reading

        reading.begin()
