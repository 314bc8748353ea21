"""Whether the user must be asked for consent, and when an authorization ends."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from oauth import authorization_details
from oauth.authorization_details import Detail, NotAnswered
from oauth.authorize import remembered
from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.models import Client


class ConsentNeeded(Exception):
    """No earlier decision of the user covers the entire request."""


def is_always_needed(request: AuthorizationRequest, client: Client) -> bool:
    """Whether the consent page must be shown regardless of earlier decisions.

    ASVS 5.0 10.7.1: always for a client that cannot authenticate. The user also needs the page to choose accounts and
    to change a grant.
    """
    return bool(
        client.is_public
        or request.authorization_details
        or request.grant_management_action
        or request.prompts & {"consent", "select_account"}
    )


def remembered_answer(request: AuthorizationRequest, client: Client, user: Any) -> tuple[datetime, list[Detail]]:
    """The end date and the details of the decision in which the user allowed the entire request (ASVS 5.0 10.4.8,
    10.7.2).

    Call this in the transaction that writes the authorization. Locks the decision: of this transaction
    and a concurrent denial of the same scopes, the later one waits. Raises ConsentNeeded.
    """
    decision = remembered.find_decision(request, client, user)
    if decision is None:
        raise ConsentNeeded
    try:
        again = authorization_details.granted_again(
            decision.authorization.authorization_details, user, client.client_id, request.scopes
        )
    except NotAnswered as nothing_left:
        raise ConsentNeeded from nothing_left
    return decision.expires_at, authorization_details.write(again)


def expires_at(client: Client, details: Iterable[Detail] = ()) -> datetime:
    """When an authorization granted now ends. Refreshing tokens does not extend it (ASVS 5.0 10.4.8)."""
    longest = client.authorization_lifetime or conf.AUTHORIZATION_LIFETIME
    return timezone.now() + min(longest, authorization_details.lifetime_of(details) or longest)
