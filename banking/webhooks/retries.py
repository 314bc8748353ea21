"""When the background worker runs the job of a delivery again."""

from math import ceil

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from banking.webhooks.delivery import NotDelivered
from oauth.infrastructure import outage
from oauth.infrastructure.turns import Postponed

_DATABASE_AWAY_SECONDS = 30


class UntilDelivered(BaseRetryStrategy):
    """Retries until `deliver` decides that an attempt was the last one. The job may run more often than there are
    attempts, because postponed messages and database outages do not count as attempts.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, NotDelivered):
            seconds = 3**exception.attempts
        elif isinstance(exception, Postponed):
            seconds = ceil(exception.seconds)
        elif isinstance(exception, outage.ERRORS):
            seconds = _DATABASE_AWAY_SECONDS
        else:
            return None
        return RetryDecision(retry_in={"seconds": seconds})
