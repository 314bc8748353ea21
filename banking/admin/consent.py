"""The authorization details that users allowed apps. Whether a consent is still valid is decided by the authorization
server.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking.admin.read_only import ReadOnly
from banking.models import Consent


@admin.register(Consent)
class ConsentAdmin(ReadOnly):
    list_display = ("type", "client_id", "user", "granted_at")
    list_select_related = ("user",)
    found_by_id = ("id", "user_id")
    found_by_user = ("user_id",)
    found_by_account = ("accounts",)
    fields = ("id", "type", "client_id", "user", "granted_at", "picked", "detail")
    readonly_fields = ("picked",)

    @admin.display(description=_("accounts"))
    def picked(self, consent: Consent) -> str:
        return ", ".join(f"{account} {account.iban}" for account in consent.accounts.all())
