"""The scopes of a request as lines of the consent page, and the scopes that the user left ticked."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from oauth import authorization_details
from oauth.authorization_details import Detail, NotAnswered
from oauth.authorize.request import AuthorizationRequest
from oauth.models import Client, Scope
from oauth.models.client import identity as client_identity
from oauth.models.scope import SCOPE_OF_CLAIM
from oauth.parameters import Parameters

# The form field of a scope's checkbox is this prefix and the scope.
_TICK = "allow-"
# The form field that says what the page showed.
_SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of a consent page. An optional one has a checkbox and is granted only if it is ticked. `text` is the
    untranslated sentence.
    """

    name: str
    text: str
    sentence: str
    is_optional: bool = False
    is_ticked: bool = True

    def __str__(self) -> str:
        return self.sentence

    @property
    def tick(self) -> str:
        return f"{_TICK}{self.name}"


def groups(
    scopes: Iterable[str], client: Client, details: Sequence[Detail] = (), *, given: Parameters | None = None
) -> list[tuple[str, list[Permission]]]:
    """The titles of the consent page, each with its scopes, in order. `given` is the submitted form.

    Scopes that a detail grants are omitted: for a single transfer, the sentence "Make transfers" would be wrong. If
    staff have not checked the app, scopes that change something are always optional and not ticked by default.
    """
    scopes = set(scopes) - set(authorization_details.scopes_of(details))
    known = list(Scope.objects.filter(name__in=scopes))
    # A scope without a row has no sentence, and may change something.
    unknown = sorted(scopes - {scope.name for scope in known})
    rows = [*known, *(Scope(name=name, sentence=name, group=Scope.Group.WRITE) for name in unknown)]
    # A single scope has no checkbox, because the user can deny the request instead.
    has_choice = len(scopes) > 1 or bool(details)
    titles: dict[str, list[Permission]] = {label: [] for label in map(str, Scope.Group.labels)}
    for row in sorted(rows, key=lambda scope: (scope.name in unknown, scope.position, scope.name)):
        is_risk = row.group == Scope.Group.WRITE and not client.is_vouched_for
        is_optional = (row.is_optional or is_risk) and has_choice
        is_ticked = not is_optional or (not is_risk if given is None else f"{_TICK}{row.name}" in given)
        permission = Permission(row.name, row.sentence, _(row.sentence), is_optional, is_ticked)
        titles[str(Scope.Group(row.group).label)].append(permission)
    return [(title, permissions) for title, permissions in titles.items() if permissions]


def shown(groups: Iterable[tuple[str, Iterable[Permission]]], client: Client) -> str:
    """A digest of what the page says, for its form: the client, the sentences, and which of them have a checkbox."""
    lines = [(one.name, one.text, one.is_optional) for _title, permissions in groups for one in permissions]
    about = [client_identity.describe(client), client.client_uri, client.is_vouched_for]
    said = json.dumps([*about, str(client.authorization_lifetime), lines], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def ticked(given: Parameters) -> list[str]:
    """The checkboxes of scopes that the user ticked."""
    return sorted(name for name in given if name.startswith(_TICK))


def kept(scopes: Sequence[str], client: Client, given: Parameters, details: Sequence[Detail] = ()) -> tuple[str, ...]:
    """The scopes without those that the user unticked (ASVS 5.0 10.7.2).

    Raises NotAnswered if nothing is left, or if the page has said something else, because staff or the client have
    changed it since: a scope that had a checkbox must not be granted because it no longer has one. A form without the
    field is from a page of an earlier release.
    """
    titles = groups(scopes, client, details, given=given)
    now = shown(titles, client)
    if given.get(_SHOWN, now) != now:
        raise NotAnswered(_("This request has changed since you opened the page. Check what it says now."))
    lines = [permission for _title, permissions in titles for permission in permissions]
    withheld = {permission.name for permission in lines if not permission.is_ticked}
    left = tuple(name for name in scopes if name not in withheld)
    if not left and not details:
        raise NotAnswered(_("Leave at least one thing ticked, or choose Deny."))
    return left


def allowed_part(request: AuthorizationRequest, client: Client, given: Parameters) -> AuthorizationRequest:
    """The request without the scopes that the user unticked and without individual claims that belong to them.

    Raises NotAnswered.
    """
    asked = sorted(request.consented_scopes)
    withheld = set(asked) - set(kept(asked, client, given, request.authorization_details))
    claims = {
        place: [name for name in names if SCOPE_OF_CLAIM.get(name) not in withheld]
        for place, names in request.claims.items()
    }
    return replace(request, scopes=tuple(name for name in request.scopes if name not in withheld), claims=claims)


def may_change(groups: Iterable[tuple[str, Iterable[Permission]]], details: Iterable[Detail]) -> bool:
    """Whether the request includes a scope that changes something, or one without a row."""
    names = {permission.name for _title, permissions in groups for permission in permissions}
    names |= set(authorization_details.scopes_of(details))
    return Scope.objects.filter(name__in=names).exclude(group=Scope.Group.WRITE).count() < len(names)
