"""Client secrets that another server, such as django-oauth-toolkit, issued and stored as password hashes.

The first use is verified with that hash. The secret is then stored as this server's digest, so later requests need no
slow hash. `import_from_dot` imports such clients.
"""

from django.contrib.auth.hashers import check_password, identify_hasher
from django.db import transaction

from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import AuditEvent, Client
from oauth.models.audit_event import current_address
from oauth.models.secret import digest

# A slow hash takes a tenth of a second of CPU time, so each IP address may cause only a few. The limit is by IP
# address, so that a stranger cannot use up the client's own attempts.
CHECKS = Limit("imported-secret-checks", 30)
# 128 bits as base64url (RFC 6749 §10.10). A secret chosen in DOT may be shorter.
SHORTEST = 22


def is_readable(stored: str) -> bool:
    """Whether PASSWORD_HASHERS includes the hasher of this stored secret."""
    try:
        identify_hasher(stored)
    except ValueError:
        return False
    return True


def prove(client: Client, secret: str) -> bool:
    """Whether this is the imported secret of a client that has not used the secret here before. Raises LimitReached."""
    if not client.has_unproven_secret:
        return False
    rate_limits.spend(CHECKS, current_address())
    if not is_readable(client.imported_secret) or not check_password(secret, client.imported_secret):
        return False
    with transaction.atomic():
        unproven = Client.objects.filter(pk=client.pk, imported_secret=client.imported_secret, secret_digest=None)
        if unproven.update(secret_digest=digest(secret)):
            _record(client, secret)
    return True


def _record(client: Client, secret: str) -> None:
    short = f" It has only {len(secret)} characters: issue a new one." if len(secret) < SHORTEST else ""
    AuditEvent.record(
        AuditEvent.Action.CLIENT_CHANGED,
        client=client.client_id,
        reason=f"The imported secret was used for the first time.{short}",
    )
