"""The retention schedule of this package: how long rows of each model are kept. docs/retention.md shows it."""

from datetime import timedelta

from oauth.conf import conf
from oauth.infrastructure.retention import Kept
from oauth.models import refusal_count, refused_request
from oauth.models.signing_key import HINTS_KEPT
from oauth.operations.cleanup import KEPT_AFTER_THE_END, KEYS_KEPT

_JOB = "oauth.clean_up"


def _days(period: timedelta) -> str:
    return f"{period.days} days"


_ENDED = _days(KEPT_AFTER_THE_END)
_MINUTES = f"{int(conf.INTERACTION_LIFETIME.total_seconds() // 60)} minutes"

# A partition has the rows of one hour and is dropped an hour later by the hourly cleanup.
_HOURS = "until it expires, and at most 3 hours more"

SCHEDULE = {
    "AuditEvent": Kept(
        f"{_days(conf.AUDIT_LIFETIME)}, and until its month is over",
        "who did what, for investigations and audits",
        _JOB,
    ),
    "Authorization": Kept(f"{_ENDED} after it ended", "support can look it up", _JOB),
    "AuthorizationCode": Kept("with its authorization", "a second use ends the authorization (RFC 6749 §4.1.2)", _JOB),
    "RefreshToken": Kept(
        "with its authorization; a superseded one until the next rotation after the retry window",
        "a second use ends the authorization (RFC 9700 §4.14)",
        _JOB,
    ),
    "Session": Kept(f"{_ENDED} after it ended", "support can look it up", _JOB),
    "DeviceCode": Kept(f"{_ENDED} after it expired", "support can look it up", _JOB),
    "BackchannelRequest": Kept(f"{_ENDED} after it expired", "support can look it up", _JOB),
    "InitialAccessToken": Kept(f"{_ENDED} after it expired", "shows who registered clients", _JOB),
    "RevokedStatus": Kept(_ENDED, "longer than any token with this bit is valid", _JOB),
    "PushedRequest": Kept(f"{_MINUTES} after it expired", "a user who answers too late can go back to the app", _JOB),
    "StoredInteraction": Kept(
        f"{_MINUTES} after it expired", ("a user who answers too late can go back to the app"), _JOB
    ),
    "UsedAssertion": Kept(_HOURS, "an assertion is used once (RFC 7523 §3)", _JOB),
    "UsedProof": Kept(_HOURS, "a proof is used once (RFC 9449 §11.1)", _JOB),
    "ImportedAccessToken": Kept("until it expires", "old tokens stay valid after an import", _JOB),
    "RefusedRequest": Kept(_days(refused_request.LIFETIME), "support can look up an error ID", _JOB),
    "RefusalCount": Kept(_days(refusal_count.LIFETIME), "shows attacks as numbers", _JOB),
    "SigningKey": Kept(
        f"{_days(KEYS_KEPT)} after it retired; the private part until it retires",
        f"verifies digests of the ledger, and, for {_days(HINTS_KEPT)}, id_token_hint",
        _JOB,
    ),
    "Client": Kept("until staff delete it", "registered apps"),
    "Client_exchange_from": Kept("with its client", "whose tokens a client may exchange"),
    "ClientLogo": Kept("with its client", "shown on the consent page"),
    "NewRedirectHost": Kept("with its client", "what a second admin decided"),
    "ClientReview": Kept("with its client", "what staff decided about an app"),
    "SandboxUser": Kept("with its user", "a test user never becomes an ordinary one"),
    "ImportedClient": Kept("with its client", "clients of another server keep their secrets"),
    "DotImport": Kept("forever", "one row for each import"),
    "RememberedConsent": Kept("with its user or client", "the user is not asked the same again"),
    "Scope": Kept("until staff delete it", "configuration"),
    "Branding": Kept("forever", "configuration, one row"),
}
