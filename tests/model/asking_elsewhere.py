"""A client asks a user who is at another device: device code (RFC 8628) and CIBA."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from tests.model import wire, world
from tests.model.asking import Asking
from tests.model.moves import move
from tests.model.oracle import Allowed, Code
from tests.model.requests import ALLOW, SCOPE_SETS, Reply, Want, keys, replies, users


class AskingElsewhere(Asking):
    @move(2, user=users, scopes=st.sampled_from(SCOPE_SETS), reply=replies, redeems=st.booleans(), key=keys)
    def ask_by_device(
        self, user: str, scopes: str = "accounts:read", reply: Reply = ALLOW, redeems: bool = True, key: str = ""
    ) -> None:
        """RFC 8628."""
        self.tell(f"phone asks by device code for {scopes}, and {user} types it")
        started = wire.post(self.apps["phone"], "/oauth/device_authorization", {"scope": scopes})
        if started.status_code != 200:
            self.add(f"refused ({started.json()['error']})")
            return
        body = started.json()
        page = self._page_of(user, "/oauth/device", {"user_code": body["user_code"]})
        if page is None:
            return
        asked = self._asked(user, "phone", Want(scopes))
        fields, unticked = self._filled_in(wire.inputs(page, "user_code"), reply, asked)
        answer = self.browsers[user].post("/oauth/device", urlencode(fields), content_type=wire.FORM)
        self._remember(user, asked, reply, unticked, answer.status_code == 200)
        if reply.decision == "allow" and answer.status_code == 200:
            code = Code(
                "device_code", body["device_code"], "phone", asked, asked.scopes, asked.resources,
                self.now + timedelta(seconds=body["expires_in"]),
            )  # fmt: skip
            self.model.codes.append(code)
            if redeems:
                self._redeem(code, key)

    @move(2, user=users, scopes=st.sampled_from(SCOPE_SETS), reply=replies, redeems=st.booleans())
    def ask_by_backchannel(
        self, user: str, scopes: str = "openid accounts:read", reply: Reply = ALLOW, redeems: bool = True
    ) -> None:
        """CIBA."""
        scopes = " ".join(dict.fromkeys(["openid", *scopes.split()]))
        self.tell(f"shop asks {user} over the back channel for {scopes}")
        hint = self.world.users[user].email
        form = {"scope": scopes, "login_hint": hint, "binding_message": "W4SCT"}
        started = wire.post(self.apps["shop"], "/oauth/backchannel_authentication", form)
        if started.status_code != 200:
            self.add(f"refused ({started.json()['error']})")
            return
        body = started.json()
        page = self._page_of(user, "/oauth/requests", None)
        inputs = wire.inputs(page, "request") if page else []
        if not inputs:
            return
        asked = self._asked(user, "shop", Want(scopes))
        fields, unticked = self._filled_in(inputs, reply, asked)
        answer = self.browsers[user].post("/oauth/requests", urlencode(fields), content_type=wire.FORM)
        self._remember(user, asked, reply, unticked, answer.status_code == 303)
        if reply.decision == "allow" and answer.status_code == 303:
            code = Code(
                "auth_req_id", body["auth_req_id"], "shop", asked, asked.scopes, asked.resources,
                self.now + timedelta(seconds=body["expires_in"]),
            )  # fmt: skip
            self.model.codes.append(code)
            if redeems:
                self._redeem(code, "")

    def _page_of(self, user: str, path: str, form: dict[str, str] | None) -> Any:
        """The page where a user decides, after logging in where needed; None for a user who cannot."""
        browser = self.browsers[user]
        if not self.is_logged_in(user):
            if user in self.model.inactive:
                self.add(f"{user} cannot log in")
                return None
            self._log_in(user)
        page = browser.get(path) if form is None else browser.post(path, urlencode(form), content_type=wire.FORM)
        if page.status_code != 200:
            self.fail(f"{path} answered {page.status_code}")
        return page

    def _log_in(self, user: str) -> None:
        world.log_in(self.browsers[user], self.world.users[user], self.passwords[user])
        self.sessions[user] += 1

    def _remember(self, user: str, asked: Allowed, reply: Reply, unticked: str, went_well: bool) -> None:
        if reply.decision == "deny" or not went_well:
            self.add(f"{user} denies it" if went_well else "nothing is allowed")
            if went_well:
                self.model.decided(asked, None)
            return
        shown = replace(asked)
        asked.scopes -= {unticked}
        self.model.decided(shown, asked)
        self.add(f"{user} allows it" + (f" without {unticked}" if unticked else ""))
        self.model.allowed.append(asked)
