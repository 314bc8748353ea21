"""django-oauth-toolkit's scopes backend, which reads the Scope table."""

from typing import Any

from oauth2_provider.scopes import BaseScopes

from oauth.models import Scope


class DatabaseScopes(BaseScopes):
    def get_all_scopes(self) -> dict[str, str]:
        return dict(Scope.objects.values_list("name", "sentence"))

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return list(application.allowed_scopes) if application else list(self.get_all_scopes())

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """There are no default scopes: a request must name its scopes, so that the consent page can show them."""
        return []
