"""The stored answer of an interaction: for a minute, a double click or a form that is sent again gets the same answer.

So there is one code and one authorization, however often the user presses the button. The answer is not repeated if
something has ended since: the code was used, the authorization was revoked, the user logged out, or the request was
denied.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from oauth.authorize import decision, response
from oauth.authorize.interaction import Interaction, InteractionOver
from oauth.authorize.outcome import Refuse, Repeat
from oauth.authorize.response_modes import Delivery, Form, Page, Redirect
from oauth.errors import AccessDenied
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
    """Call it in the transaction of the answer. Does nothing for an answer without a page. A refusal has no
    authorization."""
    if interaction.row is None:
        return
    told = {"as": type(delivery).__name__, "delivery": asdict(delivery), "code": code}
    StoredInteraction.objects.filter(pk=interaction.row.pk).update(
        answered_at=timezone.now(),
        answer=_cipher(interaction).encrypt(json.dumps(told, default=str).encode()),
        authorization=authorization,
        user=_user_id(interaction),
    )


def repeated(interaction: Interaction) -> Repeat:
    """The earlier answer of an answered interaction. Raises InteractionOver if it no longer counts."""
    row = interaction.row
    assert row is not None
    if not _is_recent(row) or row.user_id != _user_id(interaction):
        raise InteractionOver(_ANSWERED)
    told = json.loads(_cipher(interaction).decrypt(bytes(row.answer)))
    if row.authorization_id is not None and not _still_counts(interaction, row, told["code"]):
        raise InteractionOver(_ANSWERED)
    delivery = _DELIVERIES[told["as"]](**told["delivery"])
    return Repeat(delivery, interaction.client, is_refusal=row.authorization_id is None)


def take_back(interaction: Interaction) -> Refuse | Repeat:
    """The user denies the request after allowing it a moment ago with the same form. The authorization ends, and the
    client gets access_denied.

    Raises InteractionOver for a change of an earlier grant, which nobody can undo. Call it in a transaction, with the
    row locked.
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
    return row.answered_at is not None and timezone.now() - row.answered_at <= REPEATED_FOR


def _still_counts(interaction: Interaction, row: StoredInteraction, code: str) -> bool:
    """RFC 6749 §4.1.2: a code is for one use. A client that got a used code again would redeem it, and so end
    the authorization."""
    named = liveness.Named(interaction.client.client_id, row.authorization_id)
    if liveness.authority(named) is None:
        return False
    unused = AuthorizationCode.objects.filter(consumed_at=None, expires_at__gt=timezone.now())
    if code and not unused.filter(code_digest=digest(code)).exists():
        return False
    refused = StoredInteraction.objects.filter(user=row.user_id, client=row.client_id, authorization=None)
    return not refused.filter(answered_at__gte=row.answered_at).exists()


def _user_id(interaction: Interaction) -> Any:
    """None if nobody is logged in."""
    return interaction.user.pk if interaction.user.is_authenticated else None


def _cipher(interaction: Interaction) -> Fernet:
    """Encrypted under a key derived from the browser's cookie, so the database contains no usable code (ASVS 5.0
    11.4.1).
    """
    key = hmac.digest(interaction.secret.encode(), b"oauth.authorize.answer", hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))
