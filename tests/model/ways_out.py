"""Every way in which authority ends: by the user, by the client, by time, and by an attack that is noticed."""

from datetime import timedelta
from urllib.parse import urlencode

from hypothesis import strategies as st

from tests.model import wire
from tests.model.moves import move
from tests.model.oracle import OF_ACCOUNTS, Access, Allowed, Details, Limit, Picked, limited
from tests.model.requests import apps, numbers, users
from tests.model.stage import Stage

NEW_PASSWORD = "another-correct-horse-{}"


class WaysOut(Stage):
    # --- by the user

    @move(1, ends=True, when=lambda self: self.is_anything_allowed(), user=users, app=apps)
    def remove_app(self, user: str, app: str) -> None:
        if not self.is_logged_in(user):
            return
        self.tell(f"{user} removes {app}")
        form = {"client_id": self.apps[app].client_id}
        self.browsers[user].post("/oauth/apps", urlencode(form), content_type=wire.FORM)
        self.model.end(f"{user} removed {app}", user=user, app=app)
        self.touched(user=user, app=app)

    @move(3, when=lambda self: self._with_accounts(), number=numbers, picks=st.sampled_from(((0,), (1,), (2,), (0, 1))))
    def pick_accounts_anew(self, number: int = 0, picks: tuple[int, ...] = (1,)) -> None:
        allowed: Allowed | None = self.pick(self._with_accounts(), number)
        if allowed is None or not self.is_logged_in(allowed.user):
            return
        place = next(n for n, detail in enumerate(allowed.details) if isinstance(detail, Picked | Limit))
        own = sorted(self.world.readable[allowed.user])
        chosen = {own[pick % len(own)] for pick in picks}
        names = [name for name, account in self.world.accounts.items() if str(account.pk) in chosen]
        self.tell(f"{allowed.user} picks {' and '.join(names)} for {allowed.app} anew")
        form = [("decision", "save"), *(("choice-0", one) for one in sorted(chosen))]
        answer = self.browsers[allowed.user].post(
            f"/oauth/apps/{allowed.grant_id}/{place}", urlencode(form), content_type=wire.FORM
        )
        if answer.status_code != 303:
            self.add(f"refused ({answer.status_code})")
            if answer.status_code != 400 and not allowed.may_have_ended:
                self.fail("the user could not take accounts back")
            return
        detail = allowed.details[place]
        limits = detail.limits if isinstance(detail, Limit) else frozenset[str]()
        allowed.details[place] = (
            Limit(limits, frozenset(chosen)) if limits else Picked(detail.actions, frozenset(chosen))
        )
        allowed.epoch += 1
        self.model.forget(allowed.user, allowed.app, frozenset(detail.scopes) | limits)
        if isinstance(detail, Limit):
            self._take_from_app(allowed, detail, frozenset(chosen))
        self.touched(user=allowed.user, app=allowed.app)

    def _take_from_app(self, allowed: Allowed, before: Limit, chosen: frozenset[str]) -> None:
        """The accounts that the user unticked are taken from all authorizations of the app."""
        own = frozenset(self.world.readable[allowed.user])
        taken = (own if before.chosen is None else before.chosen) - chosen
        if not taken and before.chosen is not None:
            return
        for other in self.model.allowed:
            if other.ended or other is allowed or (other.user, other.app) != (allowed.user, allowed.app):
                continue
            about = other.scopes & OF_ACCOUNTS
            details: Details = other.details or ([Limit(about)] if about else [])
            changed = [one for one in details if isinstance(one, Limit) and (one.chosen is None or one.chosen & taken)]
            if changed:
                other.details = [
                    Limit(one.limits, (own if one.chosen is None else one.chosen) - taken)
                    if isinstance(one, Limit) and one in changed
                    else one
                    for one in details
                ]
                other.epoch += 1
                self.model.forget(other.user, other.app, limited(changed))

    def _with_accounts(self) -> list[Allowed]:
        return [
            one
            for one in self.model.alive(self.now)
            if one.grant_id and any(isinstance(detail, Picked | Limit) for detail in one.details)
        ]

    @move(1, ends=True, when=lambda self: self.is_anything_allowed(), user=users)
    def log_out(self, user: str) -> None:
        if not self.is_logged_in(user):
            return
        self.tell(f"{user} logs out")
        self.browsers[user].post("/accounts/logout/")
        for one in self.model.allowed:
            if one.user == user and one.is_online and one.session == self.sessions[user] and not one.ended:
                one.ended = f"{user} logged out"
        self.sessions[user] += 1
        self.touched(user=user)

    @move(1, ends=True, when=lambda self: self.is_anything_allowed(), user=users, ends_apps=st.booleans())
    def change_password(self, user: str, ends_apps: bool = True) -> None:
        if not self.is_logged_in(user):
            return
        old, new = self.passwords[user], NEW_PASSWORD.format(len(self.story))
        self.tell(f"{user} changes the password and {'ends' if ends_apps else 'keeps'} the access of all apps")
        form = {"oldpassword": old, "password1": new, "password2": new} | ({"end_apps": "on"} if ends_apps else {})
        self.browsers[user].post("/accounts/password/change/", form)
        self.world.users[user].refresh_from_db()
        if not self.world.users[user].check_password(new):
            self.add("refused")
            return
        self.passwords[user] = new
        for one in self.model.allowed:
            if one.user == user and not one.ended and (ends_apps or one.is_online):
                one.ended = f"{user} changed the password"
        self.sessions[user] += 1
        self.touched(user=user)

    # --- by the client

    @move(1, ends=True, when=lambda self: self.is_anything_allowed() and self.model.refresh_tokens, number=numbers)
    def revoke(self, number: int = 0) -> None:
        """RFC 7009: revoking a refresh token ends the whole authorization."""
        if token := self.pick(self.model.refresh_tokens, number):
            self.tell(f"{token.app} revokes what {token.allowed.user} allowed")
            wire.post(self.apps[token.app], "/oauth/revoke", {"token": token.value})
            if token.generation == token.allowed.generation and self.model.facts[token.app].is_active:
                self.model_ends(token.allowed, f"{token.app} gave it back")

    @move(1, ends=True, when=lambda self: self.is_anything_allowed(), number=numbers, was_exchanged=st.booleans())
    def give_back(self, number: int = 0, was_exchanged: bool = False) -> None:
        """DELETE /api/v1/consent."""
        of_users = [one for one in self.tokens() if bool(one.exchanged_from) == was_exchanged]
        token: Access | None = self.pick(of_users, number)
        if token is None or token.allowed is None:
            return
        self.tell(f"{token.app} gives back the consent by {token}")
        answer = wire.call(token.value, "DELETE", "/api/v1/consent", key=token.key)
        if answer.status_code != 204:
            self.add(f"refused ({answer.status_code})")
            return
        if token.exchanged_from:
            self.fail(f"{token}, exchanged from {token.exchanged_from}, ended what the user had allowed")
        if why := self.model.why_dead(token, self.now):
            self.fail(f"{token} ended a consent although {why}")
        self.model_ends(token.allowed, f"{token.app} gave it back")

    def model_ends(self, allowed: object, why: str) -> None:
        for one in self.model.allowed:
            if one is allowed and not one.ended:
                one.ended = why
                self.touched(allowed=one)

    # --- by time

    @move(
        3,
        when=lambda self: self.is_anything_allowed(),
        minutes=st.sampled_from((1, 1, 1, 2, 2, 4, 6, 6, 11, 11)),
    )
    def wait(self, minutes: int) -> None:
        self.tell(f"{minutes} minutes pass")
        self.clock.shift(timedelta(minutes=minutes))

    @move(1, ends=True, when=lambda self: self.is_anything_allowed(), days=st.sampled_from((0.5, 31, 91)))
    def wait_long(self, days: float) -> None:
        self.tell(f"{days} days pass")
        self.clock.shift(timedelta(days=days))
