"""Removes job arguments, which may contain email or IP addresses, from log lines of background jobs."""

import logging
from typing import Any


class WithoutArguments(logging.Filter):
    """A filter for log handlers that keeps all records but removes the arguments of jobs from procrastinate's.

    `accounts.tell_owner[7](email='a@example.com')` becomes `accounts.tell_owner[7]`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        job, jobs = getattr(record, "job", None), getattr(record, "jobs", None)
        if isinstance(job, dict) and (call := job.get("call_string")):
            short = f"{job.get('task_name')}[{job.get('id')}]"
            record.msg, record.args = record.getMessage().replace(call, short), ()
            record.job = _without_arguments(job)
        if isinstance(jobs, list):
            record.jobs = [_without_arguments(one) for one in jobs if isinstance(one, dict)]
        return True


def _without_arguments(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in ("call_string", "task_kwargs")}
