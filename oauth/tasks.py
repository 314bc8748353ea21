"""Tasks of the background worker (`manage.py worker`). Every task is idempotent."""

import smtplib
from typing import Any

from procrastinate import JobContext, RetryDecision, RetryStrategy, builtin_tasks
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from oauth.authorize import backchannel_notices
from oauth.clients import changes, logos
from oauth.clients.self_service import mails as review_mails
from oauth.conf import conf
from oauth.infrastructure import outage, turns
from oauth.keys import rotation
from oauth.operations import cleanup
from oauth.sessions import backchannel_logout


class _UntilReceived(RetryStrategy):
    """A postponed job is retried like a failed one, but without a maximum number of attempts."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, turns.Postponed):
            steps = min(job.attempts, _MOST_ATTEMPTS - 2) + 1
            return RetryDecision(retry_in={"seconds": _WAIT**steps})
        return super().get_retry_decision(exception=exception, job=job)


_WAIT, _MOST_ATTEMPTS = 5, 6
# Retries after 5 s, 25 s, 2 min, 10 min and 52 min, to outlast a restart, a deployment or an outage of a client.
_PATIENT = _UntilReceived(
    max_attempts=_MOST_ATTEMPTS,
    exponential_wait=_WAIT,
    retry_exceptions=[
        backchannel_logout.NotDelivered, backchannel_notices.NotDelivered, logos.NotFetched, *outage.ERRORS,
    ],
)  # fmt: skip


# Retries after 10 s, 100 s, 17 min and about 3 hours, to outlast an outage of the mail server or the database.
_MAIL = RetryStrategy(
    max_attempts=5, exponential_wait=10, retry_exceptions=[OSError, smtplib.SMTPException, *outage.ERRORS]
)


@app.task(name=backchannel_logout.TASK, queue="notifications", retry=_PATIENT)
def tell_client_of_logout(client_pk: int, user_id: str, sid: str) -> None:
    backchannel_logout.notify_client(
        client_pk, user_id, sid, issuer=conf.ISSUER, pairwise_key=conf.PAIRWISE_SUBJECT_KEY
    )


@app.task(name=backchannel_notices.NOTIFY_USER, queue="mail", retry=_MAIL)
def tell_user_of_request(request_id: str) -> None:
    backchannel_notices.notify_user(request_id)


@app.task(name=backchannel_notices.NOTIFY_CLIENT, queue="notifications", retry=_PATIENT)
def tell_client_of_decision(request_id: str) -> None:
    backchannel_notices.notify_client(request_id)


@app.task(name=changes.TELL, queue="mail", retry=_MAIL)
def tell_of_client_change(**notice: Any) -> None:
    changes.tell(**notice)


@app.task(name=review_mails.TELL, queue="mail", retry=_MAIL)
def tell_of_review(review_pk: int) -> None:
    review_mails.tell(review_pk)


@app.task(name=logos.TASK, queue="oauth", retry=_PATIENT)
def fetch_logo(client_pk: int) -> None:
    logos.fetch(client_pk)


@app.periodic(cron="37 * * * *")
@app.task(name="oauth.fetch_due_logos", queue="oauth", queueing_lock="oauth.fetch_due_logos")
def fetch_due_logos(timestamp: int) -> None:
    logos.fetch_due()


@app.periodic(cron="17 * * * *")
@app.task(name="oauth.clean_up", queue="oauth", queueing_lock="oauth.clean_up")
def clean_up(timestamp: int) -> None:
    for _ in cleanup.clean_up():
        pass


@app.periodic(cron="47 3 * * *")
@app.task(name="oauth.remove_old_jobs", queue="oauth", queueing_lock="oauth.remove_old_jobs", pass_context=True)
async def remove_old_jobs(context: JobContext, timestamp: int) -> None:
    """Deletes jobs that were finished more than a week ago. Keeps failed jobs for a month, so that staff can examine
    them.
    """
    await builtin_tasks.remove_old_jobs(context, max_hours=7 * 24, remove_failed=False)
    await builtin_tasks.remove_old_jobs(context, max_hours=30 * 24, remove_failed=True)


@app.periodic(cron="* * * * *")
@app.task(name="oauth.take_over_jobs", queue="oauth", queueing_lock="oauth.take_over_jobs", pass_context=True)
async def take_over_jobs(context: JobContext, timestamp: int) -> None:
    """Restarts the jobs of workers without a heartbeat for half a minute."""
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs():
        await jobs.retry_job(job)


@app.periodic(cron="*/10 * * * *")
@app.task(name="oauth.rotate_keys", queue="oauth", queueing_lock="oauth.rotate_keys")
def rotate_keys(timestamp: int) -> None:
    rotation.rotate_where_due()
