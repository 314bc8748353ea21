"""Emails to the officers who may decide about a request of another officer or of a user."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.backends import ModelBackend

from banking import notices
from banking.notices import Kind

MOST = 50


def tell_officers(permission: str, kind: Kind, about: object, *, but_not: Iterable[UUID] = ()) -> None:
    """Sends an email to each active member of staff with this permission, as part of the caller's transaction."""
    officers = ModelBackend().with_perm(permission, is_active=True, include_superusers=True)
    for officer in officers.filter(is_staff=True).exclude(pk__in=list(but_not)).order_by("pk")[:MOST]:
        notices.enqueue_notice(kind, about, to=officer.pk)
