"""Security notices that the background worker sends to users."""

import re

from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import tasks
from accounts.notices import notice
from tests.lib.emails import check_email


def told(email=None):
    """Runs the waiting jobs and returns the new emails. Fails if one contains something that no email may contain."""
    before = len(mail.outbox)
    waiting = ProcrastinateJob.objects.filter(task_name__in=(notice.TELL, notice.TELL_OF_GUESSES))
    for job in waiting.order_by("id"):
        tasks.tell_owner(**job.args) if job.task_name == notice.TELL else tasks.tell_owner_of_guesses(**job.args)
    waiting.delete()
    new = mail.outbox[before:]
    for one in new:
        check_email(one)
        [link] = re.findall(r"https?://\S+", one.body)
        assert link.endswith("/accounts/")  # the link leads to the security page and holds no token
    return [one.subject for one in new if email is None or one.to == [email]]
