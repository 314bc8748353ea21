"""The connections of users to identity providers."""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.http import HttpRequest

from accounts import notices


@transaction.atomic
def disconnect(connection: SocialAccount, request: HttpRequest) -> None:
    """Removes a connection at the request of staff. Audits it and notifies the user."""
    user: Any = connection.user
    staff: Any = request.user
    connection.delete()
    notices.enqueue_notice("account_disconnected", user, request, by=staff)
