from django.apps import AppConfig


class ResourceServerConfig(AppConfig):
    """Add `oauth.resource_server` to INSTALLED_APPS to check the settings of an API. It has no models."""

    name = "oauth.resource_server"
    label = "oauth_resource_server"
    verbose_name = "Resource server"

    def import_models(self) -> None:
        from oauth.resource_server import checks

        checks.require()
        super().import_models()
