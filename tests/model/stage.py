"""The base of all moves: the world of one example, the model, the clock, and the story so far."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import time_machine
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from hypothesis.stateful import RuleBasedStateMachine

from oauth.infrastructure import caches
from tests.lib.oauth_client import PASSWORD
from tests.model import world
from tests.model.oracle import Access, Allowed, Code, Facts, Model, Violation
from tests.model.wire import Browser
from tests.model.world import App, World

#: The results of steps, for the statistics.
KINDS = (
    "silently",
    "tokens",
    "token",
    "allows",
    "denies",
    "refused",
    "nobody is asked",
    "cannot log in",
    "paid",
    "sent",
)
#: Later than any key of the tests' database.
START = datetime(2031, 3, 3, 9, 0, tzinfo=UTC)


class Stage(RuleBasedStateMachine):
    """`world` is made once for all examples; the rows that an example writes are rolled back."""

    world: World
    #: How many steps of each kind all examples took. A run without effective steps would prove nothing.
    steps = 0
    seen: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self._undo = ExitStack()
        self.clock = self._undo.enter_context(time_machine.travel(START + timedelta(minutes=1), tick=False))
        self._undo.enter_context(transaction.atomic())
        self._undo.callback(transaction.set_rollback, True)
        forget()
        self.story: list[str] = []
        self.apps = {name: App(**vars(app)) for name, app in self.world.apps.items()}
        self.browsers = {name: Browser(cookies) for name, cookies in self.world.cookies.items()}
        self.passwords = dict.fromkeys(world.USERS, PASSWORD)
        self.sessions = dict.fromkeys(world.USERS, 0)
        #: Consent forms that were answered with a code: the user, the form, the target of the redirect, and the code.
        self.pressed: list[tuple[str, str, str, Code]] = []
        self.sent = ""
        self.staff_proven_at = dict.fromkeys(world.STAFF, START)
        self.model = Model(accounts=self.world.readable, payable=self.world.payable)
        self.model.facts = {name: app.facts() for name, app in self.apps.items()}
        #: (client, scope) that staff have removed and not given back.
        self.taken: set[tuple[str, str]] = set()
        #: Tokens that the last step issued or may have ended; these are checked first.
        self.fresh: list[Access] = []
        self.looked_at = 0

    def teardown(self) -> None:
        self._undo.close()
        forget()

    @property
    def now(self) -> datetime:
        return timezone.now()

    def tell(self, sentence: str) -> None:
        """Adds one step to the story, in OAuth's terms."""
        Stage.steps += 1
        self.clock.shift(1)
        self.story.append(sentence)

    def add(self, what: str) -> None:
        """Adds the result of the last step to the story."""
        self.story[-1] += f": {what}"
        kind = next((one for one in KINDS if one in what), what)
        self.seen[kind] = self.seen.get(kind, 0) + 1

    def fail(self, what: str) -> None:
        raise Violation("\n".join((what, "", "What happened:", *self.story)))

    def touched(self, *, user: str = "", app: str = "", allowed: Allowed | None = None) -> None:
        """Records the newest tokens that a step may have ended, by their user or client."""
        of = [
            one
            for one in self.model.access_tokens
            if (not user or (one.allowed and one.allowed.user == user))
            and (not app or app in (one.app, one.exchanged_from))
            and (allowed is None or one.allowed is allowed)
        ]
        self.fresh = [one for one in reversed(of) if one.expires_at > self.now][:2]

    def reread(self, app: str) -> Facts:
        """Reads the facts about a client again after a change."""
        self.model.facts[app] = self.apps[app].facts()
        return self.model.facts[app]

    def is_logged_in(self, user: str) -> bool:
        """Checks as the site does, without rendering a page."""
        request = HttpRequest()
        request.session = self.browsers[user].session
        return auth.get_user(request).is_authenticated

    def tokens(self, *scopes: str) -> list[Access]:
        """Returns access tokens of users for these scopes, if one of them works at the bank. Those that work come last,
        so `pick` prefers them.
        """
        of_users = [one for one in self.model.access_tokens if one.allowed and one.scopes.issuperset(scopes)]
        works = {id(one) for one in of_users if world.API in one.resources and not self.model.why_dead(one, self.now)}
        return sorted(of_users, key=lambda one: id(one) in works) if works else []

    def told(self) -> list[Allowed]:
        """Returns the live authorizations whose clients have a webhook."""
        return [one for one in self.model.alive(self.now) if one.is_told]

    def is_anything_allowed(self) -> bool:
        return bool(self.model.alive(self.now))

    def pick(self, things: list[Any], number: int) -> Any:
        """Returns the object `number` places before the newest; None if there is none."""
        return things[-1 - number % len(things)] if things else None


def forget() -> None:
    """Clears the caches of this process, because they outlive rows that are rolled back."""
    caches.clear()
