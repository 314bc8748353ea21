"""Payment orders that an app set up, for OAUTH["LEFT_BY_APPS"]: they are put on hold, or cancelled, when the user
removes the app. Orders that the user has resumed without the app go on.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import Count
from django.utils.translation import ngettext

from banking.orders import lifecycle
from oauth.clients.left_by_apps import Left, LeftByApps


class Orders(LeftByApps):
    def find(self, user: Any, client_ids: Collection[str]) -> dict[str, Left]:
        theirs = lifecycle.orders_of_apps(user.pk, client_ids)
        counted = theirs.order_by().values_list("client_id").annotate(Count("pk"))
        return {client_id: _left(count) for client_id, count in counted}

    def removed(self, user: Any, client_id: str, *, is_ended: bool) -> None:
        lifecycle.app_removed(user.pk, client_id, is_cancelled=is_ended)


def _left(count: int) -> Left:
    text = ngettext(
        "It set up %(count)d payment order. Without the app, the order is on hold: it pays nothing until you resume it"
        " under “Standing orders”.",
        "It set up %(count)d payment orders. Without the app, the orders are on hold: they pay nothing until you resume"
        " them under “Standing orders”.",
        count,
    )
    offer = ngettext("Cancel the payment order instead", "Cancel the payment orders instead", count)
    return Left(text % {"count": count}, offer)
