"""Holds the payment orders of apps whose access was revoked, before the authorization server deletes the
authorizations.
"""

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from banking import orders
from oauth.models.authorization import authorizations_forgotten


@receiver(authorizations_forgotten)
def hold_orders(apps: set[tuple[UUID, str]], **_: Any) -> None:
    orders.hold_if_app_ended(apps)
