"""A user's email addresses: allauth's page, which here sends no link that would not work."""

from typing import Any

from allauth.account.views import EmailView
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _


class AddressesView(EmailView):
    def _action_send(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """allauth also sends a link for an address that is confirmed, and this link is refused as used."""
        address = self._get_email_address(request)
        if address is None or not address.verified:
            return super()._action_send(request, *args, **kwargs)
        messages.info(request, _("%(email)s is confirmed already.") % {"email": address.email})
        return HttpResponseRedirect(self.success_url)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[no-untyped-call]  # allauth
        return context | {"may_send": any(not address.verified for address in context["emailaddresses"])}
