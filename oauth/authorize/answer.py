"""The stored response of an interaction. For a minute, a double click or a resubmitted form gets the same response.

So one consent page creates one code and one authorization. The response is not repeated if the code was used, the
authorization was revoked, the user logged out or another user logged in, or the user has since denied a request of this
client. If the user goes back and allows another part of the request, the new decision replaces the authorization.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet
from django.utils.translation import gettext_noop as _

from oauth.authorize import decision, permissions, picker, response
from oauth.authorize.interaction import Interaction, InteractionOver
from oauth.authorize.outcome import Refuse, Repeat
from oauth.authorize.response_modes import Delivery, Form, Page, Redirect
from oauth.errors import AccessDenied
from oauth.infrastructure import clock
from oauth.models import Authorization, AuthorizationCode, StoredInteraction
from oauth.models.secret import digest
from oauth.status import liveness

REPEATED_FOR = timedelta(minutes=1)
_DELIVERIES: dict[str, type[Redirect] | type[Form] | type[Page]] = {
    "Redirect": Redirect, "Form": Form, "Page": Page,
}  # fmt: skip


def keep(
    interaction: Interaction, delivery: Delivery, *, authorization: Authorization | None = None, code: str = ""
) -> None:
    """Stores the response. Call this in the transaction of the decision. Does nothing if the request was answered
    without a page. A refusal has no authorization.
    """
    if interaction.row is None:
        return
    told = {
        "as": type(delivery).__name__, "delivery": asdict(delivery), "code": code, "decided": _decided(interaction),
    }  # fmt: skip
    StoredInteraction.objects.filter(pk=interaction.row.pk).update(
        answered_at=clock.now(),
        answer=_cipher(interaction).encrypt(json.dumps(told, default=str).encode()),
        authorization=authorization,
        user=_user_id(interaction),
    )


def repeated(interaction: Interaction) -> Repeat:
    """The earlier response of an answered interaction. Raises InteractionOver if it must not be repeated."""
    row = interaction.row
    assert row is not None
    if not _is_recent(row) or row.user_id != _user_id(interaction):
        raise InteractionOver(_ANSWERED)
    told = _told(interaction, row)
    if row.authorization_id is not None and not _still_counts(interaction, row, told["code"]):
        raise InteractionOver(_ANSWERED)
    delivery = _DELIVERIES[told["as"]](**told["delivery"])
    return Repeat(delivery, interaction.client, is_refusal=row.authorization_id is None)


def is_changed(interaction: Interaction) -> bool:
    """Whether the user has gone back and allows another part of the request than a moment ago."""
    row, form = interaction.row, interaction.form
    if row is None or row.authorization_id is None or form is None or form.get("decision") != "allow":
        return False
    # A response of an earlier release does not say what was decided.
    return _is_recent(row) and _told(interaction, row).get("decided", now := _decided(interaction)) != now


def replace(interaction: Interaction) -> None:
    """Ends the authorization of the earlier answer, because the user has just decided otherwise (ASVS 5.0 10.7.2). Call
    this in a transaction, with the row locked.

    Raises InteractionOver like `take_back`, and if the client has already used the earlier response.
    """
    row = interaction.row
    assert row is not None
    assert row.authorization_id is not None, "is_changed says so"
    is_theirs = row.user_id == _user_id(interaction) and not interaction.request.grant_id
    if not is_theirs or not _still_counts(interaction, row, _told(interaction, row)["code"]):
        raise InteractionOver(_ANSWERED)
    earlier = Authorization.objects.filter(pk=row.authorization_id)
    earlier.revoke(Authorization.RevocationReason.USER, by=interaction.user)


def take_back(interaction: Interaction) -> Refuse | Repeat:
    """The user denies the request after allowing it with the same form. The authorization ends, and the client gets
    access_denied.

    Raises InteractionOver if the request changed an earlier grant, which cannot be undone. Call this in a transaction,
    with the row locked.
    """
    row = interaction.row
    assert row is not None
    if row.authorization_id is None:
        return repeated(interaction)
    if row.user_id != _user_id(interaction) or interaction.request.grant_id:
        raise InteractionOver(_ANSWERED)
    decision.deny(interaction.user, interaction.client, interaction.request.consented_scopes)
    allowed = Authorization.objects.filter(pk=row.authorization_id)
    allowed.revoke(Authorization.RevocationReason.USER, by=interaction.user)
    refusal = response.error(interaction.request, interaction.client, AccessDenied("The user denied the request."))
    keep(interaction, refusal.delivery)
    return refusal


_ANSWERED = _("You have already answered this app. Go back to the app, or start again from there.")


def _is_recent(row: StoredInteraction) -> bool:
    return row.answered_at is not None and clock.now() - row.answered_at <= REPEATED_FOR


def _still_counts(interaction: Interaction, row: StoredInteraction, code: str) -> bool:
    """Whether the response may be repeated. RFC 6749 §4.1.2: if a client redeemed a used code again, its authorization
    would end.
    """
    named = liveness.Named(interaction.client.client_id, row.authorization_id)
    if liveness.authority(named) is None:
        return False
    unused = AuthorizationCode.objects.filter(consumed_at=None, expires_at__gt=clock.now())
    if code and not unused.filter(code_digest=digest(code)).exists():
        return False
    refused = StoredInteraction.objects.filter(user=row.user_id, client=row.client_id, authorization=None)
    return not refused.filter(answered_at__gte=row.answered_at).exists()


def _told(interaction: Interaction, row: StoredInteraction) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_cipher(interaction).decrypt(bytes(row.answer)))
    return told


def _decided(interaction: Interaction) -> str:
    """A digest of what the form allows: the ticked scopes and options."""
    if interaction.form is None:
        return ""
    chosen = {n: sorted(values) for n, values in picker.chosen(interaction.form).items() if values}
    return hashlib.sha256(json.dumps([permissions.ticked(interaction.form), chosen]).encode()).hexdigest()


def _user_id(interaction: Interaction) -> Any:
    """None if nobody is logged in."""
    return interaction.user.pk if interaction.user.is_authenticated else None


def _cipher(interaction: Interaction) -> Fernet:
    """Derives the key from the browser's cookie, so that the database contains no usable code (ASVS 5.0 11.4.1)."""
    key = hmac.digest(interaction.secret.encode(), b"oauth.authorize.answer", hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))
