"""The second bank may run only in the demo, in tests, and on a site that BANK_SANDBOX declares a sandbox."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class NotASandbox(ImproperlyConfigured):
    """The site has real money, so the second bank, which creates money, must not run."""


def require_sandbox() -> None:
    """Raises NotASandbox."""
    if not settings.BANK_SANDBOX:
        raise NotASandbox("The second bank creates money. Set BANK_SANDBOX=on only on a site without real money.")
