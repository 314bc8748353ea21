"""The state machine of authority: every way to get it, every way in which it ends, and the checks after each step."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.model import moves
from tests.model.asking_elsewhere import AskingElsewhere
from tests.model.oracle import Violation
from tests.model.requests import Reply, Want, apps, keys, much, picks, wants
from tests.model.staff import Staff
from tests.model.watch import Watch
from tests.model.ways_out import WaysOut


class AuthorityMachine(AskingElsewhere, Staff, WaysOut, Watch):
    """`stage` has the base of an example, `oracle` the model of what users allowed, and `moves` the possible next
    steps.
    """

    is_calm = False

    @initialize(app=apps, want=wants | much, picks=picks, key=keys, is_calm=st.booleans())
    def begin(self, app: str, want: Want, picks: tuple[int, ...], key: str, is_calm: bool) -> None:
        """Alice allows something. In a calm example, few authorizations end early."""
        self.is_calm = is_calm
        self.ask("alice", app, replace(want, prompt=""), Reply(picks=picks), key)

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        chosen = data.draw(moves.possible(self, is_calm=self.is_calm))
        try:
            getattr(self, chosen.name)(**data.draw(chosen.arguments))
        except Violation:
            raise
        except Exception as error:
            error.add_note("\n".join(("What happened:", *self.story)))
            raise
