"""The topics of emails that users can turn off. All other emails warn of actions that somebody else may have taken."""

from collections.abc import Collection
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from banking.models import MutedNotice
from banking.notices.kinds import Kind


class Topic(models.TextChoices):
    ORDERS = "orders", _("A payment order is on hold, was not paid or has ended")
    DIRECT_DEBITS = "direct_debits", _("A direct debit was not paid, or was refunded")
    ACCOUNTS = (
        "accounts",
        _("An account has not been used for a long time or is used again, or your application was decided"),
    )


KINDS: dict[Topic, frozenset[Kind]] = {
    Topic.ORDERS: frozenset({Kind.ORDER_HELD, Kind.ORDER_NOT_PAID, Kind.ORDER_ENDED, Kind.PAYMENT_NOT_MADE}),
    Topic.DIRECT_DEBITS: frozenset({Kind.DIRECT_DEBIT_REFUSED, Kind.REFUNDED, Kind.REFUND_REFUSED}),
    Topic.ACCOUNTS: frozenset({Kind.ACCOUNT_DORMANT, Kind.ACCOUNT_USED_AGAIN, Kind.APPLICATION_DECIDED}),
}
_TOPIC_OF = {kind: topic for topic, kinds in KINDS.items() for kind in kinds}


def wanted_by(user_id: UUID) -> set[Topic]:
    muted = set(MutedNotice.objects.filter(user=user_id).values_list("topic", flat=True))
    return {topic for topic in Topic if topic.value not in muted}


@transaction.atomic
def choose(user_id: UUID, wanted: Collection[Topic]) -> None:
    """From now on, the user gets the emails of these topics, and those that cannot be turned off."""
    unwanted = [topic for topic in Topic if topic not in wanted]
    MutedNotice.objects.filter(user=user_id).exclude(topic__in=unwanted).delete()
    MutedNotice.objects.bulk_create(
        [MutedNotice(user_id=user_id, topic=topic) for topic in unwanted], ignore_conflicts=True
    )


def is_wanted(kind: Kind, user_id: UUID) -> bool:
    """Whether the user wants this email. A kind without a topic cannot be turned off."""
    topic = _TOPIC_OF.get(kind)
    return topic is None or not MutedNotice.objects.filter(user=user_id, topic=topic).exists()
