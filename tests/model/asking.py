"""A client asks a user at the browser: the authorization endpoint, its consent page, grant management."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from hypothesis import strategies as st

from oauth.conf import conf
from oauth.models.scope import SCOPE_OF_CLAIM
from tests.lib.oauth_client import CHALLENGE
from tests.model import wire, world
from tests.model.moves import move
from tests.model.oracle import (
    OF_ACCOUNTS,
    SCOPE_OF_ACTION,
    Allowed,
    Code,
    Limit,
    Payment,
    Picked,
    joined,
    lifetime,
    limits_for,
    only_limits,
)
from tests.model.requests import (
    ACCOUNTS,
    ALLOW,
    Reply,
    Want,
    apps,
    detail_kinds,
    keys,
    numbers,
    parts,
    refusals,
    replies,
    users,
    wants,
)
from tests.model.tokens import Redeeming


class Asking(Redeeming):
    @move(
        3, user=users, app=apps, want=wants, reply=replies, key=keys, redeems=st.sampled_from((True, True, True, False))
    )
    def ask(
        self, user: str, app: str, want: Want = ACCOUNTS, reply: Reply = ALLOW, key: str = "", redeems: bool = True
    ) -> None:
        self.tell(f"{app} asks {user} for {want}")
        self._ask(user, app, want, reply, key=key, redeems=redeems)

    @move(3, when=lambda self: self.model.allowed, number=numbers, want=wants, reply=replies, key=keys)
    def ask_again(self, number: int = 0, want: Want = ACCOUNTS, reply: Reply = ALLOW, key: str = "") -> None:
        """The same client asks the same user for something else."""
        if before := self.pick(self.model.allowed, number):
            self.ask(before.user, before.app, want, reply, key)

    @move(2, when=lambda self: self.model.allowed, number=numbers, part=st.integers(0, 3), is_remembered=st.booleans())
    def ask_for_a_part(self, number: int = 0, part: int = 0, is_remembered: bool = False) -> None:
        """The client requests, without details, a part of what the user allowed before. It hopes for a code without a
        consent page.
        """
        allowed = [one for one in self.model.allowed if (one.remembered and not one.ended) or not is_remembered]
        if before := self.pick(allowed, number):
            scopes = sorted(before.scopes)
            asked = scopes if part == 0 else [scopes[part % len(scopes)]]
            resources = tuple(sorted(before.resources))
            self.ask(before.user, before.app, Want(" ".join(asked), resources=resources, prompt="none"))

    @move(2, when=lambda self: self._remembered(), number=numbers)
    def ask_for_the_same(self, number: int = 0) -> None:
        """The client repeats its request, as an app does at each login."""
        self._ask_for_the_same(self.pick(self._remembered(), number))

    @move(2, when=lambda self: self._remembered(), number=numbers, details=detail_kinds, reply=refusals)
    def show_the_page_again(self, number: int, details: str, reply: Reply) -> None:
        """The user now allows only a part of the remembered scopes, or allows them only with details."""
        before: Allowed = self.pick(self._remembered(), number)
        want = Want(" ".join(sorted(before.remembered)), details, resources=tuple(sorted(before.resources)))
        self.ask(before.user, before.app, replace(want, prompt="consent"), reply)

    @move(4, when=lambda self: self._forgotten(), number=numbers, part=st.integers(0, 3))
    def ask_for_what_is_not_remembered(self, number: int, part: int) -> None:
        """The client requests permissions that the user once allowed, but later allowed only in part."""
        before: Allowed = self.pick(self._forgotten(), number)
        scopes = sorted(before.scopes - before.remembered)
        asked = scopes if part == 0 else [scopes[part % len(scopes)]]
        resources = tuple(sorted(before.resources))
        self.ask(before.user, before.app, Want(" ".join(asked), resources=resources, prompt="none"))

    @move(8, when=lambda self: self._outdated(), number=numbers)
    def ask_after_a_change(self, number: int = 0) -> None:
        """The app has changed since the user decided about it."""
        self._ask_for_the_same(self.pick(self._outdated(), number))

    def _ask_for_the_same(self, before: Allowed | None) -> None:
        if before is not None:
            resources = tuple(sorted(before.resources))
            self.ask(before.user, before.app, Want(" ".join(sorted(before.remembered)), resources=resources))

    def _remembered(self) -> list[Allowed]:
        """Permissions that may, or might, be given again without a consent page."""
        return [one for one in self.model.alive(self.now) if one.remembered and one.app != "phone"]

    def _forgotten(self) -> list[Allowed]:
        """Live permissions that may be given again without a consent page only in part."""
        return [one for one in self.model.alive(self.now) if one.scopes - one.remembered and one.app != "phone"]

    def _outdated(self) -> list[Allowed]:
        """Remembered consent for an app that has changed since."""
        return [
            one
            for one in self._remembered()
            if one.identity != self.model.facts[one.app].identity()
            or one.redirect_host != urlsplit(self.apps[one.app].redirect_uri).hostname
        ]

    @move(
        3,
        when=lambda self: self._managed(),
        number=numbers,
        want=wants,
        reply=replies,
        action=st.sampled_from(("update", "replace")),
        key=keys,
    )
    def manage(
        self, number: int = 0, want: Want = ACCOUNTS, reply: Reply = ALLOW, action: str = "replace", key: str = ""
    ) -> None:
        """FAPI Grant Management §5."""
        if grant := self.pick(self._managed(), number):
            self._manage(grant, want, reply, action, key)

    @move(3, when=lambda self: self._managed(), number=numbers, kept=parts)
    def ask_for_less(self, number: int, kept: slice) -> None:
        """The client gives back some of its permissions."""
        self._ask_for_less(self.pick(self._managed(), number), kept)

    @move(8, when=lambda self: self.told(), number=numbers, kept=parts)
    def ask_for_less_than_it_is_told(self, number: int, kept: slice) -> None:
        """The app may give back the permissions that its webhooks need."""
        self._ask_for_less(self.pick(self.told(), number), kept)

    def _ask_for_less(self, grant: Allowed, kept: slice) -> None:
        scopes = sorted(grant.scopes)
        want = Want(" ".join(scopes[kept] or scopes), resources=tuple(sorted(grant.resources)))
        self._manage(grant, want, ALLOW, "replace", "")

    def _managed(self) -> list[Allowed]:
        """Grants that their client may change."""
        return [one for one in self.model.allowed if one.grant_id and one.app != "phone"]

    def _manage(self, grant: Allowed, want: Want, reply: Reply, action: str, key: str) -> None:
        self.tell(f"{grant.app} asks {grant.user} to {action} grant {self.model.allowed.index(grant)} with {want}")
        self._ask(grant.user, grant.app, want, reply, key=key, redeems=True, action=action, grant=grant)

    def _ask(
        self, user: str, app: str, want: Want, reply: Reply, *, key: str, redeems: bool, action: str = "",
        grant: Allowed | None = None,
    ) -> None:  # fmt: skip
        client = self.apps[app]
        asked = self._asked(user, app, want)
        self.sent = ""  # until a form is answered
        details = self._details(want, asked)
        parameters = self._parameters(client, want, details, action, grant)
        answer = self._send(user, app, parameters)
        if answer is None:
            return
        if answer.status_code == 303:  # no user was asked for consent
            given = wire.returned(answer)
            if "code" not in given:
                self.add(f"nobody is asked ({given.get('error')})")
                return
            self._check_silence(asked)
            self.add("a code, silently")
            self.model.allowed.append(asked)
        else:
            if want.prompt == "none":
                self.fail(f"{user} was asked although prompt=none")
            answer = self._decide(user, answer, reply, asked, grant, action)
            if answer is None:
                return
            given = wire.returned(answer)
        allowed = grant if grant is not None else asked
        code = Code(
            "code", given["code"], app, allowed, asked.scopes, asked.resources,
            self.now + conf.AUTHORIZATION_CODE_LIFETIME, client.redirect_uri, allowed.generation,
        )  # fmt: skip
        self.model.codes.append(code)
        if self.sent:
            self.pressed.append((user, self.sent, answer["Location"], code))
        if redeems:
            self._redeem(code, key)

    @move(8, when=lambda self: any(not self._why_not_redeemed(code) for *_, code in self.pressed))
    def press_twice(self) -> None:
        """A double click."""
        self._press_again(next(one for one in self.pressed[::-1] if not self._why_not_redeemed(one[3])))

    @move(3, when=lambda self: self.pressed, number=numbers)
    def press_again(self, number: int = 0) -> None:
        """A form that is sent again later."""
        if pressed := self.pick(self.pressed, number):
            self._press_again(pressed)

    def _press_again(self, pressed: tuple[str, str, str, Code]) -> None:
        """The result is neither a new grant nor one that has ended."""
        user, form, location, code = pressed
        self.tell(f"{user} sends the form of {code.app} again")
        why = self._why_not_redeemed(code)
        answer = self.browsers[user].post("/oauth/authorize", form, content_type=wire.FORM)
        if answer.status_code != 303 or "code" not in wire.returned(answer):
            self.add(f"nothing ({answer.status_code})")
            return
        if answer["Location"] != location:
            self.fail(f"{code.app} got another answer")
        if why:
            self.fail(f"{code.app} got the code again although {why}")
        self.add("the same code")

    def _asked(self, user: str, app: str, want: Want) -> Allowed:
        """The permissions that the request would get if the user allowed all of it now."""
        client = self.apps[app]
        needed = {"": [], "payment": ["transfers:write"]}.get(want.details)
        if needed is None:
            needed = [SCOPE_OF_ACTION[action] for action in want.details.split(" and ")]
        scopes = {*want.scopes.split(), *needed}
        learnable = {name for name, scope in SCOPE_OF_CLAIM.items() if scope in self.model.facts[app].scopes}
        claims = {place: [name for name in names if name in learnable] for place, names in want.claims.items()}
        return Allowed(
            user=user, app=app, scopes=frozenset(scopes), resources=frozenset(want.resources or (world.API,)),
            claims={place: names for place, names in claims.items() if names}, details=[],
            redirect_host=urlsplit(client.redirect_uri).hostname or "", identity=self.model.facts[app].identity(),
            session=self.sessions[user], ends_at=self.now + lifetime(),
        )  # fmt: skip

    def _details(self, want: Want, asked: Allowed) -> list[dict[str, Any]]:
        """The details as the client sends them. `asked` remembers them before anything is picked."""
        if want.details.startswith("accounts"):
            actions = want.details.split(" and ")
            asked.details.append(Picked(tuple(actions), frozenset()))
            return [{"type": "account_information", "actions": actions}]
        if want.details == "payment":
            creditor = self.world.accounts["bobs" if asked.user != "bob" else "everyday"]
            payment = Payment("", creditor.iban or "", "Payee", 1, "Invoice 7")
            asked.details.append(payment)
            return [
                {
                    "type": "transfer", "instructed_amount": {"currency": "GBP", "minor_units": payment.amount_minor},
                    "creditor": {"scheme": "iban", "identifier": payment.creditor_iban, "name": "Payee"},
                    "reference": payment.reference,
                }
            ]  # fmt: skip
        return []

    def _parameters(
        self, client: world.App, want: Want, details: list[dict[str, Any]], action: str, grant: Allowed | None
    ) -> list[tuple[str, str]]:
        given = {
            "redirect_uri": client.redirect_uri, "response_type": "code", "scope": want.scopes, "state": "s",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256", "prompt": want.prompt,
            "claims": json.dumps({place: dict.fromkeys(names) for place, names in want.claims.items()})
            if want.claims else "",
            "authorization_details": json.dumps(details) if details else "",
            "grant_management_action": action, "grant_id": grant.grant_id if grant else "",
        }  # fmt: skip
        return [(name, value) for name, value in given.items() if value] + [("resource", one) for one in want.resources]

    def _send(self, user: str, app: str, parameters: list[tuple[str, str]]) -> Any:
        """Sends the request. Returns the response to the browser: the consent page or the redirect to the client. None
        if the request is refused.
        """
        client, browser = self.apps[app], self.browsers[user]
        has_details = any(name == "authorization_details" for name, _ in parameters)
        if client.pushes or (has_details and not client.is_public):
            pushed = wire.post(client, "/oauth/par", parameters)
            if pushed.status_code != 201:
                self.add(f"refused ({pushed.json()['error']})")
                return None
            parameters = [("request_uri", pushed.json()["request_uri"])]
        answer = browser.get(f"/oauth/authorize?{urlencode([('client_id', client.client_id), *parameters])}")
        if answer.status_code == 303 and answer["Location"].startswith("/accounts/login/"):
            if user in self.model.inactive:
                self.add(f"{user} cannot log in")
                return None
            answer = self._log_in_and_return(user, answer)
        if answer.status_code not in (200, 303):
            self.add(f"refused ({answer.status_code})")
            return None
        if answer.status_code == 200 and not wire.inputs(answer, "interaction"):
            # RFC 9700 §4.11.2: an error goes to a client that nobody verified only after the user presses a button.
            if "code=" in wire.link(answer):
                self.fail(f"{app} got a code, and {user} was not asked")
            self.add("refused (on a page)")
            return None
        return answer

    def _log_in_and_return(self, user: str, answer: Any) -> Any:
        browser = self.browsers[user]
        self.clock.shift(1)
        logged_in = browser.post(
            answer["Location"], {"login": self.world.users[user].email, "password": self.passwords[user]}
        )
        if logged_in.status_code != 302 or not logged_in["Location"].startswith("/oauth/authorize"):
            self.fail(f"{user} could not log in: {logged_in.status_code}")
        self.sessions[user] += 1
        return browser.get(logged_in["Location"])

    def _check_silence(self, asked: Allowed) -> None:
        """Without a consent page, a code gives only permissions that the user was shown before, to the same client, and
        only for as long as they last.
        """
        covering = self.model.covering(asked, asked.redirect_host, self.now)
        if not covering or asked.app == "phone":
            self.fail(f"{asked.app} got a code silently, and {asked.user} never allowed {sorted(asked.consented)} so")
        asked.ends_at = min(asked.ends_at, max(one.ends_at for one in covering))
        newest = max(covering, key=lambda one: one.decision)
        asked.details = limits_for(newest.details, asked.scopes)

    def _decide(self, user: str, page: Any, reply: Reply, asked: Allowed, grant: Allowed | None, action: str) -> Any:
        """The user presses a button, and the model records what the page showed. Returns None if there is no code."""
        fields, unticked = self._filled_in(wire.inputs(page, "interaction"), reply, asked)
        shown = replace(asked)
        self.sent = urlencode(fields)
        answer = self.browsers[user].post("/oauth/authorize", self.sent, content_type=wire.FORM)
        if reply.decision == "deny":
            self.add(f"{user} denies it")
            self.model.decided(shown, None)
            if answer.status_code != 303 or "code" in wire.returned(answer):
                self.fail("a code after the user denied")
            return None
        if answer.status_code != 303:
            self.add(f"nothing is allowed ({answer.status_code})")
            return None
        if "code" not in wire.returned(answer):
            self.add(f"refused ({wire.returned(answer).get('error')})")
            return None
        self.add(f"{user} allows it" + (f" without {unticked}" if unticked else "") + self._picked(asked))
        asked.scopes -= {unticked}
        asked.claims = {
            place: [name for name in names if SCOPE_OF_CLAIM.get(name) != unticked]
            for place, names in asked.claims.items()
        }
        asked.session, asked.ends_at = self.sessions[user], self.now + lifetime()
        self.model.decided(shown, asked)
        if grant is None:
            self.model.allowed.append(asked)
        else:
            self._change(grant, asked, action)
        return answer

    def _filled_in(
        self, inputs: list[tuple[str, str, str, bool]], reply: Reply, asked: Allowed
    ) -> tuple[list[tuple[str, str]], str]:
        """Returns the form with the choices of the user, and the scope that they leave out. No two decisions happen at
        the same time.
        """
        self.clock.shift(timedelta(milliseconds=1))
        fields = [(name, value) for kind, name, value, _ in inputs if kind == "hidden"]
        optional = [name for kind, name, _, _ in inputs if kind == "checkbox" and name.startswith("allow-")]
        unticked = ""
        if reply.leaves_out is not None and len(optional) > 1:
            unticked = optional[reply.leaves_out % len(optional)].removeprefix("allow-")
        fields += [(name, "yes") for name in optional if name != f"allow-{unticked}"]
        if not asked.details:
            self._limit(inputs, reply, asked, unticked)
        for number, detail in enumerate(asked.details):
            if isinstance(detail, Limit):
                fields += [("choice-0", value) for value in sorted(detail.accounts)]
                continue
            choices = [value for _, name, value, _ in inputs if name == f"choice-{number}"]
            chosen = {choices[pick % len(choices)] for pick in reply.picks} if choices else set()
            if isinstance(detail, Payment):
                chosen = set(sorted(chosen)[:1])
                detail.source = next(iter(chosen), "")
            else:
                detail.accounts = frozenset(chosen)
            fields += [(f"choice-{number}", value) for value in sorted(chosen)]
        if reply.accounts is None:
            fields += [(name, value) for _, name, value, _ in inputs if (name, value) == ("choice-0", "all")]
        return [*fields, ("decision", reply.decision)], unticked

    def _limit(self, inputs: list[tuple[str, str, str, bool]], reply: Reply, asked: Allowed, unticked: str) -> None:
        """Returns the accounts that the user picks for the scopes. There is no limit if the user allows all accounts,
        including future ones.
        """
        choices = [value for _, name, value, _ in inputs if name == "choice-0" and value != "all"]
        about = (asked.scopes & OF_ACCOUNTS) - {unticked}
        if reply.accounts is None or not about or not choices:
            return
        asked.details = [Limit(about, frozenset(choices[pick % len(choices)] for pick in reply.accounts))]

    def _picked(self, asked: Allowed) -> str:
        names = {str(account.pk): name for name, account in self.world.accounts.items()}
        picked = sorted(names.get(one, one) for detail in asked.details for one in detail.accounts)
        return f" for {' and '.join(picked)}" if picked else ""

    def _change(self, grant: Allowed, asked: Allowed, action: str) -> None:
        if action == "replace":
            grant.scopes, grant.resources, grant.claims = asked.scopes, asked.resources, asked.claims
            grant.details, grant.remembered, grant.decision = asked.details, asked.remembered, asked.decision
            grant.epoch += 1
            grant.generation += 1
        else:
            grant.details = joined((grant.scopes, grant.details), (asked.scopes, asked.details))
            grant.scopes |= asked.scopes
            grant.resources |= asked.resources
            if not only_limits(grant.details):
                grant.remembered = frozenset()
            places = {*grant.claims, *asked.claims}
            grant.claims = {
                place: sorted({*grant.claims.get(place, []), *asked.claims.get(place, [])}) for place in places
            }
        grant.session, grant.ends_at = asked.session, asked.ends_at
        grant.identity, grant.redirect_host = asked.identity, asked.redirect_host
        self.touched(allowed=grant)
