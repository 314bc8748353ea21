"""Reviews of apps: a developer asks staff to approve a new app, or new values of a live app.

A live app keeps its values until staff approve new ones. An approval writes the values that staff saw, even if the
developer has changed them since.
"""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from oauth.clients.self_service import mails
from oauth.models import AuditEvent, Client, ClientReview
from oauth.models.client_review import REVIEWED, values_of

State = ClientReview.State


def open_review(client: Client) -> ClientReview | None:
    return ClientReview.objects.filter(client=client, state=State.OPEN).first()


def last_decided(client: Client) -> ClientReview | None:
    decided = ClientReview.objects.filter(client=client, state__in=(State.APPROVED, State.DECLINED))
    return decided.order_by("-pk").first()


def change(client: Client, values: dict[str, Any], by: Any, *, note: str = "") -> bool:
    """Stores validated new values of an app. Returns whether they wait for a review, which is the case for a live app.

    An app that is not live changes immediately. Withdraws an open review, whose values are outdated. The caller must
    have locked the client.
    """
    withdraw(client, by)
    if client.is_live:
        ask(client, by, values=values, note=note)
        return True
    for name, value in values.items():
        setattr(client, name, value)
    client.changed_by = by
    client.save()
    _record(client, by, f"by its developer: {', '.join(sorted(values))}")
    return False


def ask(client: Client, by: Any, *, values: dict[str, Any] | None = None, note: str = "") -> ClientReview:
    """Asks staff to approve the client's values, updated with `values`. The caller must have locked the client."""
    asked = {**values_of(client), **(values or {})}
    review = ClientReview.objects.create(client=client, values=asked, note=note, asked_by=by)
    _record(client, by, "asked for a review")
    return review


def withdraw(client: Client, by: Any) -> bool:
    """Returns whether there was an open review."""
    withdrawn = ClientReview.objects.filter(client=client, state=State.OPEN).update(
        state=State.WITHDRAWN, decided_by=by, decided_at=timezone.now()
    )
    if withdrawn:
        _record(client, by, "withdrew the review")
    return bool(withdrawn)


@transaction.atomic
def approve(review: ClientReview, by: Any) -> None:
    """Raises PermissionDenied for one's own app and for a decided review, and ValidationError if a value is no longer
    allowed.
    """
    review, client = _locked(review, by)
    for name in REVIEWED:
        setattr(client, name, review.values[name])
    is_new, client.is_live = not client.is_live, True
    client.full_clean(exclude=["user"])
    client.changed_by = by
    client.save()
    _decide(review, by, State.APPROVED)
    _record(client, by, "approved: goes live" if is_new else "approved: new values")


@transaction.atomic
def decline(review: ClientReview, by: Any, *, reason: str) -> None:
    """The developer gets the reason. Raises PermissionDenied like `approve`, and ValidationError without a reason."""
    if not reason.strip():
        raise ValidationError("Give a reason, so that the developer can change the app.")
    review, client = _locked(review, by)
    _decide(review, by, State.DECLINED, reason=reason.strip())
    _record(client, by, f"declined: {reason.strip()}")


def _locked(review: ClientReview, by: Any) -> tuple[ClientReview, Client]:
    """Locks the client before the review, in the same order as the developer's pages."""
    client = Client.objects.select_for_update(of=("self",)).get(pk=review.client_id)
    waiting = ClientReview.objects.select_for_update(of=("self",)).filter(pk=review.pk, state=State.OPEN).first()
    if waiting is None:
        raise PermissionDenied("This review has already been decided or withdrawn.")
    if by.pk in (client.user_id, waiting.asked_by_id):
        raise PermissionDenied("Another member of staff must review your own app.")
    return waiting, client


def _decide(review: ClientReview, by: Any, state: ClientReview.State, *, reason: str = "") -> None:
    review.state, review.decided_by, review.decided_at, review.reason = state, by, timezone.now(), reason
    review.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    mails.enqueue(review)


def _record(client: Client, by: Any, reason: str) -> None:
    AuditEvent.record(AuditEvent.Action.CLIENT_CHANGED, client=client.client_id, actor=by.pk, reason=reason)
