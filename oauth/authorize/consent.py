"""Whether the user must be asked, and until when an answer lasts."""

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
    """No earlier decision of the user covers the whole request."""


def is_always_needed(request: AuthorizationRequest, client: Client) -> bool:
    """Whether the user must be asked, whatever they allowed before.

    ASVS 5.0 10.7.1: always if the client cannot prove its identity. The consent page is also where the user picks
    accounts and changes a grant.
    """
    return bool(
        client.is_public
        or request.authorization_details
        or request.grant_management_action
        or request.prompts & {"consent", "select_account"}
    )


def remembered_answer(request: AuthorizationRequest, client: Client, user: Any) -> tuple[datetime, list[Detail]]:
    """(until, details) of the decision in which the user allowed all of this request: the date that the page showed,
    and the same limits (ASVS 5.0 10.4.8, 10.7.2).

    Call it in the transaction that writes the authorization. It locks the decision: if the user denies the same scopes
    in another tab, one of the two waits for the other. Raises ConsentNeeded.
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
    """When an authorization given now ends, however often it is refreshed (ASVS 5.0 10.4.8)."""
    longest = client.authorization_lifetime or conf.AUTHORIZATION_LIFETIME
    return timezone.now() + min(longest, authorization_details.lifetime_of(details) or longest)
