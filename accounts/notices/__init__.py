"""Emails that notify users of account changes, sent by the background worker.

Imports `browsers` and what it imports.
"""

from accounts.notices.kinds import sentence
from accounts.notices.notice import enqueue_notice, enqueue_notice_of_guesses, language_of, time_zone_of

__all__ = ["enqueue_notice", "enqueue_notice_of_guesses", "language_of", "sentence", "time_zone_of"]
