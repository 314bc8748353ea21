"""Emails of the bank that the background worker sends."""

from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import notices, tasks
from tests.lib.emails import check_email


def sent_notices(kind: str) -> set[str]:
    """Sends the waiting notices of this kind as the background worker does. Returns the addresses; each must get
    exactly one.
    """
    before = len(mail.outbox)
    waiting = ProcrastinateJob.objects.filter(task_name=notices.TASK, args__kind=kind).order_by("id")
    for job in waiting:
        tasks.tell_owner(**job.args)
    waiting.delete()
    for one in mail.outbox[before:]:
        check_email(one)
    addresses = [one.to[0] for one in mail.outbox[before:]]
    assert len(addresses) == len(set(addresses))
    return set(addresses)
