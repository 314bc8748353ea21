"""Changes by staff in the admin, and changes of a client to its own registration (RFC 7592)."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.db.models import Model
from django.test import RequestFactory
from hypothesis import strategies as st

from accounts.models import User
from oauth.models import Client, NewRedirectHost
from tests.lib.client_keys import ClientKey
from tests.model import wire, world
from tests.model.moves import move
from tests.model.requests import numbers, users
from tests.model.stage import Stage

ACTS_ON_USERS = ("set_password", "deactivate", "reactivate")
ACTS_ON_CLIENTS = (
    "add_redirect_uri", "go_back_to_the_first_redirect_uri", "rename", "issue_secret", "change_keys",
    "disable_or_enable",
)  # fmt: skip
STAFF_PASSWORD = "set-by-the-bank-{}"


class Staff(Stage):
    @move(
        3,
        ends=True,
        when=lambda self: self.is_anything_allowed(),
        user=users,
        number=numbers,
        act=st.sampled_from((*ACTS_ON_USERS, "revoke_by_staff", "freeze_or_unfreeze")),
    )
    def staff_act(self, user: str, number: int, act: str) -> None:
        if act in ACTS_ON_USERS:
            self.act_on_user(user, act)
        elif act == "revoke_by_staff":
            self.revoke_by_staff(number)
        else:
            self.freeze_or_unfreeze(("everyday", "joint", "bobs")[number % 3])

    @move(3, when=lambda self: self._undoable(), number=numbers)
    def staff_undo(self, number: int) -> None:
        """Users and clients are enabled again. Everything that ended with the deactivation stays ended."""
        if undo := self.pick(self._undoable(), number):
            name, *arguments = undo
            getattr(self, name)(*arguments)

    def _undoable(self) -> list[tuple[str, ...]]:
        return [
            *(("take_or_give_scope", app, scope) for app, scope in sorted(self.taken)),
            *(("disable_or_enable", app) for app, facts in self.model.facts.items() if not facts.is_active),
            *(("reactivate", user) for user in sorted(self.model.inactive)),
        ]

    def act_on_user(self, user: str, act: str) -> None:
        getattr(self, act)(user)

    @move(
        3,
        when=lambda self: self.is_anything_allowed(),
        number=numbers,
        act=st.sampled_from((*ACTS_ON_CLIENTS, "take_or_give_scope", "take_or_give_scope")),
        scope=st.sampled_from(("accounts:read", "balances:read", "transfers:write", "email")),
    )
    def staff_edit(self, number: int, act: str, scope: str) -> None:
        """Edits a client that has an authorization."""
        app = self.pick(self.model.alive(self.now), number).app
        if act == "take_or_give_scope":
            self.take_or_give_scope(app, scope)
        else:
            self.act_on_client(app, act)

    def act_on_client(self, app: str, act: str) -> None:
        getattr(self, act)(app)

    @move(
        2,
        when=lambda self: self.is_anything_allowed(),
        change=st.sampled_from(("nothing", "redirect", "keys", "no scope", "all scopes", "method", "profile", "name")),
    )
    def register_anew(self, change: str) -> None:
        self.put_registration(change)

    # --- users

    def set_password(self, user: str) -> None:
        new = STAFF_PASSWORD.format(len(self.story))
        self.tell(f"staff send a link for a new password to {user}, who follows it")
        self._post(f"/admin/accounts/user/{self.world.users[user].pk}/password/", {"ends_password": "on"})
        self.world.users[user].refresh_from_db()
        if self.world.users[user].has_usable_password():
            self.add("refused")
            return
        self.world.users[user].set_password(new)
        self.world.users[user].save(update_fields=["password"])
        self.passwords[user] = new
        self.model.end(f"staff set a new password for {user}", user=user)
        self.sessions[user] += 1
        self.touched(user=user)
        self._check_logged_out(user)

    def deactivate(self, user: str) -> None:
        if user in self.model.inactive:
            return
        self.tell(f"staff deactivate {user}")
        if not self._edit_user(user, is_active=False):
            return
        self.model.inactive.add(user)
        self.model.end(f"{user} was deactivated", user=user)
        self.sessions[user] += 1
        self.touched(user=user)

    def reactivate(self, user: str) -> None:
        if user not in self.model.inactive:
            return
        self.tell(f"staff reactivate {user}")
        if self._edit_user(user, is_active=True):
            self.model.inactive.discard(user)
            self.touched(user=user)
            self._check_logged_out(user)

    def _check_logged_out(self, user: str) -> None:
        if self.browsers[user].get("/oauth/apps").status_code == 200:
            self.fail(f"a browser of {user} is still logged in")

    def _edit_user(self, user: str, *, is_active: bool) -> bool:
        row = self.world.users[user]
        self._edit(User, row.pk, is_active=is_active)
        row.refresh_from_db()
        if row.is_active != is_active:
            self.add("refused")
        return row.is_active == is_active

    # --- authorizations and accounts

    def revoke_by_staff(self, number: int = 0) -> None:
        allowed = self.pick([one for one in self.model.allowed if one.grant_id and not one.ended], number)
        if allowed is None:
            return
        self.tell(f"staff revoke grant {self.model.allowed.index(allowed)} of {allowed.user} for {allowed.app}")
        self._post("/admin/oauth/authorization/", {"action": "revoke", "_selected_action": allowed.grant_id})
        allowed.ended = "staff revoked it"
        self.touched(allowed=allowed)

    def freeze_or_unfreeze(self, name: str = "everyday") -> None:
        account = self.world.accounts[name]
        act = "unfreeze" if str(account.pk) in self.model.frozen else "freeze"
        self.tell(f"staff {act} the account {name}")
        self._post(f"/admin/banking/account/{account.pk}/{act}/", {"reason": "as asked"})
        account.refresh_from_db(fields=["status"])
        (self.model.frozen.discard, self.model.frozen.add)[account.status == "frozen"](str(account.pk))

    # --- clients

    def add_redirect_uri(self, app: str, host: str = "evil.example") -> None:
        """The next requests of the app use this redirect URI."""
        client = self.apps[app]
        uri = f"https://{host}/callback"
        known = self.model.facts[app].redirect_uris
        self.tell(f"staff add {uri} to {app}")
        self._edit_client(app, redirect_uris="\n".join(dict.fromkeys([*known, uri])))
        if pending := NewRedirectHost.objects.filter(client__client_id=client.client_id, decided_at=None).last():
            form = {"action": "approve", "_selected_action": pending.pk}
            self._post("/admin/oauth/newredirecthost/", form, by="second admin")
            self._changed(app)
        if uri in self.model.facts[app].redirect_uris:
            client.redirect_uri = uri
        else:
            self.add("refused")

    def go_back_to_the_first_redirect_uri(self, app: str) -> None:
        client = self.apps[app]
        uri = self.model.facts[app].redirect_uris[0]
        if client.redirect_uri != uri:
            self.tell(f"{app} uses its redirect URI at {urlsplit(uri).hostname}")
            client.redirect_uri = uri

    def rename(self, app: str, name: str = "Renamed") -> None:
        self.tell(f"staff rename {app} to {name}")
        self._edit_client(app, name=name)

    def issue_secret(self, _app: str = "") -> None:
        """Issues a second secret for the shop. The previous one works for one more day."""
        client = self.apps["shop"]
        self.tell("staff issue a second secret for shop")
        page = self._post(f"/admin/oauth/client/{self._pk('shop')}/new-secret/", {"typed": client.client_id})
        shown = re.search(r'id="client-secret">([^<]+)<', page.content.decode())
        if page.status_code != 200 or shown is None:
            self.add("refused")
            return
        client.secret = shown[1]
        self._changed("shop")

    def change_keys(self, _app: str = "") -> None:
        """Of the vault."""
        key = ClientKey("ES256", kid=f"key-{len(self.story)}")
        self.tell("staff change the keys of vault")
        before = self.model.facts["vault"].keys
        self._edit_client("vault", client_jwks=json.dumps({"keys": [key.public]}))
        if self.model.facts["vault"].keys == before:
            self.add("refused")
            return
        self.apps["vault"].key = key

    def take_or_give_scope(self, app: str, scope: str = "accounts:read") -> None:
        scopes = self.model.facts[app].scopes
        self.tell(f"staff {'take' if scope in scopes else 'give'} {scope} {'from' if scope in scopes else 'to'} {app}")
        self._edit_client(app, allowed_scopes=sorted(scopes ^ {scope}))
        (self.taken.add, self.taken.discard)[scope in self.model.facts[app].scopes]((app, scope))

    def disable_or_enable(self, app: str) -> None:
        is_active = self.model.facts[app].is_active
        self.tell(f"staff {'disable' if is_active else 'enable'} {app}")
        self._edit_client(app, is_active=not is_active)

    def put_registration(self, change: str = "redirect") -> None:
        """The app that registered itself replaces its metadata."""
        client = self.apps["joined"]
        if not self.model.facts["joined"].is_active:
            return
        self.tell(f"joined registers itself anew with another {change}")
        key = client.key
        metadata = {**client.metadata, "client_id": client.client_id}
        uri = "https://elsewhere.example/callback"
        match change:
            case "redirect":
                metadata["redirect_uris"] = [uri]
            case "keys":
                key = ClientKey("ES256", kid=f"key-{len(self.story)}")
                metadata["jwks"] = {"keys": [key.public]}
            case "no scope":
                metadata.pop("scope", None)
            case "all scopes":
                metadata["scope"] = " ".join(world.SCOPES)
            case "method":
                metadata.pop("jwks", None)
                metadata["token_endpoint_auth_method"] = "client_secret_basic"
            case "profile":
                metadata["security_profile"] = "fapi2"
            case "name":
                metadata["client_name"] = "Joined Anew"
        before = self.model.facts["joined"]
        answer = wire.Browser().put(
            f"/oauth/register/{client.client_id}", metadata, content_type="application/json",
            headers={"Authorization": f"Bearer {client.registration_token}"},
        )  # fmt: skip
        if answer.status_code != 200:
            self.add(f"refused ({answer.json()['error']})")
            return
        body = answer.json()
        client.registration_token = body["registration_access_token"]
        client.metadata = {name: value for name, value in metadata.items() if name != "client_id"}
        client.secret, client.key = body.get("client_secret", ""), None if "client_secret" in body else key
        client.redirect_uri = body["redirect_uris"][0]
        client.always_dpop = client.pushes = body["security_profile"] != "oauth21"
        self._changed("joined")
        after = self.model.facts["joined"]
        if beyond := after.scopes - frozenset(world.JOINED_SCOPES.split()) - before.scopes:
            self.fail(f"joined registered {sorted(beyond)} for itself")
        if back := {scope for app, scope in self.taken if app == "joined"} & after.scopes:
            self.fail(f"joined took {sorted(back)} back, which staff had taken from it")
        if before.profile == "fapi2" and after.profile != "fapi2":
            self.fail("joined left FAPI 2.0 by itself")
        if before.method == "private_key_jwt" and after.method != "private_key_jwt":
            self.fail("joined proves itself more weakly than what was registered")

    # --- changes through pages

    def _pk(self, app: str) -> Any:
        return Client.objects.only("pk").get(client_id=self.apps[app].client_id).pk

    def _edit_client(self, app: str, **values: Any) -> None:
        self._edit(Client, self._pk(app), **values)
        self._changed(app)

    def _changed(self, app: str) -> None:
        before = self.model.facts[app]
        after = self.reread(app)
        if before != after:
            self.model.may_end(app)
        self.touched(app=app)

    def _edit(self, model: type[Model], pk: Any, **values: Any) -> Any:
        """Sends the form of the page with these values changed. Only the answer is rendered, which is a redirect."""
        model_admin, one = admin.site._registry[model], model._default_manager.get(pk=pk)
        request = RequestFactory().get("/")
        request.user = User.objects.get(email="staff@example.test")
        form = model_admin.get_form(request, one, change=True)(instance=one)
        fields = {field.html_name: field.value() for field in form} | values
        for formset, _inline in model_admin.get_formsets_with_inlines(request, one):
            inline = formset(instance=one, prefix=formset.get_default_prefix())
            for form in (inline.management_form, *inline.forms):
                fields |= {field.html_name: field.value() for field in form}
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/{pk}/change/"
        return self._post(path, {name: _written(value) for name, value in fields.items() if value not in (None, False)})

    def _post(self, path: str, form: dict[str, Any], by: str = "staff") -> Any:
        """Posts as staff who have reauthenticated within the last minutes."""
        if self.now - self.staff_proven_at[by] > timedelta(minutes=9):
            self.browsers[by] = wire.Browser()
            email = f"{by.replace(' ', '-')}@example.test"
            self.browsers[by].post("/accounts/login/", {"login": email, "password": world.PASSWORD})
            self.staff_proven_at[by] = self.now
        return self.browsers[by].post(path, form)


def _written(value: Any) -> Any:
    if value is True:
        return "on"
    return [getattr(one, "pk", one) for one in value] if isinstance(value, list | tuple) else value
