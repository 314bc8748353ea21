"""Holds the payment orders of apps whose access has ended, before the authorization server deletes the authorizations
or the client.
"""

from typing import Any
from uuid import UUID

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from banking import orders
from oauth.models import Client
from oauth.models.authorization import authorizations_forgotten


@receiver(authorizations_forgotten)
def hold_orders(apps: set[tuple[UUID, str]], **_: Any) -> None:
    orders.hold_if_app_ended(apps)


@receiver(pre_delete, sender=Client)
def hold_orders_of_client(instance: Client, **_: Any) -> None:
    orders.hold_orders_of_deleted_app(instance.client_id)
