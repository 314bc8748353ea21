"""Errors of a session that PostgreSQL has ended count as outages, like all errors of a lost connection. So does the
error of a primary that has become a standby, because it is not an error of the statement."""

from types import TracebackType

from django.db import OperationalError
from django.db.utils import DatabaseErrorWrapper

from config.database import in_use
from config.database.breaker import breaker
from oauth.infrastructure import outage


class ErrorWrapper(DatabaseErrorWrapper):
    """Turns errors of psycopg into Django's, as its parent class does, but turns the errors above into
    OperationalError. Django wraps every call to the database in this class.
    """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        in_use.answered(self.wrapper)  # type: ignore[attr-defined]  # not in the stubs
        if kind is None:
            return
        if isinstance(error, outage.ENDED_SESSION):
            breaker.suspected.set()
            # Makes Django check the connection before the next use.
            self.wrapper.errors_occurred = True  # type: ignore[attr-defined]  # not in the stubs
            raise OperationalError(*error.args).with_traceback(traceback) from error
        super().__exit__(kind, error, traceback)
