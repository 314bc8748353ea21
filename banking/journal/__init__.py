"""The access journal: what each app read and did, per user and account (the permission dashboard of PSD3 and PSR).

`counting` counts the requests of a process in memory and stores the counts; `activity` presents them to users and
staff. Imports the models and `notation`.
"""

from banking.journal.activity import Line, of_account, of_app
from banking.journal.counting import count, store

__all__ = ["Line", "count", "of_account", "of_app", "store"]
