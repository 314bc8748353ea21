"""The state machine of authority: every way in, every way out, and what is looked at after each step."""

from tests.model.asking_elsewhere import AskingElsewhere
from tests.model.staff import Staff
from tests.model.watch import Watch
from tests.model.ways_out import WaysOut


class AuthorityMachine(AskingElsewhere, Staff, WaysOut, Watch):
    """See `stage` for what an example stands on, `oracle` for what is remembered."""
