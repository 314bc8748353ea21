"""One line of a report, and the result of a rule."""

from dataclasses import dataclass

from django.db import models


class Standard(models.TextChoices):
    """The standards against which a deployment is measured, in the order of the report."""

    OAUTH21 = "oauth-2.1", "OAuth 2.1"
    RFC_9700 = "rfc-9700", "RFC 9700"
    FAPI = "fapi-2.0", "FAPI 2.0 Security Profile"
    MESSAGE_SIGNING = "fapi-2.0-message-signing", "FAPI 2.0 Message Signing"
    ASVS_9 = "asvs-5.0-v9", "ASVS 5.0 V9: self-contained tokens"
    ASVS_10 = "asvs-5.0-v10", "ASVS 5.0 V10: OAuth and OpenID Connect"
    CHECKS = "checks", "System checks of this site"


class Verdict(models.TextChoices):
    MET = "met", "met"
    UNMET = "not-met", "not met"
    NOT_APPLICABLE = "not-applicable", "not applicable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a rule. If it is unmet, `change` names the setting or client field to change."""

    verdict: Verdict
    reason: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """`is_required` is False for a SHOULD and for a requirement of ASVS level 3. `enforced_in` are source files."""

    standard: Standard
    section: str
    rule: str
    verdict: Verdict
    reason: str
    change: str = ""
    is_required: bool = True
    enforced_in: tuple[str, ...] = ()


def met(reason: str) -> Outcome:
    return Outcome(Verdict.MET, reason)


def unmet(reason: str, *, change: str) -> Outcome:
    return Outcome(Verdict.UNMET, reason, change)


def not_applicable(reason: str) -> Outcome:
    return Outcome(Verdict.NOT_APPLICABLE, reason)
