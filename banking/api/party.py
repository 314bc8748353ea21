"""GET /party: the user whose accounts the token gives access to."""

from django.contrib.auth import get_user_model
from django.http import Http404

from banking.api.operation import operation
from banking.api.representations import Party
from banking.api.responses import Ok
from banking.api.views import BankView, user_or_404
from oauth.resource_server import TokenRequest


class PartyView(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["party:read"]}

    @operation("Read the user's name")
    def get(self, request: TokenRequest) -> Ok[Party]:
        """The user who allowed the app to read this, without the other holders of a joint account. Tokens contain no
        name, so it is read here.
        """
        user = get_user_model().objects.filter(pk=user_or_404(request), is_active=True).first()
        if user is None:
            raise Http404
        return Ok({"name": user.get_full_name(), "email": user.email if "email" in request.claims.scopes else None})
